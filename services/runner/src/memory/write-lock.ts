import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { lookAt, writeFileAtomic } from '@countersign/kit/files.ts';
import { memoryLimits } from './memory-limits.ts';

/** Lies in `.git` while a git of ours may hold a lock. */
const marker = 'countersign-writing';

/**
 * Makes sure that no lock of ours is in the way, and says from now on that one may be. A git that was killed leaves its locks
 * behind, and nothing in them says whose they are: ours are those that are as old as our marker. Anybody else's are never
 * removed: an operator's `git commit` holds one for as long as the editor is open.
 * @returns null, or why nothing can be written now
 */
export async function beginWriting(folder: string, branch: string, now: Date): Promise<string | null> {
  const left = await lookAt(join(folder, '.git', marker));
  if (left !== null) {
    for (const name of locksOf(branch)) {
      const path = join(folder, '.git', name);
      const lock = await lookAt(path);
      if (lock === null || !lock.isFile()) continue;
      const afterMs = Number((lock.mtimeNs - left.mtimeNs) / 1_000_000n);
      if (afterMs < 0 || afterMs > 2 * memoryLimits.gitMs) continue;
      if (now.getTime() - Number(lock.mtimeMs) < memoryLimits.staleLockMs)
        return `memory/.git/${name} was left behind; it is removed ${memoryLimits.staleLockMs / 1_000} s after its making`;
      await unlink(path).catch(() => undefined);
    }
  }
  await writeFileAtomic(join(folder, '.git', marker), '');
  return null;
}

/** No git of ours runs any more, and each of them came to its own end. */
export async function endWriting(folder: string): Promise<void> {
  await unlink(join(folder, '.git', marker)).catch(() => undefined);
}

function locksOf(branch: string): string[] {
  return ['index.lock', 'HEAD.lock', `refs/heads/${branch}.lock`, 'packed-refs.lock'];
}
