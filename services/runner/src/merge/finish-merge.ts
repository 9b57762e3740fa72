import { buildIndex, installIndex } from './build-index.ts';
import { listChanges } from './changes.ts';
import { checkHead } from './check-branch.ts';
import { releaseLocks } from './locks.ts';
import type { MergeTarget } from './merge-target.ts';
import { readBranch } from './read-branch.ts';
import type { Step } from './replace-path.ts';
import { readSettings } from './settings.ts';
import { closeStore, hasFollowed } from './store.ts';
import { dropBackups } from './undo-path.ts';
import { makeView } from './view.ts';

/**
 * What is left to do in one repository after its branch has moved: the index, the locks, the store. The index is made from what
 * is there now, so that it is safe to repeat, also when somebody has used git in between.
 * @returns where something of a human's was kept aside
 */
export async function finishMerge(target: MergeTarget, scratch: string, at: Step): Promise<readonly string[]> {
  const kept: string[] = [];
  if (await hasFollowed(target)) {
    const settings = await readSettings(target.repository);
    const view = await makeView(scratch, target, settings);
    const changes = await listChanges(view, target.base, target.head);
    const state = await readBranch(target.repository, target.branch);
    const untouched = state.kind === 'at' && state.commit === target.head && (await checkHead(target)).follows;
    if (untouched && (await buildIndex(target, view, changes))) await installIndex(target, view);
    await at(`index of ${target.repository.name} is right`);
    for (const [index, change] of changes.entries())
      kept.push(...(await dropBackups(target, change, index, settings.fileMode)));
  }
  await releaseLocks(target);
  await at(`released ${target.repository.name}`);
  await closeStore(target);
  return kept;
}
