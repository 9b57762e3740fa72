import type { Verification } from '@countersign/contracts/condition.ts';
import type { TaskFile } from '@countersign/contracts/task-file/parse.ts';
import type { NewState, Result, TaskRecord } from '@countersign/contracts/task-record.ts';
import type { Context } from '../context.ts';
import { mayMergeByItself } from '../gate/may-merge.ts';
import type { Changes, EventDetail } from '../state/task-store.ts';
import { cancelTask, isBeingCancelled } from './cancel-task.ts';
import { tellCheckpoint } from './checkpoint.ts';
import { failTask } from './end-task.ts';
import { handOff } from './hand-off.ts';
import { describeResult } from './import-results.ts';

type Work = { readonly result: Result | null; readonly verification: Verification };
type Completion = Omit<EventDetail, 'event' | 'phase' | 'agent_role' | 'summary'>;

/** Moves a task on whose work is there and whose conditions were looked at: it failed, is done, or there is something to merge. */
export async function concludeWork(
  context: Context,
  record: TaskRecord,
  file: TaskFile,
  { result, verification }: Work,
  completion: Completion = {},
  changes: Changes = {},
): Promise<void> {
  const verified = result === null ? null : { ...result, verification };
  if (verification.status === 'failed')
    return failTask(context, record, 'postcondition_failed', failedChecks(verification), undefined, verified, changes);
  const since = context.now().toISOString();
  const move = async (state: NewState, detail: Pick<EventDetail, 'event' | 'phase' | 'summary' | 'data'>) => {
    await handOff(context, record, state, { agent_role: 'runner', ...completion, ...detail }, changes);
  };
  if (verified === null) {
    const reason = `ended without a change to the repository${verification.status === 'verified' ? '; its postconditions hold' : ''}`;
    return move(
      { status: 'done', since, reason, result: null, merged: null, verification },
      { event: 'task_ended', phase: 'run', summary: 'done; nothing to merge' },
    );
  }
  const said = describeResult(verified);
  const data = { digest: verified.digest, verification: verification.status };
  const approval = mayMergeByItself(context.config.stages, record, file, verified, since);
  if (approval !== null) {
    // Accepted since its activity was looked at: nobody but the task's file wants this merge.
    if (isBeingCancelled(context, record)) return cancelTask(context, record, verified);
    await tellCheckpoint(context, record, 'merge');
    return move(
      {
        status: 'merging',
        since,
        reason: `merges by itself, as its file says: ${said}`.slice(0, 2_000),
        result: verified,
        approval,
      },
      { event: 'merge_started', phase: 'merge', summary: `on_success: merge; ${said}`, data },
    );
  }
  await move(
    {
      status: 'review',
      since,
      reason: `waits for review of ${verified.digest.slice(0, 8)}, ${verification.status}: ${said}`.slice(0, 2_000),
      result: verified,
      refusals: [],
    },
    { event: 'review_requested', phase: 'review', summary: `${said}; ${verification.status}`, data },
  );
}

/** Which conditions did not hold, for people. */
export function failedChecks(verification: Verification): string {
  if (verification.status !== 'failed') return '';
  const failed = verification.checks.filter((check) => check.exit_code !== 0);
  const [first] = failed;
  const how = first?.exit_code === null ? 'did not end' : `ended with exit code ${first?.exit_code}`;
  const others = failed.length > 1 ? `, and ${failed.length - 1} more of ${verification.checks.length}` : '';
  return `${JSON.stringify(first?.command ?? '')} ${how}${others}; the diff and the output are kept`;
}
