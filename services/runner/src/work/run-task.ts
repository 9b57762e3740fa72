import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { preconditionsFile } from '@countersign/contracts/attempt-files.ts';
import { describeModel } from '@countersign/contracts/model-text.ts';
import type { Approval, TaskRecord } from '@countersign/contracts/task-record.ts';
import { makeFolder, writeFileAtomic } from '@countersign/kit/files.ts';
import { allEnded } from '@countersign/kit/in-parallel.ts';
import type { Context } from '../context.ts';
import { type Approved, readApprovedWork } from '../gate/approved-work.ts';
import type { Slot } from '../sandbox/slot.ts';
import { type Assigned, makeAssignment, saveObjective } from './assignment.ts';
import { type Activity, mayStillBegin, talk } from './attempt.ts';
import { checkConditions } from './check-conditions.ts';
import { tellCheckpoint } from './checkpoint.ts';
import { failedChecks } from './conclude-work.ts';
import type { Needs } from './dependencies.ts';
import { effectiveBudget } from './effective-budget.ts';
import { endEarly, failTask, mayCheckAgain } from './end-task.ts';
import { finishRun } from './finish-run.ts';
import { basesOf, findGrounds, type Grounds, lookForGrounds, pinBases, type Unusable } from './grounds.ts';
import { holdOn } from './hold-on.ts';
import { useSlot } from './use-slot.ts';

/** Runs a task in a sandbox: by itself from `queued`, with the approved plan from `approved`, once more from `interrupted`. */
export async function runTask(
  context: Context,
  waiting: TaskRecord,
  needs: Needs,
  activity: Activity,
  leave: AbortSignal,
): Promise<void> {
  const approval = approvalOf(waiting);
  const approved = approval === null ? null : await readApprovedWork(context, waiting, approval.digest, needs);
  if (approved?.ok === false) return askAgain(context, waiting, approved.reason);
  const grounds = await lookForGrounds(context, waiting);
  if (!grounds.ok) return failTask(context, waiting, grounds.errorClass, grounds.reason);
  if (approval === null && waiting.state.status === 'queued') {
    const objective = await saveObjective(context, waiting, grounds);
    if (!objective.ok) return failTask(context, waiting, objective.errorClass, objective.reason);
  }
  activity.stages.end('grounds');
  const ready = await meetPreconditions(context, waiting, grounds, needs, activity, leave);
  if (ready === null) return;
  activity.stages.end('preconditions');
  const { enforced } = effectiveBudget(context.config, waiting);
  const [acquired, prepared] = await Promise.allSettled([
    context.pool.acquire(needs.profile, waiting.workspace, enforced).finally(() => activity.stages.end('sandbox')),
    prepare(context, ready, grounds, needs, approved).finally(() => activity.stages.end('packet')),
  ]);
  const unusable = prepared.status === 'fulfilled' && !prepared.value.ok ? prepared.value : null;
  if (acquired.status === 'rejected') {
    if (unusable === null || !mayStillBegin(context, ready, activity)) throw acquired.reason;
    return failUnprepared(context, ready, unusable);
  }
  await useSlot(context, acquired.value, leave, async () => {
    if (!mayStillBegin(context, ready, activity)) return;
    if (prepared.status === 'rejected') throw prepared.reason;
    const assigned = prepared.value;
    if (!assigned.ok) return failUnprepared(context, ready, assigned);
    await tellCheckpoint(context, ready, 'start');
    const record = await begin(context, ready, grounds, needs, approved?.plan ?? null, acquired.value);
    activity.stages.end('journal');
    const given = { needs, approved, begun: { grounds, assigned } };
    await continueRun(context, record, given, acquired.value, activity, leave);
  });
}

/** What its sandbox will be given; made while a sandbox is being had, which may take ten times as long. */
async function prepare(
  context: Context,
  ready: TaskRecord,
  grounds: Grounds,
  needs: Needs,
  approved: Approved | null,
): Promise<Assigned | Unusable> {
  const record = { ...ready, attempts: attemptOf(ready) };
  const [assigned] = await allEnded([
    makeAssignment(context, record, grounds, { mode: 'run', approved, ...needs }),
    pinBases(ready, grounds),
  ]);
  return assigned;
}

/** Its preconditions may have been checked: what they said lies with the attempt that it would have been. */
function failUnprepared(context: Context, ready: TaskRecord, { errorClass, reason }: Unusable): Promise<void> {
  return failTask(context, ready, errorClass, reason, undefined, null, { attempts: attemptOf(ready) });
}

/**
 * Checks what must hold before the work begins, on exactly the commits that it begins at. Returns the task as it waits then, or
 * null when it does not begin now.
 */
