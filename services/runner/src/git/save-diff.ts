import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalJson } from '@countersign/contracts/canonical-json.ts';
import type { DiffFlag, DiffIndex, RepositoryDiff } from '@countersign/contracts/diff-index.ts';
import { resultLimits } from '@countersign/contracts/limits.ts';
import type { ObjectId, Sha256 } from '@countersign/contracts/names.ts';
import type { Result } from '@countersign/contracts/task-record.ts';
import { sha256, sha256OfFile } from '@countersign/kit/digest.ts';
import { makeFolder, writeFileAtomic } from '@countersign/kit/files.ts';
import { readChanges } from './diff-changes.ts';
import { listChanges } from './diff-index.ts';
import { git } from './git.ts';
import { setLargeFilesApart } from './large-files.ts';

/** What was saved of one repository. `index` is its entry in `index.json`; `flagged` files have flags, `flags` are all of theirs. */
export type SavedDiff = Omit<Result['repositories'][number], 'ref' | 'flags'> & {
  readonly flags: readonly DiffFlag[];
  readonly flagged: number;
  readonly patch: RepositoryDiff['patch'];
  readonly index: RepositoryDiff;
};

/** The patch and the list of files are made under the same ones, or they would not go together. */
const diffOptions = ['--no-ext-diff', '--no-textconv', '--no-color', '--find-renames'];

/** Writes `<repository>.patch` and returns what it holds. @throws GitError */
export async function saveDiff(
  quarantine: string,
  diffs: string,
  repository: string,
  branch: string,
  base: ObjectId,
  head: ObjectId,
  signal?: AbortSignal,
): Promise<SavedDiff> {
  await makeFolder(diffs);
  await setLargeFilesApart(quarantine, base, head);
  const path = join(diffs, `${repository}.patch`);
  await git(quarantine, ['diff', ...diffOptions, '--full-index', '--binary', base, head], {
    outputPath: path,
    maxBytes: resultLimits.patchBytes,
    signal,
  });
  const changes = await readChanges(quarantine, base, head, diffOptions, signal);
  const listing = await listChanges(quarantine, path, changes, signal);
  const { size } = await stat(path);
  const patch = { file: `${repository}.patch`, bytes: size, sha256: await sha256OfFile(path) };
  const { files, insertions, deletions, flagged } = listing.totals;
  const { flags } = listing;
  const about = { name: repository, branch, base_head: base, head, patch };
  return { ...about, files, insertions, deletions, flags, flagged, index: { ...about, ...listing } };
}

/** Writes `index.json`, whose digest a merge approval names. */
export async function saveDiffIndex(diffs: string, saved: readonly SavedDiff[]): Promise<Sha256> {
  const index: DiffIndex = { version: 1, repositories: saved.map((diff) => diff.index) };
  const text = canonicalJson(index);
  await writeFileAtomic(join(diffs, 'index.json'), text);
  return sha256(text);
}
