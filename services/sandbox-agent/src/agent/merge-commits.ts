import { GitError, type GitOptions, gitAnswer, repositoryAt } from '../git.ts';

export type Merged =
  | { readonly ok: true; readonly tree: string }
  /** Paths as git says them: a stranger's texts. */
  | { readonly ok: false; readonly files: readonly string[] };

const conflicted = 1;

/** Merges two commits by git's own strategy, without a work tree or an index. @throws GitError */
export async function mergeCommits(folder: string, ours: string, theirs: string, options: GitOptions): Promise<Merged> {
  const args = ['merge-tree', '--write-tree', '--no-messages', '--name-only', '-z', ours, theirs];
  const { code, stdout, stderr } = await gitAnswer(folder, repositoryAt(folder), args, options);
  const [tree = '', ...files] = stdout.toString('utf8').split('\0');
  if (code === 0) return { ok: true, tree };
  if (code !== conflicted) throw new GitError('merge-tree', stderr);
  return { ok: false, files: files.filter((file) => file !== '') };
}
