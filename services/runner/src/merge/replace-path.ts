import { lstat, rename, rmdir } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { exists } from '@countersign/kit/files.ts';
import { isSide } from './blob.ts';
import type { Change } from './changes.ts';
import type { MergeTarget } from './merge-target.ts';
import { putInPlace } from './put-in-place.ts';
import { reachFolder } from './reach-folder.ts';
import { storeFolder } from './store.ts';

export type Step = (step: string) => Promise<void>;

/**
 * Changes one path of the work tree. What was there is moved into the store and looked at there, where nobody else finds it by
 * its name; the new content is put in place only if nothing has appeared there meanwhile.
 * @param index the change's number, which names its files in the store
 * @returns false when the path holds something of somebody's: whatever was moved has been put back or is in the store
 */
export async function replacePath(
  target: MergeTarget,
  change: Change,
  index: number,
  fileMode: boolean,
  at: Step,
): Promise<boolean> {
  const root = target.repository.folder;
  const folder = await reachFolder(root, posix.dirname(change.path), { make: change.new !== null });
  if (folder === null) return false;
  try {
    const place = join(folder.path, posix.basename(change.path));
    const old = join(storeFolder(target), 'old', `${index}`);
    const next = join(storeFolder(target), 'new', `${index}`);
    if (change.old !== null) {
      if (!(await exists(place)) || (await lstat(place)).isDirectory()) return false;
      await rename(place, old);
      await at(`aside ${target.repository.name} ${index}`);
      if (!(await isSide(old, change.old, fileMode))) return false;
    }
    if (change.new !== null && !(await putInPlace(next, place))) return false;
    await at(`placed ${target.repository.name} ${index}`);
    return true;
  } finally {
    await folder.close();
  }
}

/** Removes the folders above a path that have become empty, except those in `needed`. Never more than an empty folder goes. */
export async function removeEmptyFolders(root: string, path: string, needed: ReadonlySet<string>): Promise<void> {
  for (let part = posix.dirname(path); part !== '.' && !needed.has(part); part = posix.dirname(part)) {
    const parent = await reachFolder(root, posix.dirname(part));
    if (parent === null) return;
    try {
      await rmdir(join(parent.path, posix.basename(part)));
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : '';
      if (code === 'ENOTEMPTY' || code === 'EEXIST' || code === 'ENOTDIR') return;
      if (code !== 'ENOENT') throw error;
    } finally {
      await parent.close();
    }
  }
}

/** The folders above these paths. */
export function foldersAbove(paths: readonly string[]): ReadonlySet<string> {
  const folders = new Set<string>();
  for (const path of paths) {
    for (let part = posix.dirname(path); part !== '.' && !folders.has(part); part = posix.dirname(part))
      folders.add(part);
  }
  return folders;
}
