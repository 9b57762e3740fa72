import { z } from 'zod';
import { Budget, noBudget } from './budget.ts';
import { Channel } from './command.ts';
import { Verification } from './condition.ts';
import { ErrorClass } from './event.ts';
import { ModelKind } from './gateway-api.ts';
import { MergeRefusal } from './merge.ts';
import { MemoryTaskId, ObjectId, RunId, Sha256, SlotId, TaskId, Timestamp, WorkspaceName } from './names.ts';
import { Question } from './question.ts';
import { versioned } from './versioned.ts';
import { Wait } from './wait.ts';

/** Of one merge. */
export const maximumRefusals = 32;
const since = { since: Timestamp, reason: z.string().max(2_000) };
/** `wait` is null while something is at work on the task. */
const waiting = { ...since, wait: Wait.nullable().default(null) };

const approval = z.strictObject({
  command: z.string(),
  digest: Sha256,
  channel: Channel,
  user: z.string(),
  evidence: z.string(),
  decided_at: Timestamp,
  /** Approved work starts before this or is asked for again. */
  expires_at: Timestamp,
});

/** Who let a saved diff go into its branch, and by what; the task file itself may, into an unprotected branch. */
const mergeApproval = z.strictObject({
  command: z.string().nullable(),
  digest: Sha256,
  channel: z.union([Channel, z.literal('task-file')]),
  user: z.string(),
  evidence: z.string(),
  decided_at: Timestamp,
  /** The person knew that no postcondition was checked, and wants it merged all the same. */
  unverified: z.boolean(),
});
export type MergeApproval = z.infer<typeof mergeApproval>;

/** Where a task starts from: exactly one commit of one branch per repository. */
export const Base = z.strictObject({ repository: WorkspaceName, branch: z.string(), head: ObjectId });
export type Base = z.infer<typeof Base>;

/** What an attempt left behind, per repository that it changed. */
const Result = z.strictObject({
  repositories: z.array(
    z.strictObject({
      name: WorkspaceName,
      branch: z.string(),
      base_head: ObjectId,
      head: ObjectId,
      ref: z.string(),
      files: z.int().nonnegative(),
      insertions: z.int().nonnegative(),
      deletions: z.int().nonnegative(),
      /** What in it deserves eyes. */
      flags: z.array(z.string().max(32)).max(32),
    }),
  ),
  /** The attempt in whose folder the diffs lie. */
  attempt: z.int().positive(),
  /** Of `diffs/index.json`. */
  digest: Sha256,
  verification: Verification,
});
export type Result = z.infer<typeof Result>;

const attemptStates = z.object({ attempt: z.int().positive(), slot: SlotId.nullable() });

/** What is true of a task in one state only. `reason` says, for a task that is not running, what it waits for or why it ended. */
export const TaskState = z.discriminatedUnion('status', [
  z.strictObject({ status: z.literal('queued'), ...waiting }),
  z.strictObject({ status: z.literal('planning'), ...since, ...attemptStates.shape }),
  z.strictObject({ status: z.literal('pending'), ...waiting, digest: Sha256, expires_at: Timestamp }),
  z.strictObject({ status: z.literal('approved'), ...waiting, approval }),
  /** It works, but for `wait`, while its tool waits for an answer to `question`: the newest one, also after its answer. */
  z.strictObject({
    status: z.literal('running'),
    ...waiting,
    ...attemptStates.shape,
    approval: approval.nullable(),
    question: Question.nullable().default(null),
  }),
  /** Nothing is lost when it is interrupted: a verification begins anew. */
  z.strictObject({
    status: z.literal('verifying'),
    ...waiting,
    attempt: z.int().positive(),
    result: Result.nullable(),
  }),
  z.strictObject({
    status: z.literal('interrupted'),
    ...waiting,
    attempt: z.int().positive(),
    approval: approval.nullable(),
  }),
  z.strictObject({
    status: z.literal('review'),
    ...waiting,
    result: Result,
    /** Why it was not merged when that was last asked for. */
    refusals: z.array(MergeRefusal).max(maximumRefusals),
  }),
  /** The result is being carried over to where its branches are now; `result` is the one before. */
  z.strictObject({ status: z.literal('rebasing'), ...waiting, attempt: z.int().positive(), result: Result }),
  z.strictObject({ status: z.literal('merging'), ...waiting, result: Result, approval: mergeApproval }),
  z.strictObject({
    status: z.literal('done'),
    ...since,
    result: Result.nullable(),
    merged: mergeApproval.nullable(),
    verification: Verification,
  }),
  z.strictObject({ status: z.literal('failed'), ...since, error_class: ErrorClass, result: Result.nullable() }),
  z.strictObject({ status: z.literal('cancelled'), ...since }),
  z.strictObject({ status: z.literal('invalid'), ...since }),
  z.strictObject({ status: z.literal('rejected'), ...since }),
  z.strictObject({ status: z.literal('expired'), ...since }),
]);
export type TaskState = z.infer<typeof TaskState>;
/** A state that a task is to have; what it waits for then is filled in. */
export type NewState = z.input<typeof TaskState>;
export type Approval = z.infer<typeof approval>;

