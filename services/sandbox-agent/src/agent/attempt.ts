import { join } from 'node:path';
import type { EndFrame, TaskFrame } from '@countersign/contracts/frames.ts';
import { outputIndex } from '@countersign/contracts/frames.ts';
import type { Logger } from '@countersign/kit/logger.ts';
import { drained, startProcess } from '../process.ts';
import { type Capture, openCapture } from './capture.ts';
import { collectResult } from './collect-result.ts';
import { Delivery } from './delivery.ts';
import type { ReceivedTask } from './incoming-task.ts';
import { agentLimits } from './limits.ts';
import { type Outcome, outcomeOf } from './outcome.ts';
import type { AgentPaths } from './paths.ts';
import { checkOutAll, writeTaskFolder } from './prepare.ts';
import { Progress } from './progress.ts';
import type { Source } from './source.ts';
import { stopTool } from './stop-tool.ts';
import { type SweepScope, sweep } from './sweep.ts';
import { toolEnvironment } from './tool-environment.ts';

export type AttemptOptions = {
  readonly paths: AgentPaths;
  readonly modelPort: number;
  readonly sweepScope: SweepScope;
  readonly logger: Logger;
};

type Worked = { readonly outcome: Outcome; readonly exitCode: number | null; readonly checkedOut: boolean };

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
    const stdout = await openCapture(this.#outputs.stdout, this.frame.output_bytes, this.delivery.changed);
    const stderr = await openCapture(this.#outputs.stderr, this.frame.output_bytes, this.delivery.changed);
    const worked = await this.#work(stdout, stderr).catch((error: unknown) => this.#failed(error));
    this.#progress.say({ summary: 'collecting the result' });
    const collect = (all: Worked) => collectResult(this.#options.paths, this.frame, all, () => this.#gitSignal());
    const { sources, notes, end } = await collect(worked).catch((error: unknown) => collect(this.#failed(error)));
    const whole: EndFrame = { ...end, stdout: await stdout.finish(), stderr: await stderr.finish() };
    this.#ended = true;
    this.delivery.finish({ sources, notes, end: whole });
    this.#options.logger.info(
      { task: this.frame.task, reason: end.reason, error_class: end.error_class },
      'attempt ended',
    );
  }

  async #work(stdout: Capture, stderr: Capture): Promise<Worked> {
    const { paths, logger } = this.#options;
    this.#progress.say({ summary: 'checking out' });
    await writeTaskFolder(paths, this.#received);
    const checkoutStop = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(agentLimits.gitMs)]);
    const problem = await checkOutAll(paths, this.#received, checkoutStop);
    if (this.#stop.signal.aborted) return { outcome: this.#stopped(), exitCode: null, checkedOut: false };
    if (problem !== undefined) return { outcome: problem, exitCode: null, checkedOut: false };
    logger.info({ task: this.frame.task, mode: this.frame.mode }, 'tool starts');
    this.#progress.say({ summary: 'the tool runs' });
    return await this.#runTool(stdout, stderr);
  }

  async #runTool(stdout: Capture, stderr: Capture): Promise<Worked> {
    const { paths, modelPort, sweepScope, logger } = this.#options;
    const env = toolEnvironment(paths, modelPort);
    const tool = startProcess({ argv: this.frame.command, cwd: paths.workspace, env });
    const captured = Promise.all([
      stdout.take(tool.stdout, this.#progress.takeOutput),
      stderr.take(tool.stderr, () => undefined),
    ]);
    const waits = { interruptMs: this.frame.interrupt_ms, terminateMs: this.frame.terminate_ms };
    const stopped = new Promise<void>((resolve) => {
      if (this.#stop.signal.aborted) resolve();
      this.#stop.signal.addEventListener('abort', () => resolve(), { once: true });
    });
    const ended = await Promise.race([tool.ended, stopped.then(() => stopTool(tool, waits))]);
    // Nothing of the tool's may change the work while it is collected.
    tool.signal('SIGKILL');
    if (tool.pid !== undefined && !(await sweep(sweepScope, tool.pid)))
      logger.error({ task: this.frame.task }, 'processes of the tool could not be killed');
    await drained(tool);
    await captured;
    const exitCode = ended.kind === 'exited' ? ended.code : null;
    const outcome = this.#stop.signal.aborted ? this.#stopped() : outcomeOf(ended, this.frame.command[0] ?? '');
    return { outcome, exitCode, checkedOut: true };
  }

  #stopped(): Outcome {
    return { kind: 'stopped', message: `stopped: ${String(this.#stop.signal.reason)}` };
  }

  #failed(error: unknown): Worked {
    this.#options.logger.error({ err: error }, 'attempt failed');
    const message = `the sandbox failed: ${error instanceof Error ? error.message : String(error)}`;
    return { outcome: { kind: 'failed', errorClass: 'internal', message }, exitCode: null, checkedOut: false };
  }

  #gitSignal(): AbortSignal {
    return AbortSignal.timeout(this.#stop.signal.aborted ? agentLimits.gitAfterStopMs : agentLimits.gitMs);
  }
}
