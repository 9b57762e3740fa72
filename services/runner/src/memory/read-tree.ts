import type { ObjectId } from '@countersign/contracts/names.ts';
import { git } from '../git/git.ts';
import { memoryLimits } from './memory-limits.ts';
import { isMemoryPath } from './memory-path.ts';
import type { Tree } from './scan-files.ts';

/**
 * The files of ours in a commit, by the names of their bytes. What is no regular file there stands as its mode, which is never the
 * name of any bytes. @param head null before the first commit @throws GitError
 */
export async function readTree(folder: string, head: ObjectId | null): Promise<Tree> {
  if (head === null) return new Map();
  const listing = await git(folder, ['ls-tree', '-r', '-z', '--full-tree', '--end-of-options', head], {
    timeoutMs: memoryLimits.gitMs,
  });
  const tree = new Map<string, string>();
  for (const entry of listing.toString('utf8').split('\0')) {
    const [, mode, id, path] = /^(\d{6}) [a-z]+ ([0-9a-f]+)\t(.*)$/s.exec(entry) ?? [];
    if (mode === undefined || id === undefined || path === undefined || !isMemoryPath(path)) continue;
    tree.set(path, mode.startsWith('100') ? id : mode);
  }
  return tree;
}
