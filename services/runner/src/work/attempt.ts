import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { outputNames, type Purpose } from '@countersign/contracts/attempt-files.ts';
import type { TokenCount } from '@countersign/contracts/event.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { makeFolder } from '@countersign/kit/files.ts';
import type { Context } from '../context.ts';
import { type Assignment, type ExchangeOutcome, exchange } from '../sandbox/exchange.ts';
import { closedRoom, type SlotRoom } from '../sandbox/rooms.ts';
import type { Slot } from '../sandbox/slot.ts';
import { whyLost } from '../sandbox/why-lost.ts';
import { BudgetWatch } from './budget-watch.ts';
import type { Excess } from './excess.ts';
import { Stages } from './stages.ts';

/** Why an attempt is being ended early. */
export type StopReason = 'timeout' | 'unanswered' | 'file_changed' | 'file_removed' | 'cancelled' | Excess['item'];

/** Whether a person wants the task itself ended, not only this attempt of it. */
export function isCancelled({ reason }: Activity): boolean {
  return reason === 'file_removed' || reason === 'cancelled';
}

/** An attempt under way; the work loop may stop it. */
export class Activity {
  readonly #stop = new AbortController();
  readonly finished: Promise<void>;
  /** Its way into its first sandbox. */
  readonly stages: Stages;
  #reason: StopReason | null = null;
  #excess: Excess | null = null;
  /** What the gateway metered of it, once it is over; null where that is not known. */
  metered: TokenCount | null = null;

  /** @param chosenAt when it was begun to choose what begins, by `performance.now()` */
  constructor(work: (activity: Activity) => Promise<void>, chosenAt: number = performance.now()) {
    this.stages = new Stages(undefined, chosenAt);
    this.stages.end('dispatch');
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

  /** The part of its budget that is used up, when that is why it is ended. */
  get excess(): Excess | null {
    return this.#excess;
  }

  exceed(excess: Excess): void {
    if (this.#reason !== null) return;
    this.#excess = excess;
    this.stop(excess.item);
  }
}

/** Whether a task may go on as its activity read it; a person may have decided otherwise while a sandbox was being started. */
export function mayStillBegin(context: Context, waiting: TaskRecord, activity: Activity): boolean {
  const { state } = waiting;
  if (activity.reason !== null || context.tasks.get(waiting.id)?.state !== state) return false;
  // An approval may have run out while the preconditions were checked.
  return state.status !== 'approved' || context.now().getTime() < Date.parse(state.approval.expires_at);
}

/** What is said to a sandbox, and for how long. */
export type Talk = {
  readonly assignment: Assignment;
  /** False where only a sandbox that has the task already may go on with it. */
  readonly mayAssign: boolean;
  readonly purpose: Purpose;
  /** When the time limit began to run. */
  readonly since: string;
};

/** Talks to the sandbox until its result is here, it is lost, or this process ends (then it rejects with the leave signal's reason). */
export async function talk(
  context: Context,
  record: TaskRecord,
  slot: Slot,
  { assignment, mayAssign, purpose, since }: Talk,
  activity: Activity,
  leave: AbortSignal,
): Promise<ExchangeOutcome> {
  const folder = context.layout.attempt(record);
  const incoming = join(folder, 'incoming');
  const names = outputNames[purpose];
  const [stdout, stderr] = [join(folder, names.stdout), join(folder, names.stderr)];
  // What begins anew in the same attempt goes on from nothing of an earlier try.
  if (purpose !== 'run' && purpose !== 'plan')
    for (const path of [incoming, stdout, stderr]) await rm(path, { recursive: true, force: true });
  await makeFolder(incoming);
  // Conditions and rebases have their time, and no model.
  const watch = purpose === 'run' || purpose === 'plan' ? new BudgetWatch(context, record, activity) : null;
  context.pool.meter(slot)?.listen((reading) => watch?.metered(reading));
  if (purpose === 'run') context.pool.rooms.open(slot.id, roomOf(context, record));
  if (purpose === 'plan') context.pool.rooms.open(slot.id, closedRoom);
  const told: Promise<void>[] = [];
  const timer = setTimeout(() => activity.stop('timeout'), remainingMs(since, record.timeout_sec, context.now()));
  try {
    const outcome = await exchange({
      slot,
      assignment,
      mayAssign,
      files: { folder: incoming, stdout, stderr },
      lost: () => whyLost(context.pool, slot),
      begun: () => {
        const telling = tellBegun(context, record, slot, purpose, activity);
        // Whoever waits for all of them below hears what went wrong.
        telling.catch(() => undefined);
        told.push(telling);
      },
      progress: (line) => context.logger.debug({ task: record.id, line }, 'progress'),
      output: (bytes) => watch?.received(bytes),
      stop: activity.signal,
      leave,
      waits: context.paces,
    });
    await Promise.all(told);
    await context.pool.metered(slot);
    await context.questions.withdraw(record.id);
    // A tool that is told so may end before anybody stops it.
    if (context.questions.cameToStop(record.id)) activity.stop('unanswered');
    return watch === null ? outcome : await watch.finish(outcome);
  } finally {
    clearTimeout(timer);
  }
}

const roles = { run: 'coder', plan: 'planner' } as const;

/** Its time is that of the sandbox's first word; nothing waits until it is written down. */
async function tellBegun(
  context: Context,
  record: TaskRecord,
  slot: Slot,
  purpose: Purpose,
  { stages }: Activity,
): Promise<void> {
  const isTool = purpose === 'run' || purpose === 'plan';
  if (isTool) stages.end('sandbox_began');
  const readiness = context.pool.begun(slot);
  if (readiness === null) return;
  await context.tasks.note(record.id, {
    event: 'sandbox_started',
    phase: isTool ? purpose : 'verify',
    agent_role: isTool ? roles[purpose] : 'runner',
    summary: `a ${readiness} sandbox works on it (${purpose})`,
    // A verification has no stages of its own: the work that it checks lies between.
    data: { sandbox: slot.id, purpose, readiness, ...(isTool ? { stages_ms: stages.ms } : {}) },
  });
}

function roomOf({ questions }: Context, { id }: TaskRecord): SlotRoom {
  return { take: (post) => questions.take(id, post), events: () => questions.room(id) };
}

function remainingMs(since: string, timeoutSec: number, now: Date): number {
  const end = Date.parse(since) + timeoutSec * 1000;
  return Math.min(Math.max(0, end - now.getTime()), timeoutSec * 1000);
}
