import { posix } from 'node:path';
import type { MergeRefusal } from '@countersign/contracts/merge.ts';
import type { Change } from './changes.ts';
import type { MergeTarget } from './merge-target.ts';
import { reachFolder } from './reach-folder.ts';
import { hostGit, refusal } from './refusal.ts';
import { foldersAbove, removeEmptyFolders, replacePath, type Step } from './replace-path.ts';
import { markFollows } from './store.ts';

/** Brings all changed paths of a work tree from base to head; refused as `dirty` at the first that is somebody's. */
export async function changeWorkTree(
  target: MergeTarget,
  changes: readonly Change[],
  fileMode: boolean,
  at: Step,
): Promise<readonly MergeRefusal[]> {
  await markFollows(target);
  const needed = foldersAbove(changes.flatMap(({ path, new: side }) => (side === null ? [] : [path])));
  for (const [index, change] of changes.entries()) {
    if (!(await replacePath(target, change, index, fileMode, at))) {
      const mend = `${hostGit(target, 'status')}, then merging again`;
      return [refusal(target, 'dirty', 'a file was changed during the merge', mend, [change.path])];
    }
    if (change.new === null) await removeEmptyFolders(target.repository.folder, change.path, needed);
  }
  for (const folder of new Set(changes.map(({ path }) => posix.dirname(path)))) await syncIfThere(target, folder);
  return [];
}

/** The new names in a folder are durable before the branch moves. */
async function syncIfThere(target: MergeTarget, folder: string): Promise<void> {
  const reached = await reachFolder(target.repository.folder, folder);
  await reached?.sync();
  await reached?.close();
}