async function meetPreconditions(
  context: Context,
  waiting: TaskRecord,
  grounds: Grounds,
  needs: Needs,
  activity: Activity,
  leave: AbortSignal,
): Promise<TaskRecord | null> {
  const conditions = grounds.file.header.preconditions ?? [];
  if (conditions.length === 0) return waiting;
  await pinBases(waiting, grounds);
  if (!mayStillBegin(context, waiting, activity)) return null;
  await context.tasks.wait(waiting.id, null, 'its preconditions are being checked');
  const checking = context.tasks.get(waiting.id) ?? waiting;
  const attempts = attemptOf(waiting);
  const record = { ...checking, attempts };
  const commits = grounds.sources.map(({ repository, base }) => ({ repository, head: base.head }));
  const purpose = 'preconditions' as const;
  const parts = { conditions, commits, purpose };
  const checked = await checkConditions(context, record, parts, needs.profile, activity, leave);
  // Out of time is an answer of the conditions' own: it would be the same the next time.
  const isLate = activity.reason === 'timeout';
  if (!isLate && !mayStillBegin(context, checking, activity)) return null;
  if (!checked.ok) {
    const { errorClass, reason } = checked;
    const isLost = errorClass === 'sandbox_lost' && !isLate;
    // Nothing is known of them then: they are checked once more.
    if (isLost && (await mayCheckAgain(context, checking, purpose, reason))) return null;
    await failTask(context, checking, errorClass, reason, undefined, null, { attempts });
    return null;
  }
  const folder = context.layout.attempt(record);
  await makeFolder(folder);
  await writeFileAtomic(join(folder, preconditionsFile), JSON.stringify(checked.verification.checks));
  if (checked.verification.status === 'verified') return checking;
  const reason = `not begun, for a precondition does not hold: ${failedChecks(checked.verification)}`;
  await failTask(context, checking, 'precondition_failed', reason, undefined, null, { attempts });
  return null;
}

/** An approved task runs in the attempt that planned it; every other start is an attempt of its own. */
function attemptOf(waiting: TaskRecord): number {
  return waiting.state.status === 'approved' ? waiting.attempts : waiting.attempts + 1;
}

async function begin(
  context: Context,
  waiting: TaskRecord,
  grounds: Grounds,
  needs: Needs,
  plan: string | null,
  slot: Slot,
): Promise<TaskRecord> {
  const { prompts } = context.config;
  const attempt = attemptOf(waiting);
  if (plan !== null) await keepPlan(context, { ...waiting, attempts: attempt }, plan);
  return context.tasks.transition(
    waiting.id,
    {
      status: 'running',
      since: context.now().toISOString(),
      reason: `running with ${needs.model.name}`,
      attempt,
      slot: slot.id,
      approval: approvalOf(waiting),
    },
    {
      event: 'task_started',
      phase: 'run',
      agent_role: 'coder',
      tool: waiting.tool,
      mode: 'batch',
      summary: `attempt ${attempt} with ${describeModel(needs.model)}, in ${needs.profile.runtime}`,
      data: {
        sandbox: slot.id,
        bases: basesOf(grounds),
        prompts: { plan: prompts.plan.digest, run: prompts.run.digest },
      },
    },
    { attempts: attempt, bases: basesOf(grounds), model: needs.model },
  );
}

/** What a run goes by. */
type Given = {
  readonly needs: Needs;
  /** Null when the task needs no approval; `only-resume` when what was approved is not what would be sent now. */
  readonly approved: Approved | 'only-resume' | null;
  /** As the run was begun on it; null where it is to be looked up. */
  readonly begun: { readonly grounds: Grounds; readonly assigned: Assigned } | null;
};

/** The part of a run that a restarted runner takes up again. */
export async function continueRun(
  context: Context,
  record: TaskRecord,
  given: Given,
  slot: Slot,
  activity: Activity,
  leave: AbortSignal,
): Promise<void> {
  await holdOn(context, record, slot, leave, () => endRun(context, record, given, slot, activity, leave));
}

async function endRun(
  context: Context,
  record: TaskRecord,
  { needs, approved, begun }: Given,
  slot: Slot,
  activity: Activity,
  leave: AbortSignal,
): Promise<void> {
  const grounds = begun?.grounds ?? (await findGrounds(context, record));
  if (!grounds.ok) return failTask(context, record, grounds.errorClass, grounds.reason);
  const texts = approved === 'only-resume' ? null : approved;
  const assigned =
    begun?.assigned ?? (await makeAssignment(context, record, grounds, { mode: 'run', approved: texts, ...needs }));
  if (!assigned.ok) return failTask(context, record, assigned.errorClass, assigned.reason);
  const mayAssign = approved !== 'only-resume';
  const outcome = await talk(
    context,
    record,
    slot,
    { ...assigned, mayAssign, purpose: 'run', since: record.state.since },
    activity,
    leave,
  );
  if (!(await endEarly(context, record, outcome, activity)) && outcome.ok)
    await finishRun(context, record, grounds, outcome.delivery, activity, leave);
  if (outcome.ok) await outcome.acknowledge();
  await rm(join(context.layout.attempt(record), 'incoming'), { recursive: true, force: true });
}

/** The approval under which a task runs, if it needs one; an interrupted run is covered by the one already spent. */
export function approvalOf(record: TaskRecord): Approval | null {
  const { state } = record;
  return state.status === 'approved' || state.status === 'running' || state.status === 'interrupted'
    ? (state.approval ?? null)
    : null;
}

/** Every attempt has the plan that it follows, so that a restarted runner finds it. */
async function keepPlan(context: Context, record: TaskRecord, plan: string): Promise<void> {
  const folder = context.layout.attempt(record);
  await makeFolder(folder);
  await writeFileAtomic(join(folder, 'plan.md'), plan);
}

async function askAgain(context: Context, record: TaskRecord, reason: string): Promise<void> {
  await context.tasks.transition(
    record.id,
    { status: 'queued', since: context.now().toISOString(), reason: `the approval is void: ${reason}` },
    { event: 'task_requeued', phase: 'gate', agent_role: 'runner', summary: `the approval is void: ${reason}` },
    { bases: null },
  );
}
