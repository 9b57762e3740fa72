import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { GitError, type GitOptions, gitAnswer } from '../git.ts';
import { agentLimits } from './limits.ts';

/** A path of a work tree, in git's own bytes, and what is there now; null for what was removed. */
export type Change = { readonly path: Buffer; readonly bytes: number | null };

/**
 * What differs from the index and is not ignored: files and links. Repositories within, sockets and what cannot be read are
 * passed over.
 * @throws GitError also when there are too many names
 */
export async function listChanges(folder: string, at: readonly string[], options: GitOptions): Promise<Change[]> {
  const args = ['ls-files', '-z', '--others', '--modified', '--exclude-standard'];
  const { code, stdout, cut, stderr } = await gitAnswer(folder, at, args, options, agentLimits.changedNamesBytes);
  if (code !== 0) throw new GitError('ls-files', stderr);
  if (cut) throw new GitError('ls-files', 'there are too many changed files');
  const changes: Change[] = [];
  for (const path of splitNames(stdout)) {
    const change = await lookAt(folder, path);
    if (change !== null) changes.push(change);
  }
  return changes;
}

function splitNames(text: Buffer): Buffer[] {
  const names = new Map<string, Buffer>();
  for (let start = 0; start < text.length; ) {
    const end = text.indexOf(0, start);
    const name = text.subarray(start, end < 0 ? text.length : end);
    // One that was both staged and changed comes more than once.
    names.set(name.toString('latin1'), name);
    start += name.length + 1;
  }
  return [...names.values()];
}

async function lookAt(folder: string, path: Buffer): Promise<Change | null> {
  // A repository within is told by its folder.
  if (path.at(-1) === slash) return null;
  const stats = await lstat(Buffer.concat([Buffer.from(join(folder, '/')), path])).catch(() => null);
  if (stats === null) return { path, bytes: null };
  if (stats.isSymbolicLink()) return { path, bytes: stats.size };
  return stats.isFile() && (stats.mode & readable) !== 0 ? { path, bytes: stats.size } : null;
}

const slash = 0x2f;
const readable = 0o400;
