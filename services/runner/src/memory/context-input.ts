import type { MemoryTaskStatus } from '@countersign/contracts/memory-task.ts';
import type { NewestHandoffs } from './handoffs.ts';
import type { MemoryTask } from './tasks.ts';

/** A file of the memory. `text` is null where it was not read: it is told by name and size. */
export type Quoted = { readonly path: string; readonly bytes: number; readonly text: string | null };

/** What the memory holds for a task, as read within bounds. Paths are relative to the memory. */
export type GatheredMemory = {
  readonly memoryTask:
    | { readonly status: 'none' }
    | { readonly status: 'found'; readonly task: MemoryTask }
    | { readonly status: 'refused'; readonly reason: string };
  /** In the order in which they are wanted. */
  readonly decisions: readonly Quoted[];
  readonly notes: readonly Quoted[];
  /** Files of each that were not even looked at, for there are too many. */
  readonly unread: { readonly decisions: number; readonly notes: number };
  readonly relatedTasks: readonly { readonly id: string; readonly title: string; readonly status: MemoryTaskStatus }[];
  /** Tasks of the workspace that share no word with this one's. */
  readonly otherTasks: number;
  /** The most useful first. */
  readonly handoffs: NewestHandoffs['handoffs'];
  readonly handoffsSkipped: number;
  readonly handoffsOlder: number;
  /** What lies in the memory and was not taken in, and why. */
  readonly ignored: readonly string[];
};

/** Everything that a context packet is made of. */
export type ContextInput = {
  readonly task: {
    readonly id: string;
    readonly title: string;
    readonly run: string;
    readonly workspace: string;
    readonly stage: string;
    readonly mode: 'run' | 'plan';
    readonly attempt: number;
    /** For people, with where it runs. */
    readonly model: string;
    readonly timeoutSec: number;
    readonly safeMode: boolean;
  };
  readonly repositories: readonly {
    readonly name: string;
    readonly branch: string;
    readonly baseHead: string;
    /** Where the sandbox has it, `/workspace` or a folder in it. */
    readonly checkout: string;
  }[];
  /** What the sandbox has to build with, on one line; null where nothing is known of it. */
  readonly toolchain: string | null;
  readonly preconditions: readonly string[];
  readonly postconditions: readonly string[];
  /** Of this same task, oldest first. */
  readonly previousAttempts: readonly {
    readonly attempt: number;
    /** ISO 8601; null where it is not known. */
    readonly endedAt: string | null;
    /** How it ended, on one line. */
    readonly how: string;
  }[];
  readonly memory: GatheredMemory;
};
