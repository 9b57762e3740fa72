import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { resultLimits } from '@countersign/contracts/limits.ts';
import type { Result, TaskRecord } from '@countersign/contracts/task-record.ts';
import type { Context } from '../context.ts';
import { GitError } from '../git/git.ts';
import { adoptResult, type Quarantine, quarantineResult } from '../git/import-result.ts';
import { type SavedDiff, saveDiff, saveDiffIndex } from '../git/save-diff.ts';
import type { Delivery } from '../sandbox/exchange.ts';
import type { Source } from './grounds.ts';

/** Of a result whose conditions nobody has looked at yet. */
export type Imported =
  | { readonly ok: true; readonly result: Result | null }
  | { readonly ok: false; readonly reason: string };
type Checked = { readonly source: Source; readonly quarantine: Quarantine; readonly diff: SavedDiff };

/**
 * Takes in what a sandbox made, per repository: each is checked in a quarantine and its diff saved, and only when all of them
 * are good do commits enter the operator's repositories, under a ref of ours. Safe to repeat from the start.
 */
export async function importResults(
  context: Context,
  record: TaskRecord,
  { sources, ref }: { readonly sources: readonly Source[]; readonly ref: string },
  delivery: Delivery,
  leave: AbortSignal,
): Promise<Imported> {
  const folder = context.layout.attempt(record);
  const scratch = join(folder, 'quarantine');
  const diffs = join(folder, 'diffs');
  const signal = AbortSignal.any([leave, AbortSignal.timeout(resultLimits.importMs)]);
  const seen = new Set<number>();
  const checked: Checked[] = [];
  try {
    for (const { repository: index, head } of delivery.end.bundles) {
      const source = sources[index];
      if (source === undefined || seen.has(index))
        return refuse('a result for a repository that the task does not have');
      seen.add(index);
      const { repository, base } = source;
      const place = join(scratch, String(index));
      const quarantine = await quarantineResult(place, delivery.bundlePath(index), repository, base.head, signal);
      if (!quarantine.ok) return refuse(`${repository.name}: ${quarantine.reason}`);
      if (quarantine.tip !== head) return refuse(`${repository.name}: the bundle holds another commit than announced`);
      const { name } = repository;
      const diff = await saveDiff(quarantine.folder, diffs, name, base.branch, base.head, quarantine.tip, signal);
      checked.push({ source, quarantine, diff });
    }
    const changed = checked.filter(({ diff }) => diff.files > 0);
    if (changed.length === 0) return { ok: true, result: null };
    for (const { source, quarantine } of changed) await adoptResult(quarantine, source.repository, ref, signal);
    const digest = await saveDiffIndex(
      diffs,
      changed.map(({ diff }) => diff),
    );
    const repositories = changed.map(({ diff }) => {
      const { name, branch, base_head, head, files, insertions, deletions, flags } = diff;
      return { name, branch, base_head, head, ref, files, insertions, deletions, flags: [...flags] };
    });
    const verification = { status: 'unverified' as const };
    return { ok: true, result: { repositories, attempt: record.attempts, digest, verification } };
  } catch (error) {
    if (leave.aborted || !(error instanceof GitError)) throw error;
    return refuse(error.message);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

/** What was changed, in one line per repository. */
export function describeResult(result: Result): string {
  return result.repositories
    .map(
      ({ name, files, insertions, deletions }) =>
        `${name}: ${files} ${files === 1 ? 'file' : 'files'}, +${insertions} -${deletions}`,
    )
    .join('; ');
}

function refuse(reason: string): Imported {
  return { ok: false, reason };
}
