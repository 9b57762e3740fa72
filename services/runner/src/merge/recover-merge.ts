import { mkdir } from 'node:fs/promises';
import { checkHead } from './check-branch.ts';
import { finishMerge } from './finish-merge.ts';
import { releaseLocks, takeLocks } from './locks.ts';
import { clearMarks, hasMark, setMark } from './marks.ts';
import { MergeRecoveryError } from './merge-recovery-error.ts';
import { assertDistinct, type MergeTarget } from './merge-target.ts';
import { moveRef } from './move-ref.ts';
import { type BranchState, contains, readBranch } from './read-branch.ts';
import type { Step } from './replace-path.ts';
import { closeStore, readStore } from './store.ts';
import { takeBack } from './take-back.ts';

type Found = {
  readonly target: MergeTarget;
  /** Whether something of this merge is left in the repository. */
  readonly begun: boolean;
  readonly state: BranchState;
  readonly moved: boolean;
};
type Options = { readonly at?: Step; readonly tell?: (kept: string) => void };

/**
 * Ends what a death left of `mergeTargets`. The branches decide: when one has moved, the others follow; when none has, everything
 * is taken back; when one cannot follow any more because somebody moved it meanwhile, those that moved are put back. Safe to
 * repeat, and to be killed itself.
 * @param options.tell is told where, below `workspaces/`, something of a human's was kept aside
 * @throws MergeRecoveryError where it needs a human; it can be called again then
 */
export async function recoverMerge(
  targets: readonly MergeTarget[],
  scratch: string,
  options: Options = {},
): Promise<'merged' | 'not-merged'> {
  const at = options.at ?? (async () => undefined);
  assertDistinct(targets);
  await mkdir(scratch, { recursive: true });
  const all: Found[] = [];
  for (const target of targets) all.push(await find(target, await isBegun(target)));
  await at('found');
  if ((await hasMark(scratch, 'merged')) || all.every(({ moved }) => moved))
    return finishAll(all, scratch, at, options);
  const moved = all.filter((one) => one.moved);
  if (moved.length > 0 && (await hasMark(scratch, 'decided'))) {
    const waiting = all.filter((one) => !one.moved);
    if (waiting.every(({ begun, state, target }) => begun && state.kind === 'at' && state.commit === target.base)) {
      for (const { target } of waiting) {
        await moveRef(target, target.base, target.head, (await checkHead(target)).follows);
        await at(`moved ${target.repository.name}`);
      }
      return finishAll(all, scratch, at, options);
    }
    try {
      await putBack(moved, waiting, at);
    } catch (error) {
      // A human has to mend it, for which git's locks must be free; the next try takes them anew.
      if (error instanceof MergeRecoveryError)
        for (const { target, begun } of all) if (begun) await releaseLocks(target);
      throw error;
    }
  }
  // From here on the work trees are no longer complete, so that no later recovery may go forward.
  await clearMarks(scratch);
  await at('cleared');
  for (const { target, begun } of all) {
    if (begun) for (const kept of await takeBack(target, scratch, at)) options.tell?.(kept);
  }
  return 'not-merged';
}

async function isBegun(target: MergeTarget): Promise<boolean> {
  const store = await readStore(target);
  if (store === 'unbegun') await closeStore(target);
  return store === 'ours';
}

/** Reads a branch under our locks, taken anew where they were removed. */
async function find(target: MergeTarget, begun: boolean): Promise<Found> {
  const lock = begun ? await takeLocks(target) : null;
  if (lock !== null) throw new MergeRecoveryError('locked', [target.repository.path], lock);
  const state = await readBranch(target.repository, target.branch);
  return { target, begun, state, moved: await contains(target.repository, state, target.head) };
}

async function finishAll(all: readonly Found[], scratch: string, at: Step, { tell }: Options): Promise<'merged'> {
  await setMark(scratch, 'merged');
  await at('merged');
  for (const { target, begun } of all) {
    if (begun) for (const kept of await finishMerge(target, scratch, at)) tell?.(kept);
  }
  return 'merged';
}

/** Moves our own branches back to where they were; none of them, when one has been built upon. */
async function putBack(moved: readonly Found[], waiting: readonly Found[], at: Step): Promise<void> {
  const lost = moved.filter(
    ({ begun, state, target }) => !begun || state.kind !== 'at' || state.commit !== target.head,
  );
  if (lost.length > 0) {
    const names = [...lost, ...waiting].map(({ target }) => target.repository.path);
    throw new MergeRecoveryError('half-merged', names, 'branches');
  }
  for (const { target } of moved) {
    await moveRef(target, target.head, target.base, (await checkHead(target)).follows);
    await at(`put back ${target.repository.name}`);
  }
}
