import { strict as assert } from 'node:assert';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { EventBody } from '@countersign/contracts/event.ts';
import type { RunId, TaskId } from '@countersign/contracts/names.ts';
import { type NewState, TaskRecord, type TaskState } from '@countersign/contracts/task-record.ts';
import { isFinal, mayFollow, takesTurns } from '@countersign/contracts/task-state.ts';
import { firstWait, type Wait } from '@countersign/contracts/wait.ts';
import { isMissing, replaceFile } from '@countersign/kit/files.ts';
import type { Layout } from './layout.ts';
import { QueueMover } from './queue-mover.ts';
import { lookAround, type Mended, reconcileTasks, recordText } from './reconcile.ts';
import { inOrderOfAcceptance, lastRecords, type Told } from './replay.ts';
import type { RunStore } from './run-store.ts';
import { type Swept, sweep } from './sweep.ts';

/** What an event says beyond what the record of its task does. */
export type EventDetail = Pick<EventBody, 'event' | 'phase' | 'agent_role' | 'summary'> &
  Partial<
    Pick<
      EventBody,
      'tool' | 'mode' | 'log_paths' | 'exit_code' | 'duration_ms' | 'artifacts' | 'error_class' | 'tokens' | 'data'
    >
  >;

/** Facts of a record that may change with its state. */
export type Changes = Partial<
  Pick<
    TaskRecord,
    | 'attempts'
    | 'interruptions'
    | 'bases'
    | 'memory_task'
    | 'model'
    | 'task_file'
    | 'stage'
    | 'gate'
    | 'title'
    | 'tool'
    | 'priority'
    | 'timeout_sec'
    | 'action'
    | 'depends_on'
    | 'budget'
    | 'cancellation'
    | 'retries'
  >
>;

const reasonCharacters = 2_000;

/** What the runner found at its start, and made of it. */
export type Recovered = {
  readonly store: TaskStore;
  /** Tasks whose last change was finished now, or whose files were mended. */
  readonly mended: readonly TaskId[];
  readonly findings: readonly Mended[];
  readonly swept: Swept;
};

/**
 * Every task, and the one way to change it. Invariants: an event with the whole new record is durable before the file moves, the
 * file has moved before `task.json` says so; so after a death at any point `recover` finishes what the journal says. Of one task
 * one change at a time: each is made to the record that the one before it left. Changes of different tasks overlap, so that
 * their events share one wait for the disk; a free file name is given to one task only.
 */
export class TaskStore {
  readonly #layout: Layout;
  readonly #runs: RunStore;
  /** In the order in which they were accepted. */
  readonly #tasks = new Map<TaskId, TaskRecord>();
  readonly #open = new Map<TaskId, TaskRecord>();
  /** Files in the inbox that are tasks already, those too that are about to be moved out of it. */
  readonly #queued = new Set<string>();
  readonly #mover: QueueMover;
  /** The last change of each task that has not ended yet. */
  readonly #changes = new Map<TaskId, Promise<unknown>>();
  /** Where the files of tasks are whose change could not be finished: the disk was full, for instance. */
  readonly #unfinished = new Map<TaskId, TaskRecord | null>();
  /** Told of every record that is durable; must not throw. */
  readonly #told: ((record: TaskRecord) => void)[] = [];

  private constructor(layout: Layout, runs: RunStore) {
    this.#layout = layout;
    this.#runs = runs;
    this.#mover = new QueueMover(layout);
  }

  /**
   * Loads every task and brings queue, records and copies to what the journals say; the rules are in `reconcile-rules.ts`.
   * @param now for the age of half-written files, in milliseconds
   * @throws JournalError when a journal cannot be read, and with it the tasks that it tells of
   */
  static async recover(layout: Layout, runs: RunStore, now: number = Date.now()): Promise<Recovered> {
    const store = new TaskStore(layout, runs);
    const told: Told[] = [];
    const known = new Map<RunId, ReadonlySet<TaskId>>();
    for (const run of runs.ids()) {
      const records = await lastRecords((await runs.journal(run)).path);
      known.set(run, new Set(records.keys()));
      told.push(...records.values());
    }
    for (const { record } of inOrderOfAcceptance(told)) store.#keep(record);
    const findings = await reconcileTasks(await lookAround(layout, store.all()), told);
    const swept = await sweep(await lookAround(layout, store.all()), known, now);
    return { store, mended: [...new Set(findings.map(({ task }) => task))], findings, swept };
  }

