import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TaskFrame } from '@countersign/contracts/frames.ts';
import type { Profile } from '@countersign/contracts/launcher-api.ts';
import type { MergeRefusal } from '@countersign/contracts/merge.ts';
import type { TaskFile } from '@countersign/contracts/task-file/parse.ts';
import type { Base, Result, TaskRecord } from '@countersign/contracts/task-record.ts';
import { isMissing } from '@countersign/kit/files.ts';
import type { Context } from '../context.ts';
import { GitError } from '../git/git.ts';
import { rebasePack } from '../git/rebase-pack.ts';
import { findBase, pinBase } from '../git/repository.ts';
import type { Assignment, ExchangeOutcome } from '../sandbox/exchange.ts';
import { frameWithoutModel } from '../sandbox/frame-without-model.ts';
import { type Activity, isCancelled, talk } from './attempt.ts';
import { cancelTask } from './cancel-task.ts';
import { concludeWork } from './conclude-work.ts';
import { findGrounds, type Grounds, type Source, type Unusable } from './grounds.ts';
import { agentHandoffFile } from './hand-off.ts';
import { importResults } from './import-results.ts';
import { refuseTooLarge } from './pack-sources.ts';
import { useSlot } from './use-slot.ts';

type Rebasing = TaskRecord & { readonly state: { readonly status: 'rebasing' } };

export function isRebasing(record: TaskRecord): record is Rebasing {
  return record.state.status === 'rebasing';
}

/**
 * Carries a result over to where its branches are now, in a sandbox without a model. What comes of it is a result like any other:
 * checked, verified and shown anew. Where it cannot be carried over, the old result stays as it was. Begins anew when interrupted.
 */
export async function rebaseTask(
  context: Context,
  record: Rebasing,
  profile: Profile,
  activity: Activity,
  leave: AbortSignal,
): Promise<void> {
  const { result } = record.state;
  const grounds = await findGrounds(context, record);
  if (!grounds.ok) return goBack(context, record, 'conflict', result.repositories[0]?.name, grounds.reason);
  const prepared = await prepareRebase(context, record, grounds, profile).catch((error: unknown) => {
    if (!(error instanceof GitError)) throw error;
    return { ok: false as const, reason: error.message };
  });
  if (!prepared.ok) return goBack(context, record, 'conflict', result.repositories[0]?.name, prepared.reason);
  const slot = await context.pool.acquireWithoutModel(profile, record.workspace);
  const since = context.now().toISOString();
  await useSlot(context, slot, leave, async () => {
    const { assignment } = prepared;
    const outcome = await talk(
      context,
      record,
      slot,
      { assignment, mayAssign: true, purpose: 'rebase', since },
      activity,
      leave,
    );
    await takeRebased(context, record, prepared.sources, grounds.file, outcome, activity, leave);
    if (outcome.ok) await outcome.acknowledge();
  });
  const attempt = context.layout.attempt(record);
  for (const name of ['incoming', 'rebase']) await rm(join(attempt, name), { recursive: true, force: true });
}

type Prepared = { readonly ok: true; readonly assignment: Assignment; readonly sources: readonly Source[] };

async function prepareRebase(
  context: Context,
  record: Rebasing,
  grounds: Grounds,
  profile: Profile,
): Promise<Prepared | Unusable | { readonly ok: false; readonly reason: string }> {
  const sources: Source[] = [];
  for (const { repository, base } of grounds.sources) {
    const now = await findBase(repository, base.branch);
    if (!now.ok) return now;
    await pinBase(repository, record.run, record.id, now.value.head);
    sources.push({ repository, base: { repository: repository.name, ...now.value } });
  }
  const commits = sources.map(({ repository, base }) => ({ repository, head: base.head }));
  const tooLarge = await refuseTooLarge(commits, profile);
  if (tooLarge !== null) return tooLarge;
  const packs = [];
  const repositories: TaskFrame['repositories'][number][] = [];
  for (const [index, { repository, base }] of sources.entries()) {
    const from = grounds.sources[index]?.base.head ?? base.head;
    const head = record.state.result.repositories.find(({ name }) => name === repository.name)?.head ?? from;
    const folder = join(context.layout.attempt(record), 'rebase');
    const pack = await rebasePack(folder, repository, { from, head, onto: base.head });
    packs.push(pack);
    repositories.push({
      name: repository.name,
      base_head: base.head,
      pack: { bytes: pack.bytes, sha256: pack.sha256 },
      rebase: { from, head },
    });
  }
  const task = frameWithoutModel({ task: record.id, mode: 'rebase', repositories });
  return { ok: true, assignment: { task, texts: [], packs }, sources };
}

