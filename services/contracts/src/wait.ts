import { z } from 'zod';
import { Timestamp } from './names.ts';
import type { TaskStatus } from './task-state.ts';

/** What a task waits for while nothing is at work on it; for programs, as `reason` is for people. */
export const WaitKind = z.enum([
  /** Nothing but its turn: it is begun next. */
  'turn',
  /** As many tasks as may be at work at once are: in all, in its workspace, with its model, of its stage. */
  'slot',
  'workspace',
  'model_slot',
  'stage',
  /** A person: before the work, or before its result is merged. */
  'approval',
  'review',
  /** A person, whom its tool asked something; it goes on by itself at the question's deadline. */
  'answer',
  /** Other tasks, which `on` names. */
  'dependency',
  /** A service or server that does not answer or is not ready. */
  'model',
  'launcher',
  /** Its sandbox profile or its workspace's image cannot be used. */
  'profile',
  'disk',
  /** The operator stopped the queue. */
  'paused',
  'breaker',
  /** What came to nothing is tried again in a moment. */
  'retry',
]);
export type WaitKind = z.infer<typeof WaitKind>;

/** What a task waits for, since when, and for whom or what by name: task ids, a workspace, a model. */
export const Wait = z.strictObject({
  kind: WaitKind,
  since: Timestamp,
  on: z.array(z.string().max(300)).max(50),
});
export type Wait = z.infer<typeof Wait>;

const firstWaits: Partial<Record<TaskStatus, WaitKind>> = {
  queued: 'turn',
  pending: 'approval',
  approved: 'turn',
  interrupted: 'turn',
  review: 'review',
  verifying: 'turn',
  rebasing: 'turn',
  merging: 'turn',
};

/** What a task waits for when it has just come into this state; null where something is at work on it, or it has ended. */
export function firstWait(status: TaskStatus, since: string): Wait | null {
  const kind = firstWaits[status];
  return kind === undefined ? null : { kind, since, on: [] };
}
