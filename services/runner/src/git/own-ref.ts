import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { ObjectId } from '@countersign/contracts/names.ts';
import { exists } from '@countersign/kit/files.ts';
import { GitError, type GitOptions, git, tryGit } from './git.ts';

/**
 * Sets a ref of ours in the operator's repository, below `refs/agentic` or `refs/agentic-base`. Nobody but this runner writes it,
 * and never twice at a time: a lock that lies on it was left by a git of ours that was killed, and is taken away.
 * @param reason for the ref's log
 * @throws GitError
 */
export async function setOwnRef(
  folder: string,
  ref: string,
  to: ObjectId,
  reason: string,
  options: GitOptions = {},
): Promise<void> {
  const args = ['update-ref', '-m', reason, ref, to];
  const finished = await tryGit(folder, args, options);
  if (finished.exitCode === 0) return;
  const lock = join(folder, '.git', `${ref}.lock`);
  if (!(await exists(lock))) throw new GitError(args, finished);
  await unlink(lock);
  await git(folder, args, options);
}
