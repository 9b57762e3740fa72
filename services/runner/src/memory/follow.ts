import type { Handoff } from '@countersign/contracts/handoff.ts';
import { memoryStatusOf } from '@countersign/contracts/memory-task.ts';
import type { MemoryTaskId } from '@countersign/contracts/names.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { readFollowed, saveFollowed } from './followed.ts';
import { handoffChange, handoffPath } from './handoffs.ts';
import type { MemoryChange } from './make-changes.ts';
import { memoryLimits } from './memory-limits.ts';
import type { Memory } from './open-memory.ts';
import { statusChange } from './tasks.ts';

export type MemoryFollower = {
  /** Lets the status of a durable task follow its newest run; a record without one is passed over. Never throws, never waits. */
  follow(record: TaskRecord, memoryTask?: MemoryTaskId | null): void;
  /** Keeps a handoff; one that is kept already costs a look. */
  handedOff(handoff: Handoff): void;
  /** Resolves when everything asked for so far was tried. */
  settled(): Promise<void>;
  /** Ends after what is under way. What was not done is done when the records are followed again. */
  close(): Promise<void>;
};

type Wanted = { readonly record: TaskRecord; readonly id: MemoryTaskId };

/**
 * Brings the memory to what happened, one batch at a time and behind whoever asks. Nothing of it can fail a task: what is in the
 * way is told once, by `onProblem`, and tried again.
 */
export function createMemoryFollower(
  memory: Memory,
  onProblem: (problem: string) => void,
  retryMs: number = memoryLimits.retryMs,
): MemoryFollower {
  /** By workspace and durable task: what its status follows. */
  const newest = new Map<string, Wanted>();
  const [tasks, laterTasks] = [new Set<string>(), new Set<string>()];
  const [handoffs, laterHandoffs] = [new Map<string, MemoryChange>(), new Map<string, MemoryChange>()];
  const told = new Set<string>();
  let followed: Map<string, string> | null = null;
  /** Files hold a change of ours that is not committed yet. */
  let uncommitted = false;
  let active: Promise<void> | null = null;
  let timer: NodeJS.Timeout | null = null;
  let closed = false;

  function wake(): void {
    if (!closed && active === null) active = work();
  }

  async function work(): Promise<void> {
    let blocked = false;
    do {
      // What is asked for in one go becomes one batch.
      await new Promise(setImmediate);
      const batch = [...tasks].slice(0, memoryLimits.batch);
      const kept = [...handoffs].slice(0, memoryLimits.batch);
      for (const key of batch) tasks.delete(key);
      for (const [path] of kept) handoffs.delete(path);
      blocked = !(await attempt(batch, kept).catch((error: unknown) => {
        tell(error instanceof Error ? error.message : String(error));
        return false;
      }));
      if (blocked) {
        for (const key of batch) laterTasks.add(key);
        for (const [path, change] of kept) laterHandoffs.set(path, change);
      }
    } while (!blocked && !closed && tasks.size + handoffs.size > 0);
    active = null;
    if (blocked || laterTasks.size > 0) retryLater();
    else told.clear();
  }

  /** Whether what is wanted was done, or told to be impossible for now. */
  async function attempt(
    batch: readonly string[],
    kept: readonly (readonly [string, MemoryChange])[],
  ): Promise<boolean> {
    followed ??= await readFollowed(memory.folder);
    const made: [string, string][] = [];
    const changes = kept.map(([, change]) => change);
    for (const key of batch) {
      const wanted = newest.get(key);
      if (wanted === undefined || followed.get(key) === stateOf(wanted.record)) continue;
      const { record, id } = wanted;
      const refuse = (reason: string) => {
        tell(reason);
        laterTasks.add(key);
      };
      const found = await memory.findTask(record.workspace, id);
      if (!found.ok) {
        refuse(found.reason);
        continue;
      }
      changes.push(statusChange(found.task, memoryStatusOf(record), `task ${record.id}`, refuse));
      made.push([key, stateOf(record)]);
    }
    if (changes.length === 0 && !uncommitted) return true;
    const saved = await memory.change(changes);
    uncommitted = saved.status === 'kept';
    if (saved.status !== 'committed') tell(saved.reason);
    if (saved.status === 'not-made') return false;
    for (const [key, state] of made) if (!laterTasks.has(key)) followed.set(key, state);
    if (made.length > 0) await saveFollowed(memory.folder, followed);
    return !uncommitted;
  }

  function tell(problem: string): void {
    if (told.has(problem)) return;
    if (told.size >= memoryLimits.toldProblems) told.clear();
    told.add(problem);
    onProblem(problem);
  }

  function retryLater(): void {
    if (closed || timer !== null) return;
    timer = setTimeout(() => {
      timer = null;
      for (const key of laterTasks) tasks.add(key);
      for (const [path, change] of laterHandoffs) handoffs.set(path, change);
      laterTasks.clear();
      laterHandoffs.clear();
      wake();
    }, retryMs);
    timer.unref();
  }

  return {
    follow(record, memoryTask = record.memory_task) {
      if (memoryTask === null) return;
      const key = `${record.workspace}/${memoryTask}`;
      const known = newest.get(key)?.record;
      if (known !== undefined && isNewer(known, record)) return;
      newest.set(key, { record, id: memoryTask });
      tasks.add(key);
      wake();
    },
    handedOff(handoff) {
      if (handoffs.size + laterHandoffs.size >= memoryLimits.queuedHandoffs)
        tell('handoffs are not kept in the memory at present, for too many wait; those of the attempts are');
      else {
        try {
          handoffs.set(handoffPath(handoff), handoffChange(handoff));
        } catch (error) {
          tell(`the handoff of task ${handoff.task} is not as agreed: ${String(error).slice(0, 1_000)}`);
        }
      }
      wake();
    },
    async settled() {
      while (active !== null) await active;
    },
    async close() {
      closed = true;
      if (timer !== null) clearTimeout(timer);
      await active;
    },
  };
}

function stateOf({ id, state }: TaskRecord): string {
  return `${id} ${state.status}`;
}

/** By when they were accepted: what an older run still does is no longer what the task is about. */
function isNewer(a: TaskRecord, b: TaskRecord): boolean {
  if (a.id === b.id) return false;
  return a.accepted_at === b.accepted_at ? a.id > b.id : a.accepted_at > b.accepted_at;
}
