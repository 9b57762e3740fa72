import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DiffIndex } from '@countersign/contracts/diff-index.ts';
import type { MergeRefusal } from '@countersign/contracts/merge.ts';
import { maximumRefusals, type Result, type TaskRecord } from '@countersign/contracts/task-record.ts';
import { sha256, sha256OfFile } from '@countersign/kit/digest.ts';
import { exists, isMissing, makeFolder } from '@countersign/kit/files.ts';
import type { Context } from '../context.ts';
import { refuseByPolicy, refuseProtected } from '../gate/may-merge.ts';
import type { MergeTarget } from '../merge/merge-target.ts';
import { mergeTargets } from '../merge/merge-targets.ts';
import { recoverMerge } from '../merge/recover-merge.ts';
import { cancelTask, isBeingCancelled } from './cancel-task.ts';
import { findGrounds } from './grounds.ts';
import { handOff } from './hand-off.ts';
import { describeResult } from './import-results.ts';

type Merging = TaskRecord & { readonly state: { readonly status: 'merging' } };

export function isMerging(record: TaskRecord): record is Merging {
  return record.state.status === 'merging';
}

/**
 * Merges an approved result into all of its branches, or into none. The intent is in the journal before this begins; what a death
 * left of it is carried to its end, or taken back, before anything else.
 */
export async function mergeTask(context: Context, record: Merging): Promise<void> {
  const { result, approval } = record.state;
  const scratch = join(context.layout.attempt(record, result.attempt), 'merge');
  const found = await findTargets(context, record);
  const kept: string[] = [];
  const tell = (path: string) => kept.push(path);
  const begunBefore = await exists(scratch);
  if (!found.ok) {
    // What was begun is ended first, however long somebody takes to bring the repository back.
    if (begunBefore) throw new Error(`a merge was begun and cannot be ended: ${found.refusal.message}`);
    return goBack(context, record, [found.refusal], kept);
  }
  if (!begunBefore || (await recoverMerge(found.targets, scratch, { tell })) === 'not-merged') {
    if (isBeingCancelled(context, record)) {
      await rm(scratch, { recursive: true, force: true });
      return cancelMerge(context, record, kept);
    }
    const refusals = [
      ...refuseByPolicy(context.config.stages, record, result, approval),
      ...refuseProtected(context.config.stages, record, result, approval),
      ...(await refuseChangedSnapshot(join(context.layout.attempt(record, result.attempt), 'diffs'), result)),
    ];
    if (refusals.length > 0) {
      await rm(scratch, { recursive: true, force: true });
      return goBack(context, record, refusals, kept);
    }
    // What it tells of a merge under way is to be found again by whoever finds the merge.
    await makeFolder(scratch);
    const merged = await mergeTargets(found.targets, scratch);
    kept.push(...merged.kept);
    if (!merged.ok) {
      await rm(scratch, { recursive: true, force: true });
      return goBack(context, record, merged.refusals, kept);
    }
  }
  const said = `merged into ${result.repositories.map(({ name, branch }) => `${name} ${branch}`).join(', ')}`;
  await handOff(
    context,
    record,
    {
      status: 'done',
      since: context.now().toISOString(),
      reason: said.slice(0, 2_000),
      result,
      merged: approval,
      verification: result.verification,
    },
    {
      event: 'merge_ended',
      phase: 'merge',
      agent_role: 'runner',
      summary: `${said}: ${describeResult(result)}${describeKept(kept)}`.slice(0, 4_000),
      data: { digest: result.digest },
    },
  );
  await rm(scratch, { recursive: true, force: true });
}

async function findTargets(
  context: Context,
  record: Merging,
): Promise<{ ok: true; targets: readonly MergeTarget[] } | { ok: false; refusal: MergeRefusal }> {
  const { repositories } = record.state.result;
  const refuse = (repository: string, message: string) => ({
    ok: false as const,
    refusal: { code: 'no-snapshot' as const, repository, message: message.slice(0, 1_000), names: [] },
  });
  const grounds = await findGrounds(context, record);
  if (!grounds.ok) return refuse(repositories[0]?.name ?? record.workspace, grounds.reason);
  const targets: MergeTarget[] = [];
  for (const { name, branch, base_head: base, head } of repositories) {
    const source = grounds.sources.find(({ repository }) => repository.name === name);
    if (source === undefined) return refuse(name, `${name} is no repository of workspace ${record.workspace} any more`);
    targets.push({ repository: source.repository, branch, base, head });
  }
  return { ok: true, targets };
}

/** Whether the saved diff is still what the digest names: what was looked at is what is merged. */
async function refuseChangedSnapshot(diffs: string, result: Result): Promise<readonly MergeRefusal[]> {
  const refuse = (repository: string, what: string): readonly MergeRefusal[] => [
    {
      code: 'no-snapshot',
      repository,
      message: `${what}; the work can be made anew by dropping the task's file again`,
      names: [],
    },
  ];
  const first = result.repositories[0]?.name ?? 'unknown';
  try {
    const bytes = await readFile(join(diffs, 'index.json'));
    if (sha256(bytes) !== result.digest) return refuse(first, 'the saved diff is not the one of its digest');
    for (const { name, patch } of DiffIndex.parse(JSON.parse(bytes.toString('utf8'))).repositories)
      if ((await sha256OfFile(join(diffs, patch.file))) !== patch.sha256)
        return refuse(name, `the saved patch ${patch.file} was changed`);
    return [];
  } catch (error) {
    if (isMissing(error)) return refuse(first, 'the saved diff is gone');
    throw error;
  }
}

/** What a record holds of a refusal: a line of a journal has its limit, and there may be many. */
const shownNames = 5;
const nameCharacters = 120;
const messageCharacters = 500;

function shorten(refusal: MergeRefusal): MergeRefusal {
  return {
    ...refusal,
    message: refusal.message.slice(0, messageCharacters).toWellFormed(),
    names: refusal.names.slice(0, shownNames).map((name) => name.slice(0, nameCharacters).toWellFormed()),
  };
}

/** Nothing that a person wrote while we were writing is lost: where it lies is told. */
function describeKept(kept: readonly string[]): string {
  return kept.length === 0
    ? ''
    : `; written by somebody meanwhile and kept: ${kept.map((path) => JSON.stringify(path)).join(', ')}`;
}

async function goBack(
  context: Context,
  record: Merging,
  refusals: readonly MergeRefusal[],
  kept: readonly string[],
): Promise<void> {
  const why = refusals.map(({ code, repository, message }) => `${code}: ${repository}: ${message}`).join('; ');
  await review(context, record, refusals, why + describeKept(kept));
}

/** Cancelled while it was handed over to its merge, of which nothing was begun: it goes back first, for a merge is ended as a whole. */
async function cancelMerge(context: Context, record: Merging, kept: readonly string[]): Promise<void> {
  await cancelTask(context, await review(context, record, [], `it is being cancelled${describeKept(kept)}`));
}

async function review(
  context: Context,
  record: Merging,
  refusals: readonly MergeRefusal[],
  said: string,
): Promise<TaskRecord> {
  const { result } = record.state;
  return await context.tasks.transition(
    record.id,
    {
      status: 'review',
      since: context.now().toISOString(),
      reason: `not merged: ${said}`.slice(0, 2_000),
      result,
      refusals: refusals.slice(0, maximumRefusals).map(shorten),
    },
    {
      event: 'merge_refused',
      phase: 'merge',
      agent_role: 'runner',
      summary: `not merged: ${said}`.slice(0, 4_000),
      data: { digest: result.digest, codes: refusals.map(({ code }) => code) },
    },
  );
}
