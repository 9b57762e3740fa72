import { ObjectId } from '@countersign/contracts/names.ts';
import { GitError, tryGit } from '../git/git.ts';
import type { Repository } from '../git/repository.ts';

/** Where a branch is; `link` is the ref that it stands for when it is no branch of its own. */
export type BranchState =
  | { readonly kind: 'missing' }
  | { readonly kind: 'at'; readonly commit: ObjectId }
  | { readonly kind: 'link'; readonly link: string };

/** @throws GitError */
export async function readBranch(repository: Repository, branch: string): Promise<BranchState> {
  const ref = `refs/heads/${branch}`;
  const args = ['for-each-ref', '--format=%(refname)%00%(objectname)%00%(symref)', ref];
  const answer = await tryGit(repository.folder, args, { timeoutMs: 10_000 });
  if (answer.exitCode !== 0) throw new GitError(args, answer);
  for (const line of answer.stdout.toString('utf8').split('\n')) {
    const [name, commit, link] = line.split('\0');
    if (name !== ref) continue;
    if (link !== undefined && link !== '') return { kind: 'link', link };
    return { kind: 'at', commit: ObjectId.parse(commit) };
  }
  return { kind: 'missing' };
}

/** Whether the branch is at `commit` or has gone on from there. @throws GitError */
export async function contains(repository: Repository, state: BranchState, commit: ObjectId): Promise<boolean> {
  if (state.kind !== 'at') return false;
  if (state.commit === commit) return true;
  const args = ['merge-base', '--is-ancestor', commit, state.commit];
  const answer = await tryGit(repository.folder, args, { timeoutMs: 60_000 });
  if (answer.exitCode !== 0 && answer.exitCode !== 1) throw new GitError(args, answer);
  return answer.exitCode === 0;
}
