import { outputNames } from '@countersign/contracts/attempt-files.ts';
import type { Profile } from '@countersign/contracts/launcher-api.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import type { Context } from '../context.ts';
import { type Activity, isCancelled } from './attempt.ts';
import { cancelTask } from './cancel-task.ts';
import { checkConditions } from './check-conditions.ts';
import { concludeWork, failedChecks } from './conclude-work.ts';
import { failTask, mayCheckAgain } from './end-task.ts';
import { findGrounds } from './grounds.ts';

type Verifying = TaskRecord & { readonly state: { readonly status: 'verifying' } };

export function isVerifying(record: TaskRecord): record is Verifying {
  return record.state.status === 'verifying';
}

/**
 * Checks a task's postconditions on exactly the commits that its work came to. Begins anew when it is interrupted: nothing but
 * the verdict comes of it.
 */
export async function verifyTask(
  context: Context,
  record: Verifying,
  profile: Profile,
  activity: Activity,
  leave: AbortSignal,
): Promise<void> {
  const { result } = record.state;
  const grounds = await findGrounds(context, record);
  if (!grounds.ok) return failTask(context, record, grounds.errorClass, grounds.reason, undefined, result);
  const conditions = grounds.file.header.postconditions ?? [];
  const commits = grounds.sources.map(({ repository, base }) => ({
    repository,
    head: result?.repositories.find(({ name }) => name === repository.name)?.head ?? base.head,
  }));
  const purpose = 'postconditions' as const;
  const checked = await checkConditions(context, record, { conditions, commits, purpose }, profile, activity, leave);
  if (isCancelled(activity)) return cancelTask(context, record);
  if (!checked.ok) {
    const { errorClass, reason } = checked;
    if (errorClass === 'sandbox_lost' && (await mayCheckAgain(context, record, purpose, reason))) return;
    return failTask(context, record, errorClass, reason, undefined, result);
  }
  const { verification } = checked;
  const folder = context.layout.attemptName(record);
  await context.tasks.note(record.id, {
    event: 'verification_ended',
    phase: 'verify',
    agent_role: 'runner',
    mode: 'verify',
    summary:
      verification.status === 'verified'
        ? `all ${verification.checks.length} postconditions hold`
        : failedChecks(verification).slice(0, 4_000),
    log_paths: {
      stdout: `${folder}/${outputNames[purpose].stdout}`,
      stderr: `${folder}/${outputNames[purpose].stderr}`,
    },
    data: { checks: verification.checks.map((check) => ({ ...check })) },
  });
  await concludeWork(context, record, grounds.file, { result, verification });
}
