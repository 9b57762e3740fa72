import { outputNames } from '@countersign/contracts/attempt-files.ts';
import type { ErrorClass, TokenCount } from '@countersign/contracts/event.ts';
import type { EndFrame } from '@countersign/contracts/frames.ts';
import type { Result, TaskRecord } from '@countersign/contracts/task-record.ts';
import { sha256 } from '@countersign/kit/digest.ts';
import type { Context } from '../context.ts';
import { readIfPresent } from '../queue/observe.ts';
import type { ExchangeOutcome } from '../sandbox/exchange.ts';
import type { Changes, EventDetail } from '../state/task-store.ts';
import type { Activity } from './attempt.ts';
import { cancelTask } from './cancel-task.ts';
import { budgetClass, describeExcess } from './excess.ts';
import { handOff } from './hand-off.ts';

const maximumInterruptions = 2;
/** A model that goes and comes is a wait, not the task's failure; bounded, because gateway and sandbox might disagree for ever. */
const maximumModelLosses = 10;

/** Ends a task without success; what it left behind is kept. */
export async function failTask(
  context: Context,
  record: TaskRecord,
  errorClass: ErrorClass,
  reason: string,
  end?: EndFrame,
  result: Result | null = null,
  changes: Changes = {},
  metered: TokenCount | null = null,
): Promise<void> {
  const mode = record.state.status === 'planning' ? 'plan' : 'run';
  const completion =
    end === undefined
      ? { exit_code: null, duration_ms: durationMs(record, context.now()), ...tokensOf(metered) }
      : completionOf(context, record, end, mode);
  await handOff(
    context,
    record,
    {
      status: 'failed',
      since: context.now().toISOString(),
      reason: reason.slice(0, 2_000),
      error_class: errorClass,
      result,
    },
    {
      event: 'task_ended',
      phase: mode,
      agent_role: 'runner',
      summary: reason.slice(0, 4_000),
      ...completion,
      error_class: errorClass,
    },
    changes,
  );
}

/** What a completion event says of an attempt. */
export function completionOf(
  context: Context,
  record: TaskRecord,
  end: EndFrame,
  mode: 'plan' | 'run',
): Omit<EventDetail, 'event' | 'phase' | 'agent_role' | 'summary'> {
  const folder = context.layout.attemptName(record);
  return {
    tool: record.tool,
    mode: mode === 'plan' ? 'plan' : 'batch',
    exit_code: end.exit_code,
    tokens: end.tokens,
    duration_ms: durationMs(record, context.now()),
    log_paths: { stdout: `${folder}/${outputNames[mode].stdout}`, stderr: `${folder}/${outputNames[mode].stderr}` },
    artifacts: end.artifacts.map((_artifact, index) => `${folder}/artifacts/${index}`),
  };
}

/**
 * Deals with an attempt that did not come to its own end: its file changed or was removed, or its sandbox was lost. Returns
 * whether that was so. What a changed file's attempt made is not kept.
 */
export async function endEarly(
  context: Context,
  record: TaskRecord,
  outcome: ExchangeOutcome,
  activity: Activity,
): Promise<boolean> {
  const phase = record.state.status === 'planning' ? 'plan' : 'run';
  switch (activity.reason) {
    case 'file_changed':
      await requeueChanged(context, record, phase);
      return true;
    case 'file_removed':
    case 'cancelled':
      // A run that could still deliver is taken in first: what it had done is kept.
      if (outcome.ok && phase === 'run') return false;
      await cancelTask(context, record);
      return true;
    case 'timeout':
    case 'unanswered':
    case 'tokens':
    case 'requests':
    case 'output':
    case 'disk':
    case null:
      break;
  }
  const { excess, metered } = activity;
  if (!outcome.ok) {
    const failed = (errorClass: ErrorClass, why: string) =>
      failTask(context, record, errorClass, `${why}; ${outcome.reason}`, undefined, null, {}, metered);
    if (excess !== null) await failed(budgetClass(excess), describeExcess(excess));
    else if (activity.reason === 'timeout') await failed('timeout', `not done within ${record.timeout_sec} s`);
    else if (activity.reason === 'unanswered') await failed('unanswered', unanswered);
    else await interrupt(context, record, outcome.errorClass, outcome.reason, metered);
    return true;
  }
  const { error_class: errorClass, message } = outcome.delivery.end;
  if (errorClass !== 'model_unreachable' || excess !== null) return false;
  await interrupt(context, record, errorClass, message, metered);
  return true;
}

