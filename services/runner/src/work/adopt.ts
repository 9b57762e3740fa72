import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import type { Context } from '../context.ts';
import { readApprovedWork } from '../gate/approved-work.ts';
import type { Slot } from '../sandbox/slot.ts';
import type { Activity } from './attempt.ts';
import type { Needs } from './dependencies.ts';
import { interrupt } from './end-task.ts';
import { continuePlan } from './plan-task.ts';
import { approvalOf, continueRun } from './run-task.ts';
import { useSlot } from './use-slot.ts';

/** What a context is fitted to where the model's own length is not known, in tokens. */
const leastContextLength = 4_096;

type Adoption = { readonly record: TaskRecord; readonly work: (activity: Activity) => Promise<void> };

/**
 * What a runner before us left at work: a task whose sandbox is still there is taken up where it stands, with the model that it
 * was started with; one whose sandbox is gone is interrupted. @throws ServiceError when the launcher does not answer
 */
export async function findAdoptions(
  context: Context,
  isActive: (task: string) => boolean,
  leave: AbortSignal,
): Promise<readonly Adoption[]> {
  const sandboxes = await context.pool.sandboxes();
  const running = new Set(sandboxes.filter((sandbox) => sandbox.state === 'running').map((sandbox) => sandbox.id));
  const adoptions: Adoption[] = [];
  for (const record of context.tasks.open()) {
    const { state } = record;
    if ((state.status !== 'planning' && state.status !== 'running') || isActive(record.id)) continue;
    const name = context.config.stages.stages[record.stage]?.sandbox_profile ?? '';
    const profile = await context.dependencies.profileFor(name, record.workspace);
    if (state.slot === null || !running.has(state.slot) || !profile.ok || record.model === null) {
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
    const { model } = context.dependencies.state;
    const contextLength = model.ok ? model.contextLength : leastContextLength;
    const needs = { model: record.model, contextLength, profile: profile.profile };
    adoptions.push({ record, work: (activity) => takeUp(context, record, needs, slot, activity, leave) });
  }
  return adoptions;
}

function takeUp(
  context: Context,
  record: TaskRecord,
  needs: Needs,
  slot: Slot,
  activity: Activity,
  leave: AbortSignal,
): Promise<void> {
  return useSlot(context, slot, leave, async () => {
    if (record.state.status === 'planning') return continuePlan(context, record, needs, slot, activity, leave);
    const approval = approvalOf(record);
    if (approval === null) return continueRun(context, record, needs, null, slot, activity, leave);
    // What the sandbox was given before counts; a task that never reached it may only be given what was approved.
    const approved = await readApprovedWork(context, record, approval.digest, needs);
    return continueRun(context, record, needs, approved.ok ? approved : 'only-resume', slot, activity, leave);
  });
}