  /** From now on `told` hears of every record that has changed, and first of all that there are. */
  observe(told: (record: TaskRecord) => void): void {
    this.#told.push(told);
    for (const record of this.#tasks.values()) told(record);
  }

  get(id: TaskId): TaskRecord | undefined {
    return this.#tasks.get(id);
  }

  /** In the order in which they were accepted, whatever the clock did meanwhile. */
  all(): IterableIterator<TaskRecord> {
    return this.#tasks.values();
  }

  /** Those that have not ended, in the same order. */
  open(): TaskRecord[] {
    return [...this.#open.values()];
  }

  get openCount(): number {
    return this.#open.size;
  }

  /** Whether this is a task's file that stayed behind because it could not be moved. */
  isLeftBehind(path: string, stamp: string): boolean {
    return this.#mover.isLeftBehind(path, stamp);
  }

  /** Whether a file of this name in the inbox is a task already. */
  isQueued(name: string): boolean {
    return this.#queued.has(name);
  }

  has(id: TaskId): boolean {
    return this.#tasks.has(id);
  }

  /** Takes a new task in; its saved copy `task.md` is on disk already. */
  create(record: TaskRecord, detail: EventDetail): Promise<void> {
    return this.#inTurn(record.id, async () => {
      assert(!this.#tasks.has(record.id));
      await this.#append(TaskRecord.parse(record), detail);
      this.#keep(record);
      await this.#finish(null, record);
    });
  }

  /** Moves a task on: event, then file, then `task.json`. @throws AssertionError for a transition that the table does not have */
  transition(id: TaskId, state: NewState, detail: EventDetail, changes: Changes = {}): Promise<TaskRecord> {
    return this.#inTurn(id, async () => {
      const before = this.#must(id);
      assert(mayFollow(before.state.status, state.status), `${before.state.status} may not become ${state.status}`);
      await this.#finishLast(id);
      const wait = firstWait(state.status, state.since);
      const moved = TaskRecord.parse({
        ...before,
        ...changes,
        state: wait === null || ('wait' in state && state.wait !== undefined) ? state : { ...state, wait },
      });
      const record = { ...moved, file: await this.#mover.choose(before, moved) };
      try {
        await this.#append(record, detail);
      } catch (error) {
        this.#mover.giveUp(record);
        throw error;
      }
      this.#keep(record);
      await this.#finish(before, record);
      return record;
    });
  }

