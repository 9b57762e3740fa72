import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import type { Context } from '../context.ts';
import { type Assignment, type ExchangeOutcome, exchange } from '../sandbox/exchange.ts';
import type { Slot } from '../sandbox/slot.ts';

/** Why an attempt is being ended early. */
export type StopReason = 'timeout' | 'file_changed' | 'file_removed';

/** An attempt under way; the work loop may stop it. */
export class Activity {
  readonly #stop = new AbortController();
  readonly finished: Promise<void>;
  #reason: StopReason | null = null;

  constructor(work: (activity: Activity) => Promise<void>) {
    this.finished = work(this);
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }
  get reason(): StopReason | null {
    return this.#reason;
  }

  /** The first reason counts. */
  stop(reason: StopReason): void {
    if (this.#reason !== null) return;
    this.#reason = reason;
    this.#stop.abort(reason);
  }
}

/** Whether a task may go on as its activity read it; a person may have decided otherwise while a sandbox was being started. */
export function mayStillBegin(context: Context, waiting: TaskRecord, activity: Activity): boolean {
  return activity.reason === null && context.tasks.get(waiting.id)?.state === waiting.state;
}

type AttemptNames = { readonly stdout: string; readonly stderr: string };

/** Names of the raw output of an attempt's planning and of its run. */
export const outputNames = {
  plan: { stdout: 'plan.stdout.log', stderr: 'plan.stderr.log' },
  run: { stdout: 'stdout.log', stderr: 'stderr.log' },
} as const satisfies Record<'plan' | 'run', AttemptNames>;

/** Talks to the sandbox until its result is here, it is lost, or this process ends (then it rejects with the leave signal's reason). */
export async function talk(
  context: Context,
  record: TaskRecord,
  slot: Slot,
  { assignment, mayAssign }: { readonly assignment: Assignment; readonly mayAssign: boolean },
  activity: Activity,
  leave: AbortSignal,
): Promise<ExchangeOutcome> {
  const folder = context.layout.attempt(record);
  const incoming = join(folder, 'incoming');
  await mkdir(incoming, { recursive: true });
  const names = outputNames[assignment.task.mode];
  const timer = setTimeout(() => activity.stop('timeout'), remainingMs(record, context.now()));
  try {
    return await exchange({
      slot,
      assignment,
      mayAssign,
      files: { folder: incoming, stdout: join(folder, names.stdout), stderr: join(folder, names.stderr) },
      lost: () => whyLost(context, slot),
      progress: (line) => context.logger.debug({ task: record.id, line }, 'progress'),
      stop: activity.signal,
      leave,
    });
  } finally {
    clearTimeout(timer);
  }
}

function remainingMs(record: TaskRecord, now: Date): number {
  const end = Date.parse(record.state.since) + record.timeout_sec * 1000;
  return Math.min(Math.max(0, end - now.getTime()), record.timeout_sec * 1000);
}

async function whyLost(context: Context, slot: Slot): Promise<string | null> {
  try {
    const sandbox = (await context.pool.sandboxes()).find((candidate) => candidate.id === slot.id);
    if (sandbox === undefined) return 'the sandbox is gone';
    if (sandbox.state !== 'ended') return null;
    return sandbox.out_of_memory
      ? 'the sandbox ran out of memory'
      : `the sandbox ended with exit code ${sandbox.exit_code ?? 'unknown'}`;
  } catch {
    // Without the launcher nothing is known; the sandbox may well be at work.
    return null;
  }
}
