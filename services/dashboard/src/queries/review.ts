import { secondFactorStage } from '@countersign/contracts/config/stages.ts';
import type { Review } from '@countersign/contracts/page-api.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';

/** What merging a task's result would bind; null where none waits. Pure. */
export function reviewOf({ stage, state }: TaskRecord): Review | null {
  if (state.status !== 'review') return null;
  const { result, refusals } = state;
  return {
    digest: result.digest,
    verified: result.verification.status === 'verified',
    refusals,
    needs_code: stage === secondFactorStage,
  };
}
