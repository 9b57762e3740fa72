import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Bundle, bundleDigest } from '@countersign/contracts/bundle.ts';
import { canonicalJson } from '@countersign/contracts/canonical-json.ts';
import { describeModel } from '@countersign/contracts/model-text.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { sha256 } from '@countersign/kit/digest.ts';
import { writeFileAtomic } from '@countersign/kit/files.ts';
import { toolDigest } from '../config.ts';
import type { Context } from '../context.ts';
import { bundleRepositories } from '../gate/approved-work.ts';
import type { ExchangeOutcome } from '../sandbox/exchange.ts';
import type { Slot } from '../sandbox/slot.ts';
import { makeAssignment, saveObjective } from './assignment.ts';
import { type Activity, mayStillBegin, talk } from './attempt.ts';
import type { Needs } from './dependencies.ts';
import { effectiveBudget } from './effective-budget.ts';
import { completionOf, endEarly, failTask, saidBySandbox } from './end-task.ts';
import { budgetClass, describeExcess } from './excess.ts';
import { basesOf, findGrounds, type Grounds } from './grounds.ts';
import { handOff } from './hand-off.ts';
import { holdOn } from './hold-on.ts';
import { useSlot } from './use-slot.ts';

/** Has a task planned in a sandbox that can only read, then asks for approval; `action: plan` ends with the plan. */
export async function planTask(
  context: Context,
  queued: TaskRecord,
  needs: Needs,
  activity: Activity,
  leave: AbortSignal,
): Promise<void> {
  const grounds = await findGrounds(context, { ...queued, bases: null });
  if (!grounds.ok) return failTask(context, queued, grounds.errorClass, grounds.reason);
  const objective = await saveObjective(context, queued, grounds);
  if (!objective.ok) return failTask(context, queued, objective.errorClass, objective.reason);
  activity.stages.end('grounds');
  const { enforced } = effectiveBudget(context.config, queued);
  const slot = await context.pool.acquire(needs.profile, queued.workspace, enforced);
  activity.stages.end('sandbox');
  await useSlot(context, slot, leave, async () => {
    if (!mayStillBegin(context, queued, activity)) return;
    const record = await context.tasks.transition(
      queued.id,
      {
        status: 'planning',
        since: context.now().toISOString(),
        reason: 'the model is making the plan',
        attempt: queued.attempts + 1,
        slot: slot.id,
      },
      {
        event: 'planning_started',
        phase: 'plan',
        agent_role: 'planner',
        tool: queued.tool,
        mode: 'plan',
        summary: `planning with ${describeModel(needs.model)}`,
      },
      { attempts: queued.attempts + 1, bases: basesOf(grounds), model: needs.model },
    );
    activity.stages.end('journal');
    await continuePlan(context, record, needs, grounds, slot, activity, leave);
  });
}

/** The part of planning that a restarted runner takes up again. @param known as it was begun on them; null where they are to be looked up */
export async function continuePlan(
  context: Context,
  record: TaskRecord,
  needs: Needs,
  known: Grounds | null,
  slot: Slot,
  activity: Activity,
  leave: AbortSignal,
): Promise<void> {
  await holdOn(context, record, slot, leave, () => makePlan(context, record, needs, known, slot, activity, leave));
}

async function makePlan(
  context: Context,
  record: TaskRecord,
  needs: Needs,
  known: Grounds | null,
  slot: Slot,
  activity: Activity,
  leave: AbortSignal,
): Promise<void> {
  const grounds = known ?? (await findGrounds(context, record));
  const assigned = grounds.ok
    ? await makeAssignment(context, record, grounds, { mode: 'plan', approved: null, ...needs })
    : grounds;
  if (!assigned.ok) return failTask(context, record, assigned.errorClass, assigned.reason);
  activity.stages.end('packet');
  const outcome = await talk(
    context,
    record,
    slot,
    { ...assigned, mayAssign: true, purpose: 'plan', since: record.state.since },
    activity,
    leave,
  );
  await endPlanning(context, record, needs, outcome, activity);
  if (outcome.ok) await outcome.acknowledge();
}

async function endPlanning(
  context: Context,
  record: TaskRecord,
  needs: Needs,
  outcome: ExchangeOutcome,
  activity: Activity,
): Promise<void> {
  if (await endEarly(context, record, outcome, activity)) return;
  if (!outcome.ok) return;
  const { end, plan } = outcome.delivery;
  if (activity.excess !== null)
    return failTask(context, record, budgetClass(activity.excess), describeExcess(activity.excess), end);
  if (activity.reason === 'timeout')
    return failTask(context, record, 'timeout', `not planned within ${record.timeout_sec} s`, end);
  if (end.reason !== 'finished' || end.exit_code !== 0)
    return failTask(context, record, end.error_class ?? 'tool_failed', saidBySandbox(end), end);
  if (plan === null || plan.trim() === '')
    return failTask(context, record, 'plan_missing', 'the model made no plan', end);
  await writeFileAtomic(join(context.layout.attempt(record), 'plan.md'), plan);
  const completion = completionOf(context, record, end, 'plan');
  const since = context.now().toISOString();
  if (record.action === 'plan') {
    await handOff(
      context,
      record,
      {
        status: 'done',
        since,
        reason: 'planned',
        result: null,
        merged: null,
        verification: { status: 'unverified' },
      },
      { event: 'task_ended', phase: 'plan', agent_role: 'planner', summary: 'the plan is made', ...completion },
    );
    return;
  }
  const bundle = await makeBundle(context, record, needs, plan);
  const digest = bundleDigest(bundle);
  await writeFileAtomic(join(context.layout.task(record.run, record.id), 'bundle.json'), canonicalJson(bundle));
  await context.tasks.transition(
    record.id,
    {
      status: 'pending',
      since,
      reason: `waits for approval of ${digest.slice(0, 8)}`,
      digest,
      expires_at: bundle.expires_at,
    },
    {
      event: 'approval_requested',
      phase: 'gate',
      agent_role: 'runner',
      summary: `approval of ${digest.slice(0, 8)} asked for`,
      data: { digest },
      ...completion,
    },
  );
}

async function makeBundle(context: Context, record: TaskRecord, needs: Needs, plan: string): Promise<Bundle> {
  const now = context.now();
  const hours = context.config.stages.stages[record.stage]?.approval_hours ?? 1;
  if (record.bases === null) throw new Error('a planned task has its bases');
  const grounds = await findGrounds(context, record);
  const fromSpec = grounds.ok && grounds.file.body === '';
  return {
    version: 1,
    task: record.id,
    run: record.run,
    file: record.dropped_as,
    task_file: record.task_file,
    spec: fromSpec ? sha256(await readFile(join(context.layout.task(record.run, record.id), 'objective.md'))) : null,
    plan: sha256(plan),
    workspace: record.workspace,
    stage: record.stage,
    repositories: bundleRepositories(record.bases),
    tool: { name: record.tool, definition: toolDigest(context.config, record.tool) },
    model: { kind: needs.model.kind, name: needs.model.name },
    sandbox: { profile: needs.profile.name, definition: needs.profile.definition, image: needs.profile.image },
    prompts: { plan: context.config.prompts.plan.digest, run: context.config.prompts.run.digest },
    policy: context.config.policyDigest,
    timeout_sec: record.timeout_sec,
    nonce: randomBytes(16).toString('hex'),
    requested_at: now.toISOString(),
    expires_at: new Date(now.getTime() + hours * 3_600_000).toISOString(),
  };
}
