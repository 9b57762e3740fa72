import type { Command } from '@countersign/contracts/command.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import type { ReviewTask } from '@countersign/kit/testing/review-task.ts';

/** Where a task stands with the runner: by the digest that a decision has to name. */
export type Standing = {
  readonly digest: string;
  status: 'pending' | 'approved' | 'rejected' | 'review' | 'merged' | 'cancelled';
  readonly record: TaskRecord;
  readonly review?: ReviewTask;
  /** The command that approved it. */
  approval?: string;
};

/** Whether the runner takes a command as its task stands. */
export function fits(
  kind: Command['kind'],
  subject: Command['subject'],
  { status, digest, approval }: Standing,
): boolean {
  switch (kind) {
    case 'approve':
      return status === 'pending' && 'digest' in subject && subject.digest === digest;
    case 'reject':
      return (status === 'pending' || status === 'review') && 'digest' in subject && subject.digest === digest;
    case 'merge':
    case 'rebase':
      return status === 'review' && 'digest' in subject && subject.digest === digest;
    case 'revoke':
      return status === 'approved' && 'command' in subject && subject.command === approval;
    case 'cancel':
      return status === 'pending' || status === 'approved' || status === 'review';
    case 'retry':
    case 'pause':
    case 'resume':
    case 'answer':
    case 'submit':
    case 'send':
    case 'clean':
      return false;
  }
}
