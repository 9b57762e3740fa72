import { join } from 'node:path';
import type { MergeRefusal } from '@countersign/contracts/merge.ts';
import { exists } from '@countersign/kit/files.ts';
import { isWorkedOn } from './check-branch.ts';
import { foreignLock } from './locks.ts';
import { gitFolder, type MergeTarget } from './merge-target.ts';
import { hostGit, refusal } from './refusal.ts';

/** What git leaves in its folder while an operation is under way, and what ends it. */
const operations = [
  ['MERGE_HEAD', 'merge', 'merge --abort'],
  ['rebase-merge', 'rebase', 'rebase --abort'],
  ['rebase-apply', 'rebase or am', 'rebase --abort (or am --abort)'],
  ['CHERRY_PICK_HEAD', 'cherry-pick', 'cherry-pick --abort'],
  ['REVERT_HEAD', 'revert', 'revert --abort'],
  ['sequencer', 'sequence of commits', 'cherry-pick --abort (or revert --abort)'],
  ['BISECT_LOG', 'bisection', 'bisect reset'],
] as const;

/** Refused as `dirty`: an operation is under way in the main work tree, or another git command is at work. */
export async function checkOperations(target: MergeTarget, follows: boolean): Promise<readonly MergeRefusal[]> {
  const folder = gitFolder(target.repository);
  const refusals: MergeRefusal[] = [];
  for (const [name, operation, command] of operations) {
    // Elsewhere an operation is none of ours, unless it will come back to the branch.
    const concerns = follows || (await isWorkedOn(folder, target.branch));
    if (!concerns || !(await exists(join(folder, name)))) continue;
    const what = `a ${operation} is under way in workspaces/${target.repository.path}`;
    refusals.push(refusal(target, 'dirty', what, hostGit(target, command), [name]));
    break;
  }
  const lock = await foreignLock(target);
  if (lock !== null) {
    const what = `another git command is at work in workspaces/${target.repository.path}`;
    const mend = `waiting for it; if none runs, rm workspaces/${target.repository.path}/.git/${lock}`;
    refusals.push(refusal(target, 'dirty', what, mend, [lock]));
  }
  return refusals;
}
