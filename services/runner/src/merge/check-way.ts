import type { Stats } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join, posix } from 'node:path';
import type { MergeRefusal } from '@countersign/contracts/merge.ts';
import { isMissing } from '@countersign/kit/files.ts';
import type { Change } from './changes.ts';
import type { MergeTarget } from './merge-target.ts';
import { hostGit, refusal } from './refusal.ts';

const maximumEntries = 10_000;

/**
 * Refused as `dirty`: something that is not tracked, ignored files too, lies where a path of the result will be, or in the place
 * of a folder above it. A link in that place would lead the result elsewhere.
 */
export async function checkWay(target: MergeTarget, changes: readonly Change[]): Promise<MergeRefusal | null> {
  const tracked = new Set(changes.flatMap(({ path, old }) => (old === null ? [] : [path])));
  const leaving = new Set(changes.flatMap(({ path, new: side }) => (side === null ? [path] : [])));
  const root = target.repository.folder;
  const inTheWay = new Set<string>();
  const checked = new Map<string, Promise<'free' | 'folder' | 'blocked'>>();

  const above = async (folder: string): Promise<'free' | 'folder' | 'blocked'> => {
    if (folder === '.') return 'folder';
    const known = checked.get(folder);
    if (known !== undefined) return known;
    const answer = look(folder);
    checked.set(folder, answer);
    return answer;
  };
  const look = async (folder: string): Promise<'free' | 'folder' | 'blocked'> => {
    const parent = await above(posix.dirname(folder));
    if (parent !== 'folder') return parent;
    const found = await statOf(join(root, folder));
    if (found === null) return 'free';
    if (found.isDirectory()) return 'folder';
    if (leaving.has(folder)) return 'free';
    inTheWay.add(folder);
    return 'blocked';
  };

  for (const { path, new: side } of changes) {
    if (side === null || (await above(posix.dirname(path))) !== 'folder') continue;
    const found = await statOf(join(root, path));
    if (found === null) continue;
    if (found.isDirectory()) {
      for (const name of await staying(root, path, leaving)) inTheWay.add(name);
    } else if (!tracked.has(path)) {
      inTheWay.add(path);
    }
  }
  if (inTheWay.size === 0) return null;
  const what = `untracked files in workspaces/${target.repository.path} are in the way`;
  const mend = `moving them away, or ${hostGit(target, 'stash --all')}`;
  return refusal(target, 'dirty', what, mend, [...inTheWay]);
}

/** What is left in a folder, and the folder itself if it is empty, when the files in `leaving` have gone. */
async function staying(root: string, folder: string, leaving: ReadonlySet<string>): Promise<readonly string[]> {
  const found: string[] = [];
  const waiting = [folder];
  for (let seen = 0; waiting.length > 0; ) {
    const next = waiting.pop() ?? '';
    const entries = await readdir(join(root, next), { withFileTypes: true });
    if (entries.length === 0) found.push(`${next}/`);
    for (const entry of entries) {
      seen += 1;
      if (seen > maximumEntries) return [...found, `${folder}/`];
      const path = `${next}/${entry.name}`;
      if (entry.isDirectory()) waiting.push(path);
      else if (!leaving.has(path)) found.push(path);
    }
  }
  return found;
}

async function statOf(path: string): Promise<Stats | null> {
  try {
    return await lstat(path);
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}
