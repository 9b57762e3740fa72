import { strict as assert } from 'node:assert';
import { lstat, mkdir, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { EventBody } from '@countersign/contracts/event.ts';
import type { RunId, TaskId } from '@countersign/contracts/names.ts';
import { type NewState, TaskRecord } from '@countersign/contracts/task-record.ts';
import { isFinal, mayFollow, takesTurns } from '@countersign/contracts/task-state.ts';
import { firstWait, type Wait } from '@countersign/contracts/wait.ts';
import { exists, isMissing, syncFolder, writeFileAtomic } from '@countersign/kit/files.ts';
import { parseJournal } from '@countersign/kit/journal.ts';
import { withSuffix } from '../queue/file-name.ts';
import { stampOf } from '../queue/observe.ts';
import type { Layout } from './layout.ts';
import type { RunStore } from './run-store.ts';

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

/**
 * Every task, and the one way to change it. Invariants: an event with the whole new record is durable before the file moves, the
 * file has moved before `task.json` says so; so after a death at any point `recover` finishes what the journal says. One change
 * at a time: each is made to the record that the one before it left.
 */
export class TaskStore {
  readonly #layout: Layout;
  readonly #runs: RunStore;
  readonly #tasks = new Map<TaskId, TaskRecord>();
  /** Files that nothing can move, locked ones for instance, by what they were then: they are no new tasks. */
  readonly #stuck = new Map<string, string>();
  /** Told of every record that is durable; must not throw. */
  #told: (record: TaskRecord) => void = () => undefined;
  #queue: Promise<unknown> = Promise.resolve();

  private constructor(layout: Layout, runs: RunStore) {
    this.#layout = layout;
    this.#runs = runs;
  }

  /** Loads every task and finishes the transitions that a death interrupted. Returns what was mended, for the journal. */
  static async recover(layout: Layout, runs: RunStore): Promise<{ store: TaskStore; mended: readonly string[] }> {
    const store = new TaskStore(layout, runs);
    const mended: string[] = [];
    for (const run of runs.ids()) {
      const said = await lastRecords(runs, run);
      for (const [id, record] of said) {
        const stored = await readRecord(join(layout.task(run, id), 'task.json'));
        store.#tasks.set(id, record);
        if (stored !== null && JSON.stringify(stored) === JSON.stringify(record)) continue;
        await store.#settle(stored, record);
        mended.push(id);
      }
    }
    return { store, mended };
  }

  /** From now on `told` hears of every record that has changed, and first of all that there are. */
  observe(told: (record: TaskRecord) => void): void {
    this.#told = told;
    for (const record of this.#tasks.values()) told(record);
  }

  get(id: TaskId): TaskRecord | undefined {
    return this.#tasks.get(id);
  }

  all(): IterableIterator<TaskRecord> {
    return this.#tasks.values();
  }

  /** Those that have not ended. */
  open(): TaskRecord[] {
    return [...this.#tasks.values()].filter((record) => !isFinal(record.state.status));
  }

  /** Whether this is a task's file that stayed behind because it could not be moved. */
  isLeftBehind(path: string, stamp: string): boolean {
    return this.#stuck.get(path) === stamp;
  }

  has(id: TaskId): boolean {
    return this.#tasks.has(id);
  }

  /** Takes a new task in; its saved copy `task.md` is on disk already. */
  create(record: TaskRecord, detail: EventDetail): Promise<void> {
    return this.#alone(async () => {
      assert(!this.#tasks.has(record.id));
      await this.#append(TaskRecord.parse(record), detail);
      this.#tasks.set(record.id, record);
      await this.#write(record);
    });
  }

  /** Moves a task on: event, then file, then `task.json`. @throws AssertionError for a transition that the table does not have */
  transition(id: TaskId, state: NewState, detail: EventDetail, changes: Changes = {}): Promise<TaskRecord> {
    return this.#alone(async () => {
      const before = this.#must(id);
      assert(mayFollow(before.state.status, state.status), `${before.state.status} may not become ${state.status}`);
      const wait = firstWait(state.status, state.since);
      const moved = TaskRecord.parse({
        ...before,
        ...changes,
        state: wait === null || ('wait' in state && state.wait !== undefined) ? state : { ...state, wait },
      });
      const record = { ...moved, file: await this.#freeName(before, moved) };
      await this.#append(record, detail);
      this.#tasks.set(id, record);
      await this.#settle(before, record);
      return record;
    });
  }

  /** Changes facts of a task without moving it on. */
  update(id: TaskId, changes: Changes, detail: EventDetail): Promise<TaskRecord> {
    return this.#alone(async () => {
      const record = TaskRecord.parse({ ...this.#must(id), ...changes });
      await this.#append(record, detail);
      this.#tasks.set(id, record);
      await this.#write(record);
      return record;
    });
  }

  /**
   * Says what a task waits for, or with null that something is at work on it; an event only when that is not what it said before.
   * @param wait `since` is now; where it has waited for the same kind of thing already, that beginning is kept
   */
  wait(id: TaskId, wait: Wait | null, why: string): Promise<void> {
    return this.#alone(async () => {
      const record = this.#must(id);
      const { state } = record;
      const reason = why.slice(0, reasonCharacters);
      if (!takesTurns(state.status) || !('wait' in state)) return;
      if (state.reason === reason && state.wait?.kind === wait?.kind && sameNames(state.wait?.on, wait?.on)) return;
      const since = wait?.kind === state.wait?.kind ? (state.wait?.since ?? wait?.since) : wait?.since;
      const said = TaskRecord.parse({ ...record, state: { ...state, reason, wait: wait && { ...wait, since } } });
      await this.#append(said, { event: 'task_waiting', phase: 'queue', agent_role: 'runner', summary: reason });
      this.#tasks.set(id, said);
      await this.#write(said);
    });
  }

  /** One event about a task that changes nothing of it. */
  async note(id: TaskId, detail: EventDetail): Promise<void> {
    const record = this.#must(id);
    const journal = await this.#runs.journal(record.run);
    await journal.append({ run_id: record.run, task_id: record.id, ...detail });
  }

  #alone<T>(change: () => Promise<T>): Promise<T> {
    const changed = this.#queue.then(change);
    this.#queue = changed.catch(() => undefined);
    return changed;
  }

  #must(id: TaskId): TaskRecord {
    const record = this.#tasks.get(id);
    assert(record !== undefined, `no task ${id}`);
    return record;
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

  /**
   * Brings file and `task.json` to what the record says; safe to repeat. Never fails for one file: where it cannot be moved, or
   * was removed at the very end, the saved copy takes its place.
   */
  async #settle(before: TaskRecord | null, record: TaskRecord): Promise<void> {
    const target = this.#layout.fileOf(record);
    const source = before === null ? target : this.#layout.fileOf(before);
    if (source !== target && !(await exists(target))) {
      await mkdir(dirname(target), { recursive: true });
      const moved = await this.#move(source, target);
      if (moved === 'stuck' || (moved === 'missing' && isFinal(record.state.status)))
        await this.#putCopy(record, target);
      await syncFolder(dirname(target));
      await syncFolder(dirname(source)).catch(() => undefined);
    }
    await this.#write(record);
  }

  async #move(source: string, target: string): Promise<'moved' | 'missing' | 'stuck'> {
    try {
      await rename(source, target);
      return 'moved';
    } catch (error) {
      // Removed by the operator meanwhile: the work loop notices a waiting task without its file.
      if (isMissing(error)) return 'missing';
      const stats = await lstat(source, { bigint: true }).catch(() => null);
      if (stats !== null) this.#stuck.set(source, stampOf(stats));
      return 'stuck';
    }
  }

  async #putCopy(record: TaskRecord, target: string): Promise<void> {
    const copy = await readFile(join(this.#layout.task(record.run, record.id), 'task.md')).catch(() => null);
    if (copy !== null) await writeFileAtomic(target, copy, 0o644);
  }

  async #write(record: TaskRecord): Promise<void> {
    const folder = this.#layout.task(record.run, record.id);
    await mkdir(folder, { recursive: true });
    await writeFileAtomic(join(folder, 'task.json'), `${JSON.stringify(record, null, 2)}\n`);
    this.#told(record);
  }

  async #freeName(before: TaskRecord, after: TaskRecord): Promise<string> {
    if (this.#layout.fileOf(before) === this.#layout.fileOf(after)) return after.file;
    const wanted = { ...after, file: after.dropped_as };
    if (!(await exists(this.#layout.fileOf(wanted)))) return wanted.file;
    return withSuffix(after.dropped_as, after.id);
  }
}

function sameNames(a: readonly string[] = [], b: readonly string[] = []): boolean {
  return a.length === b.length && a.every((name, index) => name === b[index]);
}

async function lastRecords(runs: RunStore, run: RunId): Promise<Map<TaskId, TaskRecord>> {
  const journal = await runs.journal(run);
  const records = new Map<TaskId, TaskRecord>();
  for (const event of parseJournal(journal.path, await readFile(journal.path, 'utf8'))) {
    if (event.data?.['record'] === undefined) continue;
    // A record that cannot be read must stop the runner: passed over, its task would be lost.
    const record = TaskRecord.parse(event.data['record']);
    records.set(record.id, record);
  }
  return records;
}

async function readRecord(path: string): Promise<TaskRecord | null> {
  try {
    return TaskRecord.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return null;
  }
}