  /** Changes facts of a task without moving it on. */
  update(id: TaskId, changes: Changes, detail: EventDetail): Promise<TaskRecord> {
    return this.#inTurn(id, async () => {
      await this.#finishLast(id);
      const before = this.#must(id);
      const record = TaskRecord.parse({ ...before, ...changes });
      await this.#append(record, detail);
      this.#keep(record);
      await this.#finish(before, record);
      return record;
    });
  }

  /**
   * Changes what is true of a running task while it runs.
   * @throws AssertionError for a task that does not run
   */
  restate(
    id: TaskId,
    change: (state: TaskState & { status: 'running' }) => NewState & { status: 'running' },
    detail: EventDetail,
  ): Promise<TaskRecord & { state: { status: 'running' } }> {
    return this.#inTurn(id, async () => {
      await this.#finishLast(id);
      const before = this.#must(id);
      assert(before.state.status === 'running', `${id} does not run`);
      const record = TaskRecord.parse({ ...before, state: change(before.state) });
      const { state } = record;
      assert(state.status === 'running');
      await this.#append(record, detail);
      this.#keep(record);
      await this.#finish(before, record);
      return { ...record, state };
    });
  }

  /**
   * Says what a task waits for, or with null that something is at work on it; an event only when that is not what it said before.
   * @param wait `since` is now; where it has waited for the same kind of thing already, that beginning is kept
   */
  async wait(id: TaskId, wait: Wait | null, why: string): Promise<void> {
    const reason = why.slice(0, reasonCharacters);
    if (isSaid(this.#must(id), wait, reason) && !this.#changes.has(id)) return;
    await this.#inTurn(id, async () => {
      const record = this.#must(id);
      const { state } = record;
      if (isSaid(record, wait, reason) || !('wait' in state)) return;
      await this.#finishLast(id);
      const since = wait?.kind === state.wait?.kind ? (state.wait?.since ?? wait?.since) : wait?.since;
      const said = TaskRecord.parse({ ...record, state: { ...state, reason, wait: wait && { ...wait, since } } });
      await this.#append(said, { event: 'task_waiting', phase: 'queue', agent_role: 'runner', summary: reason });
      this.#keep(said);
      await this.#finish(record, said);
    });
  }

  /** One event about a task that changes nothing of it. */
  async note(id: TaskId, detail: EventDetail): Promise<void> {
    const record = this.#must(id);
    const journal = await this.#runs.journal(record.run);
    await journal.append({ run_id: record.run, task_id: record.id, ...detail });
  }

  /** Tasks, ended ones too, whose last change is durable and not finished, and nobody is at it. */
  unfinished(): TaskId[] {
    return [...this.#unfinished.keys()].filter((id) => !this.#changes.has(id));
  }

  /** Finishes a change whose event is durable and whose file could not be moved, or its record written. @throws Error when it still cannot */
  async catchUp(id: TaskId): Promise<void> {
    if (this.#unfinished.has(id)) await this.#inTurn(id, () => this.#finishLast(id));
  }

  #inTurn<T>(id: TaskId, change: () => Promise<T>): Promise<T> {
    const before = this.#changes.get(id) ?? Promise.resolve();
    const changed = before.then(change);
    const settled = changed.then(
      () => undefined,
      () => undefined,
    );
    this.#changes.set(id, settled);
    void settled.then(() => {
      if (this.#changes.get(id) === settled) this.#changes.delete(id);
    });
    return changed;
  }

  #must(id: TaskId): TaskRecord {
    const record = this.#tasks.get(id);
    assert(record !== undefined, `no task ${id}`);
    return record;
  }

  #keep(record: TaskRecord): void {
    if (record.state.status === 'queued') this.#queued.add(record.file);
    this.#tasks.set(record.id, record);
    if (isFinal(record.state.status)) this.#open.delete(record.id);
    else this.#open.set(record.id, record);
  }

  async #append(record: TaskRecord, detail: EventDetail): Promise<void> {
    const journal = await this.#runs.journal(record.run);
    await journal.append({
      run_id: record.run,
      task_id: record.id,
      ...(record.attempts > 0 ? { attempt: record.attempts } : {}),
      status: record.state.status,
      ...detail,
      data: { ...detail.data, record },
    });
  }

  /** What follows the event. Where it fails, the next change of the task begins with it. */
  async #finish(before: TaskRecord | null, record: TaskRecord): Promise<void> {
    this.#unfinished.set(record.id, before);
    await this.#finishLast(record.id);
  }

  async #finishLast(id: TaskId): Promise<void> {
    const before = this.#unfinished.get(id);
    if (before === undefined) return;
    const record = this.#must(id);
    if (before !== null) {
      await this.#mover.move(before, record, isFinal(record.state.status));
      if (before.state.status === 'queued' && this.#layout.fileOf(before) !== this.#layout.fileOf(record))
        this.#queued.delete(before.file);
    }
    await this.#write(record);
    this.#unfinished.delete(id);
    this.#mover.giveUp(record);
    for (const told of this.#told) told(record);
  }

  /** Without waiting for the disk: what the journal says can be written again. */
  async #write(record: TaskRecord): Promise<void> {
    const folder = this.#layout.task(record.run, record.id);
    const write = () => replaceFile(join(folder, 'task.json'), recordText(record));
    await write().catch(async (error: unknown) => {
      if (!isMissing(error)) throw error;
      await mkdir(folder, { recursive: true });
      await write();
    });
  }
}

/** Whether there is nothing to say: it says so already, or it is none that waits for its turn. */
function isSaid({ state }: TaskRecord, wait: Wait | null, reason: string): boolean {
  if (!takesTurns(state.status) || !('wait' in state)) return true;
  return state.reason === reason && state.wait?.kind === wait?.kind && sameNames(state.wait?.on, wait?.on);
}

function sameNames(a: readonly string[] = [], b: readonly string[] = []): boolean {
  return a.length === b.length && a.every((name, index) => name === b[index]);
}
