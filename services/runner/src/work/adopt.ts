import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import type { Context } from '../context.ts';
import { readApprovedWork } from '../gate/approved-work.ts';
import type { Slot } from '../sandbox/slot.ts';
import type { Activity } from './attempt.ts';
import type { Dependencies, Needs } from './dependencies.ts';
import { effectiveBudget } from './effective-budget.ts';
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
  const open = context.tasks.open().filter(({ id, state: { status } }) => {
    return (status === 'planning' || status === 'running') && !isActive(id);
  });
  // Everything is asked before anything is taken over: a launcher that goes away in between leaves nothing half done.
  const profiles = new Map<string, Awaited<ReturnType<Dependencies['profileFor']>>>();
  for (const { id, stage, workspace } of open) {
    const name = context.config.stages.stages[stage]?.sandbox_profile ?? '';
    profiles.set(id, await context.dependencies.profileFor(name, workspace));
  }
  for (const record of open) {
    const { state } = record;
    const profile = profiles.get(record.id);
    if (!('slot' in state) || profile === undefined) continue;
    if (state.slot === null || !running.has(state.slot) || !profile.ok || record.model === null) {
      const reason = profile.ok ? 'the sandbox is gone' : profile.reason;
      await context.questions.withdraw(record.id);
      await interrupt(context, record, 'sandbox_lost', `the runner was restarted and ${reason}`);
      continue;
    }
    const slot = await context.pool.adopt(state.slot, effectiveBudget(context.config, record).enforced);
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
    if (record.state.status === 'planning') return continuePlan(context, record, needs, null, slot, activity, leave);
    const approval = approvalOf(record);
    const given = { needs, approved: null, begun: null };
    if (approval === null) return continueRun(context, record, given, slot, activity, leave);
    // What the sandbox was given before counts; a task that never reached it may only be given what was approved.
    const approved = await readApprovedWork(context, record, approval.digest, needs);
    const texts = approved.ok ? approved : 'only-resume';
    return continueRun(context, record, { ...given, approved: texts }, slot, activity, leave);
  });
}
