import type { Journal } from '@countersign/kit/journal.ts';
import type { Logger } from '@countersign/kit/logger.ts';
import type { RunnerConfig } from './config.ts';
import type { QueueControl } from './loop/queue-control.ts';
import type { Troubles } from './loop/troubles.ts';
import type { MemoryFollower } from './memory/follow.ts';
import type { MemoryReader } from './memory/open-memory.ts';
import type { Paces } from './paces.ts';
import type { Questions } from './questions/questions.ts';
import type { Confinement } from './sandbox/confinement.ts';
import type { SandboxPool } from './sandbox/pool.ts';
import type { Layout } from './state/layout.ts';
import type { RunStore } from './state/run-store.ts';
import type { TaskStore } from './state/task-store.ts';
import type { Dependencies } from './work/dependencies.ts';
import type { OneAtATime } from './work/one-at-a-time.ts';

/** What every part of the runner works with. */
export type Context = {
  readonly config: RunnerConfig;
  readonly layout: Layout;
  readonly runs: RunStore;
  readonly tasks: TaskStore;
  /** `runs/telemetry.jsonl`: what belongs to no run, and the verdict on every command. */
  readonly journal: Journal;
  readonly pool: SandboxPool;
  readonly dependencies: Dependencies;
  /** Whether anything gets out of the sandboxes that tasks get. */
  readonly confinement: Pick<Confinement, 'hold'>;
  /** What the tools of running tasks ask. */
  readonly questions: Questions;
  /** Taking results in costs memory and processor time by what a sandbox chose to send: one after the other. */
  readonly imports: OneAtATime;
  /** What is remembered beyond one run; asked for what a task means, and for what went before. */
  readonly memory: MemoryReader;
  /** Writes into the memory what becomes of tasks, behind the work. */
  readonly follower: Pick<MemoryFollower, 'follow' | 'handedOff'>;
  readonly troubles: Troubles;
  /** What holds up the queue as a whole, or parts of it. */
  readonly queue: QueueControl;
  readonly logger: Logger;
  readonly paces: Paces;
  readonly now: () => Date;
  /** Numeric id that workspaces must belong to. */
  readonly userId: number;
};
