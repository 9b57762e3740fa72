import { join } from 'node:path';
import type { EndFrame, TaskFrame } from '@countersign/contracts/frames.ts';
import { outputIndex } from '@countersign/contracts/frames.ts';
import type { Logger } from '@countersign/kit/logger.ts';
import { type Capture, openCapture } from './capture.ts';
import { carryOver } from './carry-over.ts';
import { collectResult } from './collect-result.ts';
import { Delivery } from './delivery.ts';
import { DiskWatch, type MeasureDisk } from './disk-watch.ts';
import type { ReceivedTask } from './incoming-task.ts';
import { LimitReached } from './limit-reached.ts';
import { agentLimits } from './limits.ts';
import { OutputBudget } from './output-budget.ts';
import type { AgentPaths } from './paths.ts';
import { checkOutAll, writeTaskFolder } from './prepare.ts';
import { Progress } from './progress.ts';
import { runTool } from './run-tool.ts';
import type { Source } from './source.ts';
import { stoppedBy } from './stopped-by.ts';
import type { SweepScope } from './sweep.ts';
import { verify } from './verify.ts';
import type { Worked } from './worked.ts';

export type AttemptOptions = {
  readonly paths: AgentPaths;
  readonly modelPort: number;
  readonly sweepScope: SweepScope;
  readonly logger: Logger;
  /** Instead of the file system's own figures. */
  readonly measureDisk?: MeasureDisk;
};

/**
 * One task from the moment that all of it has come until the runner has all of its result. It knows nothing of connections:
 * what there is to say goes into its delivery.
 */
export class Attempt {
  readonly frame: TaskFrame;
  readonly delivery: Delivery;
  readonly #received: ReceivedTask;
  readonly #options: AttemptOptions;
  readonly #progress: Progress;
  readonly #stop = new AbortController();
  readonly #disk: DiskWatch;
  readonly #outputs: Readonly<Record<'stdout' | 'stderr', Source>>;
  #ended = false;

  constructor(received: ReceivedTask, options: AttemptOptions) {
    this.frame = received.frame;
    this.#received = received;
    this.#options = options;
    const output = (name: 'stdout' | 'stderr'): Source => {
      const path = join(options.paths.spool, name);
      return { frame: 'output', index: outputIndex[name], path, bytes: 0, cursor: 0 };
    };
    this.#outputs = { stdout: output('stdout'), stderr: output('stderr') };
    this.delivery = new Delivery([this.#outputs.stdout, this.#outputs.stderr]);
    const diskBudget = received.frame.budget?.disk_bytes ?? null;
    const diskFull = (limit: number, used: number) => this.#exceed(new LimitReached('budget_disk', limit, used));
    this.#disk = new DiskWatch(options.paths.workspace, diskBudget, diskFull, options.measureDisk);
    this.#progress = new Progress((progress) => this.delivery.setProgress(progress));
  }

  get state(): 'busy' | 'ended' {
    return this.#ended ? 'ended' : 'busy';
  }

  /** Ends the work; what there is by then is saved and sent. Only the first call counts. */
  stop(reason: string): void {
    if (!this.#stop.signal.aborted) this.#stop.abort(reason);
  }

  /** Does the work. Whatever happens, it ends with an `end` in the delivery. */
  async run(): Promise<void> {
    this.#progress.say({ summary: 'checking out' });
    const limit = this.frame.budget?.output_bytes ?? Number.POSITIVE_INFINITY;
    const budget = new OutputBudget(limit, (used) => this.#exceed(new LimitReached('budget_output', limit, used)));
    const capture = (output: Source) => openCapture(output, this.frame.output_bytes, this.delivery.changed, budget);
    const [stdout, stderr] = [await capture(this.#outputs.stdout), await capture(this.#outputs.stderr)];
    const worked = await this.#work(stdout, stderr).catch((error: unknown) => this.#failed(error));
    this.#progress.say({ summary: 'collecting the result' });
    const collect = (all: Worked) => collectResult(this.#options.paths, this.frame, all, () => this.#gitSignal());
    const { sources, notes, end } = await collect(worked).catch((error: unknown) => collect(this.#failed(error)));
    const outputs = { stdout: await stdout.finish(), stderr: await stderr.finish() };
    const whole: EndFrame = { ...end, ...outputs, ...(this.#disk.most > 0 ? { disk_bytes: this.#disk.most } : {}) };
    this.#ended = true;
    this.delivery.finish({ sources, notes, end: whole });
    this.#options.logger.info(
      { task: this.frame.task, reason: end.reason, error_class: end.error_class },
      'attempt ended',
    );
  }

  async #work(stdout: Capture, stderr: Capture): Promise<Worked> {
    const { paths } = this.#options;
    const stop = this.#stop.signal;
    await writeTaskFolder(paths, this.#received);
    const checkoutStop = AbortSignal.any([stop, AbortSignal.timeout(agentLimits.gitMs)]);
    const problem = await checkOutAll(paths, this.#received, checkoutStop);
    if (stop.aborted) return { done: 'nothing', outcome: stoppedBy(stop), exitCode: null };
    if (problem !== undefined) return { done: 'nothing', outcome: problem, exitCode: null };
    const received = this.#received;
    const workplace = { ...this.#options, received, stdout, stderr, progress: this.#progress, disk: this.#disk, stop };
    switch (this.frame.mode) {
      case 'run':
      case 'plan':
        return await runTool(workplace);
      case 'verify':
        return await verify(workplace);
      case 'rebase':
        return await carryOver(workplace);
    }
  }

  #failed(error: unknown): Worked {
    this.#options.logger.error({ err: error }, 'attempt failed');
    const message = `the sandbox failed: ${error instanceof Error ? error.message : String(error)}`;
    return { done: 'nothing', outcome: { kind: 'failed', errorClass: 'internal', message }, exitCode: null };
  }

  #exceed(limit: LimitReached): void {
    if (!this.#stop.signal.aborted) this.#stop.abort(limit);
  }

  /** Nobody waits with a hand on the switch for what the agent has ended by itself. */
  #gitSignal(): AbortSignal {
    const { aborted, reason } = this.#stop.signal;
    const isUrgent = aborted && !(reason instanceof LimitReached);
    return AbortSignal.timeout(isUrgent ? agentLimits.gitAfterStopMs : agentLimits.gitMs);
  }
}
