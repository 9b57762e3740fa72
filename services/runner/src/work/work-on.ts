import type { Profile } from '@countersign/contracts/launcher-api.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import type { Context } from '../context.ts';
import type { Activity } from './attempt.ts';
import type { Needs } from './dependencies.ts';
import { planTask } from './plan-task.ts';
import { isRebasing, rebaseTask } from './rebase-task.ts';
import { approvalOf, runTask } from './run-task.ts';
import { isVerifying, verifyTask } from './verify-task.ts';

/** Does what is next for a task that needs no model: check its conditions, or carry its result over. */
export async function workWithoutModel(
  context: Context,
  record: TaskRecord,
  profile: Profile,
  activity: Activity,
  leave: AbortSignal,
): Promise<void> {
  if (isVerifying(record)) return verifyTask(context, record, profile, activity, leave);
  if (isRebasing(record)) return rebaseTask(context, record, profile, activity, leave);
}

/** Does what is next for a task whose turn has come: plan it, run it, or, where its gate was raised meanwhile, queue it anew. */
export async function workOn(
  context: Context,
  record: TaskRecord,
  needs: Needs,
  isGated: boolean,
  activity: Activity,
  leave: AbortSignal,
): Promise<void> {
  if (record.action === 'plan' || (isGated && record.state.status === 'queued'))
    return planTask(context, record, needs, activity, leave);
  if (!isGated || approvalOf(record) !== null) return runTask(context, record, needs, activity, leave);
  await context.tasks.transition(
    record.id,
    { status: 'queued', since: context.now().toISOString(), reason: 'its stage now demands an approval' },
    { event: 'task_requeued', phase: 'gate', agent_role: 'runner', summary: 'its stage now demands an approval' },
    { bases: null },
  );
}
