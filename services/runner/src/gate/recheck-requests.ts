import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import type { Context } from '../context.ts';
import { readApprovedWork } from './approved-work.ts';

type Pending = TaskRecord & { state: TaskRecord['state'] & { status: 'pending' } };

/**
 * Takes back every request whose bundle is no longer what would be run, because an image, a profile, the policy or the model is
 * another one than before this start: nobody is to approve something that is void already. Such a task is planned and asked for
 * anew. Needs a launcher and a model that answer; resolves whether both did.
 * @throws ServiceError when the launcher goes away
 */
export async function recheckRequests(context: Context): Promise<boolean> {
  const { launcher, model } = context.dependencies.state;
  if (!launcher.ok || !model.ok) return false;
  const pending = context.tasks.open().filter((record): record is Pending => record.state.status === 'pending');
  const asked = new Map<string, Awaited<ReturnType<Context['dependencies']['profileFor']>>>();
  for (const record of pending) {
    const name = context.config.stages.stages[record.stage]?.sandbox_profile;
    if (name === undefined) continue;
    const key = `${name} ${record.workspace}`;
    const answer = asked.get(key) ?? (await context.dependencies.profileFor(name, record.workspace));
    asked.set(key, answer);
    // What cannot be used now may be mended, to what it was.
    if (!answer.ok) continue;
    const needs = { model: model.model, contextLength: model.contextLength, profile: answer.profile };
    const work = await readApprovedWork(context, record, record.state.digest, needs);
    if (work.ok || context.tasks.get(record.id)?.state !== record.state) continue;
    const reason = `the request is void: ${work.reason}`.slice(0, 2_000);
    await context.tasks.transition(
      record.id,
      { status: 'queued', since: context.now().toISOString(), reason },
      {
        event: 'task_requeued',
        phase: 'gate',
        agent_role: 'runner',
        summary: reason,
        data: { digest: record.state.digest },
      },
      { bases: null },
    );
  }
  return true;
}
