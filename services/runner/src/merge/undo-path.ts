import { lstat, readlink, rename, rm, unlink } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { exists, isMissing } from '@countersign/kit/files.ts';
import { isSide } from './blob.ts';
import type { Change, Side } from './changes.ts';
import { keepAside } from './keep-aside.ts';
import type { MergeTarget } from './merge-target.ts';
import { putInPlace } from './put-in-place.ts';
import { type Reached, reachFolder } from './reach-folder.ts';
import { storeFolder } from './store.ts';

/**
 * Takes one path of the work tree back to what it was, from wherever a merge was interrupted; safe to repeat. What somebody has
 * put there meanwhile stays, and what cannot be put back because of it is kept aside unless it is a commit's own content.
 * @returns where something was kept aside
 */
export async function undoPath(
  target: MergeTarget,
  change: Change,
  index: number,
  fileMode: boolean,
): Promise<readonly string[]> {
  const store = storeFolder(target);
  const old = join(store, 'old', `${index}`);
  const undone = join(store, 'undone', `${index}`);
  const kept: string[] = [];
  const hasOld = await exists(old);
  const folder = await reachFolder(target.repository.folder, posix.dirname(change.path), { make: hasOld });
  const place = folder === null ? null : join(folder.path, posix.basename(change.path));
  try {
    if (await exists(undone)) kept.push(...(await giveBack(target, change, undone, place, change.new, fileMode)));
    if (place !== null && change.new !== null && (await isPlaced(target, index, place, change.new, fileMode))) {
      await rename(place, undone);
      kept.push(...(await giveBack(target, change, undone, place, change.new, fileMode)));
    }
    // What was moved aside goes back as it is, looked at or not: it is what was there.
    if (hasOld && (place === null || !(await putInPlace(old, place))))
      kept.push(...(await dropOrKeep(target, change, old, change.old, fileMode)));
    await sync(folder);
    return kept;
  } finally {
    await folder?.close();
  }
}

/** Looks at every backup and drops those that are the base's own content; the work tree is not touched. */
export async function dropBackups(
  target: MergeTarget,
  change: Change,
  index: number,
  fileMode: boolean,
): Promise<readonly string[]> {
  const kept: string[] = [];
  for (const [part, side] of [
    ['old', change.old],
    ['undone', change.new],
  ] as const) {
    const path = join(storeFolder(target), part, `${index}`);
    if (await exists(path)) kept.push(...(await dropOrKeep(target, change, path, side, fileMode)));
  }
  return kept;
}

/** Whether what lies in the place is what the merge put there, unchanged. What is still in the store was not put there. */
async function isPlaced(
  target: MergeTarget,
  index: number,
  place: string,
  side: Side,
  fileMode: boolean,
): Promise<boolean> {
  const next = join(storeFolder(target), 'new', `${index}`);
  if ((await exists(next)) && !(await isSame(next, place))) return false;
  return isSide(place, side, fileMode);
}

/** Two names of one file, or links that say the same: a death came between the two halves of putting it in place. */
async function isSame(one: string, other: string): Promise<boolean> {
  try {
    const [first, second] = [await lstat(one), await lstat(other)];
    if (first.isSymbolicLink() && second.isSymbolicLink()) return (await readlink(one)) === (await readlink(other));
    return first.ino === second.ino && first.dev === second.dev;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** Drops what was taken away if it is the merge's; it goes back when somebody changed it at that very moment. */
async function giveBack(
  target: MergeTarget,
  change: Change,
  from: string,
  place: string | null,
  side: Side | null,
  fileMode: boolean,
): Promise<readonly string[]> {
  if (side !== null && (await isSide(from, side, fileMode))) {
    await unlink(from);
    return [];
  }
  if (place !== null && (await putInPlace(from, place))) return [];
  return [await keepAside(target, from, change.path)];
}

async function dropOrKeep(
  target: MergeTarget,
  change: Change,
  from: string,
  side: Side | null,
  fileMode: boolean,
): Promise<readonly string[]> {
  if (side === null || !(await isSide(from, side, fileMode))) return [await keepAside(target, from, change.path)];
  await rm(from);
  return [];
}

async function sync(folder: Reached | null): Promise<void> {
  if (folder !== null) await folder.sync();
}
