import type { MergeRefusal } from '@countersign/contracts/merge.ts';
import { GitError } from '../git/git.ts';
import type { MergeTarget } from './merge-target.ts';
import { hostGit, refusal } from './refusal.ts';
import { type View, viewGit } from './view.ts';

/** Refused as `no-snapshot`: `head` or something it needs is not there, or it does not descend from `base`. */
export async function checkHistory(target: MergeTarget, view: View): Promise<MergeRefusal | null> {
  const { base, head, repository } = target;
  const show = hostGit(target, `log ${base}..${head}`);
  if (base === head) return refusal(target, 'no-snapshot', 'there is no commit to merge', show, [head]);
  try {
    for (const commit of [base, head]) await viewGit(view, ['cat-file', '-e', `${commit}^{commit}`]);
    await viewGit(view, ['rev-list', '--objects', '--quiet', head, '--not', base]);
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    const what = `the commits of the result are not whole in workspaces/${repository.path}`;
    return refusal(target, 'no-snapshot', what, `${hostGit(target, 'fsck')}, then run the task again`, [head]);
  }
  try {
    await viewGit(view, ['merge-base', '--is-ancestor', base, head]);
    return null;
  } catch (error) {
    if (!(error instanceof GitError) || error.exitCode !== 1) throw error;
    return refusal(target, 'no-snapshot', 'the result does not descend from where the work began', show, [head]);
  }
}
