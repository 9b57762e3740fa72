import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalJson } from '@countersign/contracts/canonical-json.ts';
import { resultLimits } from '@countersign/contracts/limits.ts';
import type { ObjectId, Sha256 } from '@countersign/contracts/names.ts';
import type { Result } from '@countersign/contracts/task-record.ts';
import { sha256, sha256OfFile } from '@countersign/kit/digest.ts';
import { writeFileAtomic } from '@countersign/kit/files.ts';
import { git, gitLine } from './git.ts';
import { setLargeFilesApart } from './large-files.ts';

type Change = Omit<Result['repositories'][number], 'ref'>;
type SavedDiff = Change & { readonly patch: { readonly file: string; readonly sha256: Sha256 } };

const patchOptions = ['--no-ext-diff', '--no-textconv', '--no-color', '--full-index', '--binary', '--find-renames'];

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
  await mkdir(diffs, { recursive: true });
  await setLargeFilesApart(quarantine, base, head);
  const path = join(diffs, `${repository}.patch`);
  await git(quarantine, ['diff', ...patchOptions, base, head], {
    outputPath: path,
    maxBytes: resultLimits.patchBytes,
    signal,
  });
  const numstat = await gitLine(quarantine, [
    'diff',
    '--no-ext-diff',
    '--no-textconv',
    '--numstat',
    '--no-renames',
    '-z',
    base,
    head,
  ]);
  const counts = numstat.split('\0').flatMap((entry) => {
    const match = /^(\d+|-)\t(\d+|-)\t/.exec(entry);
    return match === null ? [] : [{ insertions: Number(match[1]) || 0, deletions: Number(match[2]) || 0 }];
  });
  return {
    name: repository,
    branch,
    base_head: base,
    head,
    files: counts.length,
    insertions: counts.reduce((sum, count) => sum + count.insertions, 0),
    deletions: counts.reduce((sum, count) => sum + count.deletions, 0),
    patch: { file: `${repository}.patch`, sha256: await sha256OfFile(path) },
  };
}

/** Writes `index.json`, whose digest a merge approval names. */
export async function saveDiffIndex(diffs: string, saved: readonly SavedDiff[]): Promise<Sha256> {
  const text = canonicalJson({ version: 1, repositories: saved });
  await writeFileAtomic(join(diffs, 'index.json'), text);
  return sha256(text);
}
