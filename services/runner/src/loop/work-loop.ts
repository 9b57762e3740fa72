import { setTimeout as sleep } from 'node:timers/promises';
import type { TaskId } from '@countersign/contracts/names.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { mayFollow, needsModel, takesTurns } from '@countersign/contracts/task-state.ts';
import { waitWords } from '@countersign/contracts/wait-words.ts';
import type { HealthFile } from '@countersign/kit/health.ts';
import { inParallel } from '@countersign/kit/in-parallel.ts';
import { ServiceError } from '@countersign/kit/socket-client.ts';
import { isPassing } from '@countersign/kit/system-trouble.ts';
import type { Context } from '../context.ts';
import { demandsApproval } from '../gate/governance.ts';
import { recheckRequests } from '../gate/recheck-requests.ts';
import type { Intake } from '../queue/intake.ts';
import { NoSandboxError } from '../sandbox/pool.ts';
import type { HomeGuard } from '../state/home-guard.ts';
import { findAdoptions } from '../work/adopt.ts';
import { Activity } from '../work/attempt.ts';
import { cancelTask } from '../work/cancel-task.ts';
import { failTask } from '../work/end-task.ts';
import { resultOf } from '../work/hand-off.ts';
import { isMerging, mergeTask } from '../work/merge-task.ts';
import { workOn, workWithoutModel } from '../work/work-on.ts';
import type { CommandDesk } from './command-desk.ts';
import { Dispatch } from './dispatch.ts';
import { expireRequests } from './expire-requests.ts';
import type { QueueKeeper, Standing } from './queue-keeper.ts';

type Parts = {
  readonly intake: Intake;
  readonly desk: CommandDesk;
  readonly keeper: QueueKeeper;
  readonly health: HealthFile;
  readonly guard: Pick<HomeGuard, 'trouble'>;
};

/** Tasks whose files are looked at side by side: the system's threads are four, and a file is looked at twice. */
const looksAtOnce = 8;

/**
 * The one loop that decides. Watchers only wake it; a turn looks at files, commands and tasks and starts what may start. A task
 * with an activity is changed by that activity alone, every other one by the loop alone.
 */
export class WorkLoop {
  readonly #context: Context;
  readonly #parts: Parts;
  readonly #leave: AbortSignal;
  readonly #dispatcher: Dispatch;
  readonly #activities = new Map<TaskId, Activity>();
  #wake = Promise.withResolvers<void>();
  #adopted = false;
  #rechecked = false;

  constructor(context: Context, parts: Parts, leave: AbortSignal) {
    this.#context = context;
    this.#parts = parts;
    this.#leave = leave;
    this.#dispatcher = new Dispatch(context);
  }

  /** Makes the next turn come at once. */
  wake(): void {
    this.#wake.resolve();
  }

