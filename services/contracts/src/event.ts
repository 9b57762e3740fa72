import { z } from 'zod';
import { RunId, Sha256, TaskId, Timestamp } from './names.ts';
import { TaskStatus } from './task-state.ts';

/** What happened, as the journals name it. Lifecycle only: raw output stays in its capped files. */
const EventName = z.enum([
  'runner_started',
  'runner_recovered',
  /** A tail that was never acknowledged was taken off a journal. */
  'journal_cut',
  /** A journal ends before the line that `heads.jsonl` tells of, or is gone. */
  'journal_behind',
  'house_exported',
  'house_imported',
  'model_changed',
  'file_refused',
  'run_created',
  'task_accepted',
  'task_changed',
  'task_waiting',
  'task_retried',
  'cancel_requested',
  'checkpoint_required',
  /** Beyond what its stage advises; it goes on all the same. */
  'governance_advice',
  'planning_started',
  'planning_ended',
  'approval_requested',
  'task_approved',
  'approval_revoked',
  'task_rejected',
  'task_expired',
  'task_requeued',
  'task_started',
  /** The sandbox's first word after it was given the task, with what each stage before took. */
  'sandbox_started',
  'task_adopted',
  'task_interrupted',
  /** A tool asks a person; the record holds what. */
  'question_asked',
  /** It has its answer, or silence came to its end, or nobody is there any more to be answered. */
  'question_ended',
  'result_imported',
  'verification_started',
  'verification_ended',
  'review_requested',
  'rebase_started',
  'rebase_ended',
  'merge_started',
  'merge_refused',
  'merge_ended',
  'task_ended',
  'budget_exceeded',
  'queue_paused',
  'queue_resumed',
  'breaker_opened',
  'breaker_probing',
  'breaker_closed',
  /** What came of trying to get out of a sandbox, of one profile and image. */
  'confinement_tried',
  'command_accepted',
  'command_refused',
  'message',
  'cleaned_up',
  /** The launcher started or stopped a service by a signed order, or refused to. */
  'service_order',
]);

/** Why a task ended without success; the closed list that summaries, breakers and pages count by. */
export const ErrorClass = z.enum([
  'tool_failed',
  'tool_missing',
  'timeout',
  'stopped',
  'sandbox_lost',
  'protocol',
  'result_refused',
  'workspace_unusable',
  'workspace_too_large',
  'model_missing',
  'model_unreachable',
  'model_context_too_small',
  'model_failed',
  'plan_missing',
  'step_limit',
  'token_budget',
  'budget_tokens',
  'budget_requests',
  'budget_output',
  'budget_disk',
  'repeated_calls',
  'interrupted_twice',
  /** It asked, gave no default, and nobody answered. */
  'unanswered',
  'file_changed',
  'precondition_failed',
  'postcondition_failed',
  'rebase_conflict',
  'internal',
]);
export type ErrorClass = z.infer<typeof ErrorClass>;

export const TokenCount = z.strictObject({
  prompt: z.int().nonnegative(),
  completion: z.int().nonnegative(),
  requests: z.int().nonnegative(),
});
export type TokenCount = z.infer<typeof TokenCount>;

/** What the writer of an event says; the journal adds `ts`, `seq` and `prev`. */
export const EventBody = z.strictObject({
  run_id: RunId.optional(),
  task_id: TaskId.optional(),
  attempt: z.int().positive().optional(),
  phase: z.enum(['queue', 'plan', 'gate', 'run', 'import', 'verify', 'review', 'merge', 'service']),
  agent_role: z.enum(['runner', 'planner', 'coder', 'operator']),
  tool: z.string().max(64).optional(),
  mode: z.enum(['batch', 'plan', 'interactive', 'verify', 'rebase']).optional(),
  event: EventName,
  status: TaskStatus.optional(),
  log_paths: z.strictObject({ stdout: z.string(), stderr: z.string() }).optional(),
  summary: z.string().max(4_000),
  /** Present on completion events. */
  exit_code: z.int().nullable().optional(),
  duration_ms: z.int().nonnegative().optional(),
  artifacts: z.array(z.string()).optional(),
  error_class: ErrorClass.optional(),
  tokens: TokenCount.optional(),
  /** Facts of this event; closed per event by the code that writes it, open to readers. */
  data: z.record(z.string(), z.json()).optional(),
});
export type EventBody = z.infer<typeof EventBody>;

/** One line of a `telemetry.jsonl`. `prev` is the SHA-256 of the line before it (64 zeros for the first), without its line feed. */
export const JournalEvent = z.strictObject({
  ts: Timestamp,
  seq: z.int().positive(),
  prev: Sha256,
  ...EventBody.shape,
});
export type JournalEvent = z.infer<typeof JournalEvent>;
