import type { MergeRefusal } from '@countersign/contracts/merge.ts';
import { examineTarget } from './examine-target.ts';
import { assertDistinct, type MergeTarget } from './merge-target.ts';

/**
 * What is in the way of merging all of `targets`, nothing when there is nothing. Reads only: no file, index or ref of the
 * operator's changes.
 * @param scratch a folder of this merge's own
 * @throws GitError
 */
export async function checkTargets(targets: readonly MergeTarget[], scratch: string): Promise<readonly MergeRefusal[]> {
  assertDistinct(targets);
  const refusals: MergeRefusal[] = [];
  for (const target of targets) refusals.push(...(await examineTarget(target, scratch)).refusals);
  return refusals;
}