  /** Runs until the leave signal; resolves when every activity has let go. */
  async run(): Promise<void> {
    while (!this.#leave.aborted) {
      this.#wake = Promise.withResolvers();
      await this.#turnAnyway();
      const pause = new AbortController();
      const stop = () => pause.abort();
      this.#leave.addEventListener('abort', stop, { once: true });
      await Promise.race([
        this.#wake.promise,
        sleep(this.#context.paces.turnMs, undefined, { signal: pause.signal }).catch(() => undefined),
      ]);
      this.#leave.removeEventListener('abort', stop);
      pause.abort();
    }
    await Promise.all([...this.#activities.values()].map((activity) => activity.finished));
  }

  /** Whether the sandboxes of the runner before us are dealt with. */
  get isAdopted(): boolean {
    return this.#adopted;
  }

  /** Whether something is at work on a task right now. */
  isActive(id: TaskId): boolean {
    return this.#activities.has(id);
  }

  /**
   * As soon as the launcher answers: takes up what runs, gives up what is gone, removes what nobody needs. Later only for what lost
   * its activity to the machine's trouble.
   */
  async #adopt(): Promise<void> {
    for (const adoption of await findAdoptions(this.#context, (id) => this.isActive(id), this.#leave))
      this.#begin(adoption.record, adoption.work);
    const removed = await this.#context.pool.tidy();
    this.#adopted = true;
    this.#context.logger.info(
      { adopted: this.#activities.size, removed },
      'sandboxes of an earlier runner are dealt with',
    );
  }

  /** Whether a task is said to be worked on, and nothing works on it. */
  #hasOrphans(): boolean {
    return this.#context.tasks
      .open()
      .some(({ id, state }) => (state.status === 'planning' || state.status === 'running') && !this.isActive(id));
  }

  /** Null when it is done; else why not yet. */
  async #adoptOnce(): Promise<string | null> {
    if (this.#adopted && !this.#hasOrphans()) return null;
    try {
      await this.#adopt();
      return null;
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error;
      return `the launcher cannot list its sandboxes: ${error.message}`;
    }
  }

  /** What the machine cannot do now is done in a later turn. */
  async #turnAnyway(): Promise<void> {
    try {
      await this.#turn();
    } catch (error) {
      if (!isPassing(error)) throw error;
      this.#context.troubles.say('a turn', error);
    }
  }

  async #turn(): Promise<void> {
    const { intake, desk, keeper, health, guard } = this.#parts;
    const away = await guard.trouble();
    if (away !== null) return await health.beat('failing', away);
    await this.#catchUp();
    await intake.scan();
    await desk.turn();
    await expireRequests(this.#context, (id) => this.isActive(id));
    await this.#context.questions.turn((id) => this.#activities.get(id)?.stop('unanswered'));
    await this.#recheckOnce();
    const looked = await inParallel(this.#context.tasks.open(), looksAtOnce, (record) => this.#look(keeper, record));
    const blocked = await this.#dispatch(looked.filter((record) => record !== null));
    await health.beat(blocked === null ? 'ok' : 'waiting', blocked ?? '');
    if (intake.hasMore) this.wake();
  }

  /** Looks at one task and its file, and does what a person has asked for. The task as it waits now, or null where none is to be begun. */
  async #look(keeper: QueueKeeper, record: TaskRecord): Promise<TaskRecord | null> {
    const activity = this.#activities.get(record.id);
    if (await this.#cancel(record, activity)) return null;
    const standing = await this.#checkFile(keeper, record, activity);
    const now = this.#context.tasks.get(record.id);
    if (standing !== 'unchanged' || activity !== undefined || now === undefined) return null;
    return takesTurns(now.state.status) ? now : null;
  }

  /** The files of tasks that have ended are looked at by nobody else. */
  async #catchUp(): Promise<void> {
    for (const id of this.#context.tasks.unfinished()) {
      try {
        await this.#context.tasks.catchUp(id);
      } catch (error) {
        this.#context.troubles.say(`task ${id}`, error);
      }
    }
  }

  /** Ends a task that somebody cancelled; what is at work on it is stopped first, and lets go with what there is. */
  async #cancel(record: TaskRecord, activity: Activity | undefined): Promise<boolean> {
    if (record.cancellation === null || !mayFollow(record.state.status, 'cancelled')) return false;
    if (activity !== undefined) {
      activity.stop('cancelled');
      return true;
    }
    // Its sandbox may still be at work: what that has come to is taken in first.
    const { status } = record.state;
    if (!this.#adopted && (status === 'planning' || status === 'running')) return true;
    try {
      await cancelTask(this.#context, record);
    } catch (error) {
      this.#context.troubles.say(`task ${record.id}`, error);
    }
    return true;
  }

  /** Requests of an earlier start, as soon as it is known what would be run now. */
  async #recheckOnce(): Promise<void> {
    if (this.#rechecked) return;
    try {
      this.#rechecked = await recheckRequests(this.#context);
    } catch (error) {
      this.#context.troubles.say('requests of an earlier start', error);
    }
  }

  async #checkFile(keeper: QueueKeeper, record: TaskRecord, activity: Activity | undefined): Promise<Standing> {
    try {
      return await keeper.check(record, activity);
    } catch (error) {
      this.#context.troubles.say(`task ${record.id}`, error);
      return 'changing';
    }
  }

  async #dispatch(ready: readonly TaskRecord[]): Promise<string | null> {
    const { tasks, dependencies, config } = this.#context;
    const chosenAt = performance.now();
    this.#beginMerges(ready);
    const waiting = ready.filter((record) => !isMerging(record));
    const active = [...this.#activities.keys()].flatMap((id) => tasks.get(id) ?? []).filter((one) => !isMerging(one));
    const adopting = dependencies.state.launcher.ok ? await this.#adoptOnce() : null;
    const { start, blocked } = await this.#dispatcher.choose(waiting, active, adopting);
    for (const { record, profile } of start) {
      if (!needsModel(record.state.status)) {
        this.#begin(record, (own) => workWithoutModel(this.#context, record, profile, own, this.#leave), chosenAt);
        continue;
      }
      const { model } = dependencies.state;
      if (!model.ok) {
        this.#context.queue.breakers.letGo(record);
        continue;
      }
      const needs = { model: model.model, contextLength: model.contextLength, profile };
      // What the stage demands now counts as well: a gate that was raised while the task waited holds it, too.
      const isGated = record.gate || demandsApproval(config.stages.stages[record.stage]);
      const work = (own: Activity) => workOn(this.#context, record, needs, isGated, own, this.#leave);
      this.#begin(record, work, chosenAt);
    }
    return blocked;
  }

  /** Merges need no sandbox and no turn; of one workspace one after the other, for they would be in each other's way. */
  #beginMerges(ready: readonly TaskRecord[]): void {
    const merging = new Set<string>();
    for (const id of this.#activities.keys()) {
      const record = this.#context.tasks.get(id);
      if (record !== undefined && isMerging(record)) merging.add(record.workspace);
    }
    for (const record of ready) {
      if (!isMerging(record) || merging.has(record.workspace)) continue;
      merging.add(record.workspace);
      this.#begin(record, () => mergeTask(this.#context, record));
    }
  }

  #begin(record: TaskRecord, work: (activity: Activity) => Promise<void>, chosenAt?: number): void {
    const activity = new Activity(async (own) => {
      // Not before this activity is known as the task's.
      await Promise.resolve();
      try {
        await work(own);
      } catch (error) {
        await this.#recover(record.id, error).catch((second: unknown) => {
          // The disk is full, for instance: the task stays where it was, and is begun again.
          this.#context.troubles.say(`task ${record.id}`, second);
        });
      } finally {
        this.#activities.delete(record.id);
        this.#context.queue.breakers.letGo(this.#context.tasks.get(record.id) ?? record);
        this.wake();
      }
    }, chosenAt);
    this.#activities.set(record.id, activity);
  }

  async #recover(id: TaskId, error: unknown): Promise<void> {
    if (this.#leave.aborted) return;
    const record = this.#context.tasks.get(id);
    if (record === undefined) return;
    if (error instanceof NoSandboxError) {
      await this.#waitForRetry(id, `no sandbox: ${error.message}`);
      await sleep(this.#context.paces.sandboxRetryMs);
      return;
    }
    if (isPassing(error) || record.state.status === 'merging' || record.state.status === 'rebasing') {
      // What was begun is finished or taken back, however often that has to be tried; it never fails half-way. Nor does a task for
      // the machine's trouble.
      this.#context.troubles.say(`task ${id}`, error);
      const words = error instanceof Error ? error.message : String(error);
      await this.#waitForRetry(id, `not finished, and tried again: ${words}`);
      await sleep(this.#context.paces.finishRetryMs, undefined, { signal: this.#leave }).catch(() => undefined);
      return;
    }
    this.#context.logger.error({ task: id, err: error }, 'an attempt failed in a way that is our own fault');
    if (record.state.status === 'planning' || record.state.status === 'running' || takesTurns(record.state.status)) {
      const words = error instanceof Error ? error.message : String(error);
      await failTask(this.#context, record, 'internal', words, undefined, resultOf(record.state));
    }
  }

  async #waitForRetry(id: TaskId, reason: string): Promise<void> {
    const since = this.#context.now().toISOString();
    const wait = { kind: 'retry' as const, on: [], since };
    await this.#context.tasks.wait(id, wait, waitWords(wait, reason));
  }
}