async function takeRebased(
  context: Context,
  record: Rebasing,
  sources: readonly Source[],
  file: TaskFile,
  outcome: ExchangeOutcome,
  activity: Activity,
  leave: AbortSignal,
): Promise<void> {
  if (isCancelled(activity)) return cancelTask(context, record);
  const first = record.state.result.repositories[0]?.name;
  if (!outcome.ok) return goBack(context, record, 'moved', first, `it was not carried over: ${outcome.reason}`);
  const { delivery } = outcome;
  const { end } = delivery;
  if (end.reason !== 'finished') {
    const said = JSON.stringify(end.message);
    return end.error_class === 'rebase_conflict'
      ? goBack(
          context,
          record,
          'conflict',
          first,
          `the work does not fit to where the branch is now: ${said}; drop the task anew`,
        )
      : goBack(context, record, 'moved', first, `it was not carried over: ${said}`);
  }
  // Under a name of its own: the old result stays where it is, whatever comes of this.
  const place = { sources, ref: `refs/agentic/${record.run}/${record.id}@${record.attempts}` };
  const imported = await context.imports.run(() => importResults(context, record, place, delivery, leave));
  if (!imported.ok) return goBack(context, record, 'conflict', first, `the result was refused: ${imported.reason}`);
  // The agent's words on the work go with it.
  const before = join(context.layout.attempt(record, record.state.result.attempt), agentHandoffFile);
  await copyFile(before, join(context.layout.attempt(record), agentHandoffFile)).catch((error: unknown) => {
    if (!isMissing(error)) throw error;
  });
  const bases = sources.map(({ base }) => base);
  await conclude(context, record, file, imported.result, bases);
}

async function conclude(
  context: Context,
  record: Rebasing,
  file: TaskFile,
  result: Result | null,
  bases: readonly Base[],
): Promise<void> {
  await context.tasks.note(record.id, {
    event: 'rebase_ended',
    phase: 'review',
    agent_role: 'runner',
    mode: 'rebase',
    summary:
      result === null
        ? 'the branches hold the change already'
        : `carried over to ${bases.map(({ repository, head }) => `${repository} ${head.slice(0, 12)}`).join(', ')}`,
    ...(result === null ? {} : { data: { digest: result.digest } }),
  });
  // Result and bases change in one step: one without the other would be a result that does not begin at its base.
  const changes = { bases: [...bases], interruptions: 0 };
  const conditions = file.header.postconditions?.length ?? 0;
  if (conditions === 0) {
    const work = { result, verification: { status: 'unverified' as const } };
    return concludeWork(context, record, file, work, {}, changes);
  }
  await context.tasks.transition(
    record.id,
    {
      status: 'verifying',
      since: context.now().toISOString(),
      reason: 'carried over; its postconditions are to be checked anew',
      attempt: record.attempts,
      result,
    },
    { event: 'verification_started', phase: 'verify', agent_role: 'runner', summary: 'checked anew after the rebase' },
    changes,
  );
}

/** Back to review with what there was; the old result, its diff and its approval's digest are untouched. */
async function goBack(
  context: Context,
  record: Rebasing,
  code: MergeRefusal['code'],
  repository: string | undefined,
  message: string,
): Promise<void> {
  const refusal = { code, repository: repository ?? record.workspace, message: message.slice(0, 1_000), names: [] };
  await context.tasks.transition(
    record.id,
    {
      status: 'review',
      since: context.now().toISOString(),
      reason: `not carried over: ${message}`.slice(0, 2_000),
      result: record.state.result,
      refusals: [refusal],
    },
    {
      event: 'rebase_ended',
      phase: 'review',
      agent_role: 'runner',
      mode: 'rebase',
      summary: `not carried over: ${message}`.slice(0, 4_000),
      data: { codes: [code] },
    },
  );
}