/** Why a task ends that nobody answered. */
export const unanswered = 'nobody answered what it asked before its deadline, and it had no default';

function tokensOf(metered: TokenCount | null): Pick<EventDetail, 'tokens'> {
  return metered === null ? {} : { tokens: metered };
}

/** Its words stand as words, never as one of our facts. */
export function saidBySandbox(end: EndFrame): string {
  const code = `the tool ended with exit code ${end.exit_code ?? 'none'}`;
  return end.message === '' ? code : `${code}; the sandbox says: ${JSON.stringify(end.message)}`;
}

/** Begins a task anew whose file changed while it was worked on; nothing of the attempt is kept. */
export async function requeueChanged(context: Context, record: TaskRecord, phase: 'plan' | 'run'): Promise<void> {
  await context.tasks.transition(
    record.id,
    { status: 'queued', since: context.now().toISOString(), reason: 'the task file changed; it begins anew' },
    {
      event: 'task_requeued',
      phase,
      agent_role: 'runner',
      summary: 'the task file changed while it was worked on; nothing of the attempt is kept',
      error_class: 'file_changed',
    },
    { bases: null },
  );
}

/** Whether a task's file holds other bytes than those that were taken. One that is not there did not change. */
export async function hasFileChanged(context: Context, record: TaskRecord): Promise<boolean> {
  const read = await readIfPresent(context.layout.fileOf(record));
  return read?.ok === true && sha256(read.bytes) !== record.task_file;
}

/** An attempt that came to nothing without its own fault is made once more, and said; the second time ends the task. */
export async function interrupt(
  context: Context,
  record: TaskRecord,
  errorClass: ErrorClass,
  reason: string,
  metered: TokenCount | null = null,
): Promise<void> {
  const interruptions = record.interruptions + 1;
  if (interruptions >= (errorClass === 'model_unreachable' ? maximumModelLosses : maximumInterruptions))
    return failTask(
      context,
      record,
      errorClass,
      `interrupted for the ${interruptions === 2 ? 'second' : `${interruptions}th`} time: ${reason}`,
      undefined,
      null,
      {},
      metered,
    );
  const since = context.now().toISOString();
  const said = `interrupted: ${reason}; one new attempt will be made`.slice(0, 2_000);
  const detail: EventDetail = {
    event: 'task_interrupted',
    phase: 'run',
    agent_role: 'runner',
    summary: said,
    error_class: errorClass,
    ...tokensOf(metered),
  };
  if (record.state.status === 'planning')
    await context.tasks.transition(record.id, { status: 'queued', since, reason: said }, detail, { interruptions });
  else if (record.state.status === 'running') {
    const { attempt, approval } = record.state;
    await context.tasks.transition(
      record.id,
      { status: 'interrupted', since, reason: said, attempt, approval },
      detail,
      { interruptions },
    );
  }
}

/**
 * Counts a sandbox that was lost while conditions were checked. Returns whether they may be checked once more; false when that was
 * the last time.
 */
export async function mayCheckAgain(
  context: Context,
  record: TaskRecord,
  purpose: 'preconditions' | 'postconditions',
  reason: string,
): Promise<boolean> {
  const interruptions = record.interruptions + 1;
  if (interruptions >= maximumInterruptions) return false;
  await context.tasks.update(
    record.id,
    { interruptions },
    {
      event: 'task_interrupted',
      phase: 'verify',
      agent_role: 'runner',
      summary: `${reason}; the ${purpose} are checked once more`.slice(0, 4_000),
      error_class: 'sandbox_lost',
    },
  );
  return true;
}

function durationMs(record: TaskRecord, now: Date): number {
  return Math.max(0, now.getTime() - Date.parse(record.state.since));
}
