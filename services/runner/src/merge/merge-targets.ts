import { mkdir } from 'node:fs/promises';
import type { MergeRefusal } from '@countersign/contracts/merge.ts';
import { installIndex } from './build-index.ts';
import { finishMerge } from './finish-merge.ts';
import { clearMarks, setMark } from './marks.ts';
import type { MergeTarget } from './merge-target.ts';
import { moveRef } from './move-ref.ts';
import { prepareMerge, unfinished } from './prepare-merge.ts';
import type { Step } from './replace-path.ts';
import { closeStore, readStore } from './store.ts';
import { takeBack } from './take-back.ts';

/** `kept` says where, below `workspaces/`, something lies that somebody wrote while it was being replaced. */
type Merged =
  | { readonly ok: true; readonly kept: readonly string[] }
  | { readonly ok: false; readonly refusals: readonly MergeRefusal[]; readonly kept: readonly string[] };

/**
 * Moves all branches from base to head, or none. Everything is checked, contents are written aside, git's locks are taken in all
 * repositories, and everything is checked again. Then the work trees are changed, path by path, and looked at; only when all of
 * them are right the first branch moves. Until then whatever comes in between leads back to where it began.
 * @param scratch a folder of this merge's own that survives a death; `recoverMerge` needs the same
 * @param options.at called between any two steps
 * @throws after an error of the file system or of git: `recoverMerge` has to be called then, as after a death
 */
export async function mergeTargets(
  targets: readonly MergeTarget[],
  scratch: string,
  options: { readonly at?: Step } = {},
): Promise<Merged> {
  const at = options.at ?? (async () => undefined);
  await mkdir(scratch, { recursive: true });
  for (const target of targets) {
    const left = await readStore(target);
    // A disk that failed in its beginning may have kept it from being removed: nothing else was touched.
    if (left === 'unbegun') await closeStore(target);
    else if (left !== 'none') return { ok: false, refusals: [unfinished(target)], kept: [] };
  }
  await clearMarks(scratch);
  await at('start');
  const opened: MergeTarget[] = [];
  const takeAllBack = async () => {
    const kept: string[] = [];
    for (const target of opened) kept.push(...(await takeBack(target, scratch, at)));
    return kept;
  };
  let prepared: Awaited<ReturnType<typeof prepareMerge>>;
  try {
    prepared = await prepareMerge(targets, scratch, opened, at);
  } catch (error) {
    await takeAllBack();
    throw error;
  }
  if (!prepared.ok) return { ok: false, refusals: prepared.refusals, kept: await takeAllBack() };
  await setMark(scratch, 'decided');
  await at('decided');
  for (const target of targets) {
    await moveRef(target, target.base, target.head, prepared.followers.has(target));
    await at(`moved ${target.repository.name}`);
  }
  await setMark(scratch, 'merged');
  await at('merged');
  for (const [target, view] of prepared.followers) {
    await installIndex(target, view);
    await at(`index ${target.repository.name}`);
  }
  const kept: string[] = [];
  for (const target of targets) kept.push(...(await finishMerge(target, scratch, at)));
  return { ok: true, kept };
}
