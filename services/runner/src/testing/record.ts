import { noBudget } from '@countersign/contracts/budget.ts';
import type { Question } from '@countersign/contracts/question.ts';
import type { Approval, MergeApproval, Result, TaskRecord, TaskState } from '@countersign/contracts/task-record.ts';
import type { TaskStatus } from '@countersign/contracts/task-state.ts';
import type { WaitKind } from '@countersign/contracts/wait.ts';

export const since = '2026-11-20T10:00:00.000Z';
export const digest = 'd'.repeat(64);
const later = '2026-11-21T10:00:00.000Z';

export const approval: Approval = {
  command: 'command-000000000001',
  digest,
  channel: 'shell',
  user: 'op',
  evidence: 'argv',
  decided_at: since,
  expires_at: later,
};
export const result: Result = {
  repositories: [
    {
      name: 'project',
      branch: 'main',
      base_head: 'a'.repeat(40),
      head: 'b'.repeat(40),
      ref: 'refs/agentic/RUN-20261120-001/abcde',
      files: 1,
      insertions: 2,
      deletions: 3,
      flags: [],
    },
  ],
  attempt: 1,
  digest,
  verification: { status: 'verified', checks: [{ command: 'true', exit_code: 0, duration_ms: 5 }] },
};
const mergeApproval: MergeApproval = {
  command: 'command-000000000002',
  digest,
  channel: 'shell',
  user: 'op',
  evidence: 'argv',
  decided_at: since,
  unverified: false,
};

const common = { since, reason: 'because' };
const waits = (kind: WaitKind) => ({ ...common, wait: { kind, since, on: [] } });
const works = { ...common, wait: null };
const attempt = { attempt: 1, slot: 'c'.repeat(32) };

/** One state of every kind. */
export const states = {
  queued: { status: 'queued', ...waits('turn') },
  planning: { status: 'planning', ...common, ...attempt },
  pending: { status: 'pending', ...waits('approval'), digest, expires_at: later },
  approved: { status: 'approved', ...waits('turn'), approval },
  running: { status: 'running', wait: null, ...common, ...attempt, approval: null, question: null },
  verifying: { status: 'verifying', ...works, attempt: 1, result },
  interrupted: { status: 'interrupted', ...waits('turn'), attempt: 1, approval: null },
  review: { status: 'review', ...waits('review'), result, refusals: [] },
  rebasing: { status: 'rebasing', ...works, attempt: 2, result },
  merging: { status: 'merging', ...works, result, approval: mergeApproval },
  done: { status: 'done', ...common, result: null, merged: null, verification: { status: 'unverified' } },
  failed: { status: 'failed', ...common, error_class: 'tool_failed', result: null },
  cancelled: { status: 'cancelled', ...common },
  invalid: { status: 'invalid', ...common },
  rejected: { status: 'rejected', ...common },
  expired: { status: 'expired', ...common },
} as const satisfies Record<TaskStatus, TaskState>;

/** As a tool put it that waits for its answer. */
export const question: Question = {
  id: '00000000000000aa',
  transaction: 'txn-1',
  number: 1,
  text: 'Which port?',
  options: ['8080', '9090'],
  default: null,
  asked_at: since,
  deadline: '2026-11-20T10:05:00.000Z',
  answer: null,
};
export const asking = {
  ...states.running,
  ...waits('answer'),
  question,
} as const satisfies TaskState;

/** A task record with what matters to a test set. */
export function makeRecord(changes: Partial<TaskRecord> = {}): TaskRecord {
  return {
    version: 2,
    id: 'abcde',
    run: 'RUN-20261120-001',
    file: 'x.md',
    dropped_as: 'x.md',
    task_file: 'f'.repeat(64),
    workspace: 'project',
    action: 'run',
    stage: 'dev',
    gate: false,
    title: 'a task',
    tool: 'agent',
    priority: 0,
    timeout_sec: 600,
    accepted_at: since,
    attempts: 0,
    interruptions: 0,
    model: null,
    bases: null,
    memory_task: null,
    depends_on: [],
    budget: noBudget,
    cancellation: null,
    retries: 0,
    state: states.queued,
    ...changes,
  };
}
