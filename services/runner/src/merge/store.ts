import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ObjectId } from '@countersign/contracts/names.ts';
import { exists, isMissing, syncFolder, writeFileAtomic } from '@countersign/kit/files.ts';
import { z } from 'zod';
import { gitFolder, type MergeTarget } from './merge-target.ts';

const Intent = z.strictObject({ version: z.literal(1), branch: z.string(), base: ObjectId, head: ObjectId });

/**
 * What a merge keeps in the repository while it is under way, in `.git/countersign-merge`: on the file system of the work tree, so
 * that a rename into it is atomic.
 *
 * - `intent.json`: which merge this is; without it nothing outside of the folder was touched
 * - `lock`: the one file that every lock of ours is another name of
 * - `new/<n>`: what is to be put in the place of change n; gone when it is there
 * - `old/<n>`: what was in the place of change n; `undone/<n>`: what was taken away again
 * - `follows`: the work tree is being changed
 */
export function storeFolder(target: MergeTarget): string {
  return join(gitFolder(target.repository), 'countersign-merge');
}

/** Begins it, or leaves nothing of it, as far as the file system lets it; false when another merge has not ended. */
export async function openStore(target: MergeTarget): Promise<boolean> {
  const folder = storeFolder(target);
  try {
    await mkdir(folder, { mode: 0o700 });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
  try {
    for (const part of ['new', 'old', 'undone']) await mkdir(join(folder, part));
    await writeFile(join(folder, 'lock'), 'countersign: merge\n');
    const { branch, base, head } = target;
    await writeFileAtomic(join(folder, 'intent.json'), JSON.stringify({ version: 1, branch, base, head }));
    await syncFolder(gitFolder(target.repository));
  } catch (error) {
    await closeStore(target).catch(() => undefined);
    throw error;
  }
  return true;
}

/** Whether this very merge is under way: its own, one that never began, none at all, or another one's. */
export async function readStore(target: MergeTarget): Promise<'ours' | 'unbegun' | 'none' | 'foreign'> {
  if (!(await exists(storeFolder(target)))) return 'none';
  try {
    const intent = Intent.safeParse(JSON.parse(await readFile(join(storeFolder(target), 'intent.json'), 'utf8')));
    const { branch, base, head } = target;
    return intent.success && intent.data.branch === branch && intent.data.base === base && intent.data.head === head
      ? 'ours'
      : 'foreign';
  } catch (error) {
    if (isMissing(error)) return 'unbegun';
    throw error;
  }
}

/** Says durably that the work tree will be changed from now on. */
export async function markFollows(target: MergeTarget): Promise<void> {
  await writeFileAtomic(join(storeFolder(target), 'follows'), '');
}

export function hasFollowed(target: MergeTarget): Promise<boolean> {
  return exists(join(storeFolder(target), 'follows'));
}

/** Ends it; nothing of a human's may be left in it. The intent goes first: what is found without one needs no more than this. */
export async function closeStore(target: MergeTarget): Promise<void> {
  const folder = storeFolder(target);
  await rm(join(folder, 'intent.json'), { force: true });
  await rm(folder, { recursive: true, force: true });
  await syncFolder(gitFolder(target.repository));
}
