import { z } from 'zod';

/** Where a task's file lies, relative to `volumes/`. The state is the folder; what shares a folder is told apart by `task.json`. */
export const queueFolders = [
  'inbox',
  'inbox/pending',
  'inbox/running',
  'outbox/done',
  'outbox/failed',
  'outbox/cancelled',
  'outbox/invalid',
  'outbox/rejected',
] as const;
export type QueueFolder = (typeof queueFolders)[number];

export const TaskStatus = z.enum([
  'queued',
  'planning',
  'pending',
  'approved',
  'review',
  'running',
  'verifying',
  'rebasing',
  'merging',
  'interrupted',
  'done',
  'failed',
  'cancelled',
  'invalid',
  'rejected',
  'expired',
]);
export type TaskStatus = z.infer<typeof TaskStatus>;

export const folderOf = {
  queued: 'inbox',
  planning: 'inbox/pending',
  pending: 'inbox/pending',
  approved: 'inbox/pending',
  review: 'inbox/pending',
  running: 'inbox/running',
  verifying: 'inbox/running',
  rebasing: 'inbox/running',
  merging: 'inbox/running',
  interrupted: 'inbox/running',
  done: 'outbox/done',
  failed: 'outbox/failed',
  cancelled: 'outbox/cancelled',
  invalid: 'outbox/invalid',
  rejected: 'outbox/rejected',
  expired: 'outbox/rejected',
} as const satisfies Record<TaskStatus, QueueFolder>;

/**
 * What may follow what: the only place that says so. The page and the phone offer buttons from it.
 * `queued` after anything else means that the file's bytes changed or the attempt came to nothing, and the task begins anew; after an
 * end, that a person asked for another attempt.
 */
export const transitions = {
  queued: ['planning', 'running', 'invalid', 'cancelled', 'failed'],
  planning: ['pending', 'done', 'queued', 'failed', 'cancelled', 'invalid'],
  pending: ['approved', 'rejected', 'expired', 'queued', 'cancelled', 'failed'],
  approved: ['running', 'pending', 'rejected', 'queued', 'cancelled', 'expired', 'failed'],
  running: ['verifying', 'review', 'merging', 'done', 'failed', 'cancelled', 'interrupted', 'queued'],
  verifying: ['review', 'merging', 'done', 'failed', 'cancelled'],
  rebasing: ['verifying', 'review', 'done', 'cancelled'],
  review: ['merging', 'rebasing', 'rejected', 'cancelled'],
  merging: ['done', 'review'],
  interrupted: ['running', 'approved', 'queued', 'failed', 'cancelled'],
  done: [],
  failed: ['queued'],
  cancelled: ['queued'],
  invalid: [],
  rejected: ['queued'],
  expired: ['queued'],
} as const satisfies Record<TaskStatus, readonly TaskStatus[]>;

export function mayFollow(from: TaskStatus, to: TaskStatus): boolean {
  const following: readonly TaskStatus[] = transitions[from];
  return following.includes(to);
}

const ended: ReadonlySet<TaskStatus> = new Set(['done', 'failed', 'cancelled', 'invalid', 'rejected', 'expired']);

/** An ended task: nothing follows by itself; a person may ask for another attempt. */
export function isFinal(status: TaskStatus): boolean {
  return ended.has(status);
}

const turnTakers: ReadonlySet<TaskStatus> = new Set([
  'queued',
  'approved',
  'interrupted',
  'verifying',
  'rebasing',
  'merging',
]);

/** Whether something is to be begun, or begun again, when nothing is at work on a task of this state: it waits for its turn. */
export function takesTurns(status: TaskStatus): boolean {
  return turnTakers.has(status);
}

/** Whether what is next for a task of this state needs a model; what only checks, carries over or merges does not. */
export function needsModel(status: TaskStatus): boolean {
  return status !== 'verifying' && status !== 'rebasing' && status !== 'merging';
}