/** Somebody wants the task ended; it is, as soon as what is at work on it has let go. */
const Cancellation = z.strictObject({
  command: z.string(),
  channel: Channel,
  user: z.string(),
  reason: z.string().max(2_000),
  at: Timestamp,
});
export type Cancellation = z.infer<typeof Cancellation>;

const Record2 = z.strictObject({
  version: z.literal(2),
  id: TaskId,
  run: RunId,
  /** The bare name of the file in the queue now; it differs from `dropped_as` when that name was taken. */
  file: z.string(),
  dropped_as: z.string(),
  /** Of the bytes that were accepted; they are kept in `task.md` beside this record. */
  task_file: Sha256,
  workspace: WorkspaceName,
  action: z.enum(['run', 'plan']),
  stage: z.string(),
  gate: z.boolean(),
  title: z.string(),
  tool: z.string(),
  priority: z.int(),
  timeout_sec: z.int().positive(),
  accepted_at: Timestamp,
  attempts: z.int().nonnegative(),
  /** How often an attempt came to nothing without its own fault; the second time ends the task. */
  interruptions: z.int().nonnegative(),
  model: z.strictObject({ kind: ModelKind, name: z.string() }).nullable(),
  /** One for each repository of the task. */
  bases: z.array(Base).min(1).nullable(),
  memory_task: MemoryTaskId.nullable(),
  /** It begins when all of these are done. */
  depends_on: z.array(TaskId).max(50),
  /** Of each attempt. */
  budget: Budget,
  cancellation: Cancellation.nullable(),
  /** How often a person asked for another attempt after an end. */
  retries: z.int().nonnegative(),
  state: TaskState,
});

/** `runs/<run>/tasks/<task>/task.json`: where a task stands. Written by the runner alone, after the event that says so. */
export const TaskRecord = versioned(Record2, 2, {
  1: (record) => ({ ...record, depends_on: [], budget: noBudget, cancellation: null, retries: 0 }),
});
export type TaskRecord = z.infer<typeof TaskRecord>;

/** What a task's tool waits to be answered; null when it waits for nothing. */
export function openQuestion({ state }: Pick<TaskRecord, 'state'>): Question | null {
  return state.status === 'running' && state.question?.answer === null ? state.question : null;
}

/** A task's folder, relative to `volumes/`. */
export function taskFolder({ run, id }: Pick<TaskRecord, 'run' | 'id'>): string {
  return `runs/${run}/tasks/${id}`;
}

/** One row of `countersign status --json`. */
export const StatusRow = z.strictObject({
  /** Null for a file that the runner has not taken yet. */
  task: TaskId.nullable(),
  file: z.string(),
  run: RunId.nullable(),
  workspace: z.string().nullable(),
  stage: z.string().nullable(),
  state: z.string(),
  reason: z.string(),
  /** What it waits for, for programs; null when it is worked on, or has ended. */
  wait: Wait.nullable(),
  since: Timestamp,
});
export type StatusRow = z.infer<typeof StatusRow>;
