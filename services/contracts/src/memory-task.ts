import { z } from 'zod';
import { BranchName, MemoryTaskId, WorkspaceName } from './names.ts';
import type { TaskRecord } from './task-record.ts';
import type { TaskStatus } from './task-state.ts';

/** Where a durable task stands, as its file says it: for people, in fewer words than the states of a run. */
export const MemoryTaskStatus = z.enum(['todo', 'running', 'waiting', 'review', 'done', 'failed', 'cancelled']);
export type MemoryTaskStatus = z.infer<typeof MemoryTaskStatus>;

/**
 * The front matter of `tasks/T0147-….md`. It is a person's file: keys that are not ours are theirs, and stay as they are.
 * `base_branch` is what the task means; the commit that a run begins at is the run's own.
 */
export const MemoryTaskHeader = z.looseObject({
  id: MemoryTaskId,
  title: z.string().min(1).max(200),
  status: MemoryTaskStatus,
  base_branch: BranchName.optional(),
  repos: z.array(WorkspaceName).min(1).max(16).optional(),
});
export type MemoryTaskHeader = z.infer<typeof MemoryTaskHeader>;

const statusAfter = {
  queued: 'waiting',
  planning: 'running',
  pending: 'waiting',
  approved: 'waiting',
  running: 'running',
  verifying: 'running',
  rebasing: 'running',
  merging: 'running',
  interrupted: 'waiting',
  review: 'review',
  done: 'done',
  failed: 'failed',
  cancelled: 'cancelled',
  invalid: 'failed',
  rejected: 'cancelled',
  // Nobody decided: it is as much to be done as before.
  expired: 'todo',
} as const satisfies Record<TaskStatus, MemoryTaskStatus>;

/** What the newest run of a durable task makes of it. A plan that was written is not the work that it plans. */
export function memoryStatusOf({ action, state }: Pick<TaskRecord, 'action' | 'state'>): MemoryTaskStatus {
  return action === 'plan' && state.status === 'done' ? 'todo' : statusAfter[state.status];
}
