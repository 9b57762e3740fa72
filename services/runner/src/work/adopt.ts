import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import type { Context } from '../context.ts';
import type { Activity } from './attempt.ts';
import type { DependencyState } from './dependencies.ts';
import { interrupt } from './end-task.ts';
import { continuePlan } from './plan-task.ts';
import { approvalOf, continueRun } from './run-task.ts';

type Adoption = { readonly record: TaskRecord; readonly work: (activity: Activity) => Promise<void> };

/**
 * What a runner before us left at work: a task whose sandbox is still there is taken up where it stands, one whose sandbox is
 * gone is interrupted. @throws ServiceError when the launcher does not answer
 */
export async function findAdoptions(
  context: Context,
  needs: DependencyState & { ok: true },
  leave: AbortSignal,
): Promise<readonly Adoption[]> {
  const running = new Set(
    (await context.pool.sandboxes()).filter((sandbox) => sandbox.state === 'running').map((sandbox) => sandbox.id),
  );
  const adoptions: Adoption[] = [];
  for (const record of context.tasks.open()) {
    const { state } = record;
    if (state.status !== 'planning' && state.status !== 'running') continue;
    const profile = needs.profiles.get(context.config.stages.stages[record.stage]?.sandbox_profile ?? '');
    if (state.slot === null || !running.has(state.slot) || profile === undefined) {
      await interrupt(context, record, 'sandbox_lost', 'the runner was restarted and the sandbox is gone');
      continue;
    }
    const slot = await context.pool.adopt(state.slot);
    await context.tasks.note(record.id, {
      event: 'task_adopted',
      phase: 'run',
      agent_role: 'runner',
      summary: `the restarted runner took sandbox ${slot.id} over`,
    });
    const plan =
      approvalOf(record) === null ? null : await readFile(join(context.layout.attempt(record), 'plan.md'), 'utf8');
    const take = { model: needs.model, profile };
    const work =
      state.status === 'planning'
        ? (activity: Activity) => continuePlan(context, record, take, slot, activity, leave)
        : (activity: Activity) => continueRun(context, record, take, plan, slot, activity, leave);
    adoptions.push({ record, work });
  }
  return adoptions;
}
