import { link, lstat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isMissing } from '@countersign/kit/files.ts';
import { gitFolder, type MergeTarget, refParts } from './merge-target.ts';
import { reachFolder } from './reach-folder.ts';
import { storeFolder } from './store.ts';

/** An editor's `git status` holds the index for a moment; what holds it longer is somebody's work. */
const waitMs = 1_000;
const pollMs = 25;

/**
 * git's own lock files, in the order in which git takes them: with all three held no git command changes the index, what is
 * checked out, or the branch. Each is a hard link to the store's `lock`. A link is made or refused as a whole, like git's own
 * way of making them, and after a death at any point the inode proves which locks are ours.
 */
function lockPaths(target: MergeTarget): readonly string[] {
  return ['index.lock', 'HEAD.lock', `${refParts(target.branch).join('/')}.lock`];
}

/** Takes all locks, those that are ours already too; returns the one that is somebody else's, or null. */
export async function takeLocks(target: MergeTarget): Promise<string | null> {
  const folder = gitFolder(target.repository);
  const made = await reachFolder(folder, dirname(refParts(target.branch).join('/')), { make: true });
  await made?.close();
  for (const name of lockPaths(target)) {
    if (!(await takeLock(target, join(folder, name)))) return name;
  }
  return null;
}

async function takeLock(target: MergeTarget, path: string): Promise<boolean> {
  for (let waited = 0; ; waited += pollMs) {
    try {
      await link(join(storeFolder(target), 'lock'), path);
      return true;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
      if (await isOurs(target, path)) return true;
      if (waited >= waitMs) return false;
    }
    await delay(pollMs);
  }
}

/** Gives back those that are ours; the index last, as git does. */
export async function releaseLocks(target: MergeTarget): Promise<void> {
  for (const name of [...lockPaths(target)].reverse()) {
    const path = join(gitFolder(target.repository), name);
    if (await isOurs(target, path)) await unlink(path);
  }
}

/** Whether every lock is there and ours. */
export async function holdsLocks(target: MergeTarget): Promise<boolean> {
  for (const name of lockPaths(target)) {
    if (!(await isOurs(target, join(gitFolder(target.repository), name)))) return false;
  }
  return true;
}

/** The first lock that somebody else keeps for longer than a moment, or null. */
export async function foreignLock(target: MergeTarget): Promise<string | null> {
  for (const name of lockPaths(target)) {
    const path = join(gitFolder(target.repository), name);
    for (let waited = 0; (await inode(path)) !== null && !(await isOurs(target, path)); waited += pollMs) {
      if (waited >= waitMs) return name;
      await delay(pollMs);
    }
  }
  return null;
}

async function isOurs(target: MergeTarget, path: string): Promise<boolean> {
  const ours = await inode(join(storeFolder(target), 'lock'));
  return ours !== null && ours === (await inode(path));
}

async function inode(path: string): Promise<string | null> {
  try {
    const { dev, ino } = await lstat(path, { bigint: true });
    return `${dev}:${ino}`;
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}
