import { printableLine } from '../printable.ts';
import { type Asking, ask } from './ask.ts';
import { commitWork, headsOf } from './commit.ts';
import { TaskFailure } from './failure.ts';
import { leaveHandoff } from './handoff.ts';
import type { ModelWaits } from './limits.ts';
import { type LoopEnd, runLoop } from './loop.ts';
import { Meter } from './meter.ts';
import { Model } from './model.ts';
import { openConversation, titleOf } from './opening.ts';
import { preflight } from './preflight.ts';
import { readTask, type Task } from './read-task.ts';
import { isRehearsal, leaveError, leavePlan, leaveSummary, leaveUsage } from './report.ts';
import { offerTools } from './tool-set.ts';

export type RunOptions = {
  readonly taskFolder: string;
  readonly workspace: string;
  /** Of the model server: `http://127.0.0.1:11434`. */
  readonly host: string;
  readonly waits: ModelWaits;
  /** Takes one line, without its line feed. */
  readonly print: (line: string) => void;
};

const exitCodes = { done: 0, refusedBeforeWork: 10, failed: 11, stopped: 130 } as const;

/**
 * Plans or does one task, and leaves plan or commits, summary, usage and error where the agent process looks for them.
 * @param stop ends the current command; what there is is committed
 * @returns the exit code
 */
export async function runTask(options: RunOptions, stop: AbortSignal): Promise<number> {
  const task = await readTask(options.taskFolder);
  const meter = new Meter(task.token_budget);
  const asking = await prepare(task, meter, options, stop).catch((error: unknown) => explain(error, stop));
  if ('kind' in asking) return await giveUp(asking, options, exitCodes.refusedBeforeWork);
  const code =
    task.mode === 'plan' ? await makePlan(task, asking, options, stop) : await work(task, asking, options, stop);
  await leaveUsage(options.taskFolder, meter.count);
  return code;
}

type Stopped = { readonly kind: 'stopped' };
type Failed = { readonly kind: 'failed'; readonly failure: TaskFailure };

async function prepare(task: Task, meter: Meter, options: RunOptions, stop: AbortSignal): Promise<Asking> {
  const model = new Model(options.host, task.model, options.waits);
  // The structured style's prompt is the longer one: it holds the tools in words.
  const opening = openConversation(task, task.mode, task.plan, offerTools(task.mode), 'structured');
  const promptBytes = opening.reduce((sum, { content }) => sum + Buffer.byteLength(content), 0);
  const known = await preflight(model, promptBytes, options.waits, stop);
  const notice = isRehearsal(task.model) ? '; it is the rehearsal model, no language model' : '';
  options.print(
    `model ${printableLine(task.model)}, ${known.contextTokens} tokens of context, ${known.style} calls${notice}`,
  );
  return { model, preflight: known, meter, waits: options.waits };
}

async function makePlan(task: Task, asking: Asking, options: RunOptions, stop: AbortSignal): Promise<number> {
  const steps: string[] = [];
  const end = await loop(task, 'plan', undefined, asking, options, steps, stop).catch((error: unknown) =>
    explain(error, stop),
  );
  if ('kind' in end) return await giveUp(end, options, exitCodes.failed);
  const plan = end.words.summary.trim() || end.said.trim();
  if (plan === '') {
    const failure = new TaskFailure('plan_missing', 'the model finished without a plan');
    return await giveUp({ kind: 'failed', failure }, options, exitCodes.failed);
  }
  await leavePlan(options.taskFolder, plan);
  return exitCodes.done;
}

async function work(task: Task, asking: Asking, options: RunOptions, stop: AbortSignal): Promise<number> {
  const before = await headsOf(task, options.workspace);
  const steps: string[] = [];
  const end = await workToTheEnd(task, asking, options, steps, stop).catch((error: unknown) => explain(error, stop));
  const changes = await commitWork(task, options.workspace, before, titleOf(task));
  await leaveSummary(options.taskFolder, {
    outcome: outcomeOf(end),
    model: task.model,
    tokens: asking.meter.count,
    steps,
    changes,
    said: 'kind' in end ? '' : end.words.summary || end.said,
  });
  if (!('kind' in end)) await leaveHandoff(options.taskFolder, end.words);
  return 'kind' in end ? await giveUp(end, options, exitCodes.failed) : exitCodes.done;
}

/** An approved plan is carried out as it is; without one the model makes its own first. */
async function workToTheEnd(
  task: Task,
  asking: Asking,
  options: RunOptions,
  steps: string[],
  stop: AbortSignal,
): Promise<LoopEnd> {
  const plan = task.plan ?? (await planFirst(task, asking, options, stop));
  return await loop(task, 'run', plan, asking, options, steps, stop);
}

async function planFirst(task: Task, asking: Asking, options: RunOptions, stop: AbortSignal): Promise<string> {
  options.print('step 0: plan');
  const { content } = await ask(asking, openConversation(task, 'plan', undefined, [], 'native'), [], stop);
  return content;
}

async function loop(
  task: Task,
  mode: 'run' | 'plan',
  plan: string | undefined,
  asking: Asking,
  options: RunOptions,
  steps: string[],
  stop: AbortSignal,
): Promise<LoopEnd> {
  const messages = openConversation(task, mode, plan, offerTools(mode), asking.preflight.style);
  const onStep = (step: number, label: string, ok: boolean) => {
    const line = `${printableLine(label)}${ok ? '' : ' (failed)'}`;
    steps.push(line);
    options.print(`step ${step}: ${line}`);
  };
  return await runLoop(
    { asking, mode, workspace: options.workspace, stepLimit: task.step_limit, messages, onStep },
    stop,
  );
}

/** @throws what is neither a stop nor an expected failure */
function explain(error: unknown, stop: AbortSignal): Stopped | Failed {
  if (stop.aborted) return { kind: 'stopped' };
  if (error instanceof TaskFailure) return { kind: 'failed', failure: error };
  throw error;
}

function outcomeOf(end: LoopEnd | Stopped | Failed): string {
  if (!('kind' in end)) return 'finished';
  return end.kind === 'stopped'
    ? 'stopped'
    : `failed (${end.failure.code}): ${printableLine(end.failure.message, 1_000)}`;
}

async function giveUp(end: Stopped | Failed, { taskFolder, print }: RunOptions, code: number): Promise<number> {
  if (end.kind === 'stopped') {
    print('stopped');
    await leaveError(taskFolder, { error_class: 'stopped', message: 'stopped' });
    return exitCodes.stopped;
  }
  print(`error: ${printableLine(end.failure.message, 1_000)}`);
  await leaveError(taskFolder, { error_class: end.failure.code, message: end.failure.message });
  return code;
}
