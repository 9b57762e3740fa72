import { listChanges } from './changes.ts';
import { checkHead } from './check-branch.ts';
import { releaseLocks } from './locks.ts';
import type { MergeTarget } from './merge-target.ts';
import { readBranch } from './read-branch.ts';
import { foldersAbove, removeEmptyFolders, type Step } from './replace-path.ts';
import { readSettings } from './settings.ts';
import { closeStore, hasFollowed } from './store.ts';
import { dropBackups, undoPath } from './undo-path.ts';
import { makeView } from './view.ts';

/**
 * Ends a merge in one repository whose branch did not move: the work tree is taken back, the locks are given back, the store goes.
 * Safe to repeat from any point. A work tree that somebody has meanwhile taken elsewhere with git stays as it is.
 * @returns where something of a human's was kept aside
 */
export async function takeBack(target: MergeTarget, scratch: string, at: Step): Promise<readonly string[]> {
  const kept: string[] = [];
  if (await hasFollowed(target)) {
    const settings = await readSettings(target.repository);
    const view = await makeView(scratch, target, settings);
    const changes = await listChanges(view, target.base, target.head);
    const needed = foldersAbove(changes.flatMap(({ path, old }) => (old === null ? [] : [path])));
    const restore = await isAsBegun(target);
    for (const [index, change] of [...changes.entries()].reverse()) {
      const undo = restore ? undoPath : dropBackups;
      kept.push(...(await undo(target, change, index, settings.fileMode)));
      if (restore && change.new !== null) await removeEmptyFolders(target.repository.folder, change.path, needed);
      await at(`undone ${target.repository.name} ${index}`);
    }
  }
  await releaseLocks(target);
  await at(`released ${target.repository.name}`);
  await closeStore(target);
  return kept;
}

async function isAsBegun(target: MergeTarget): Promise<boolean> {
  const state = await readBranch(target.repository, target.branch);
  return state.kind === 'at' && state.commit === target.base && (await checkHead(target)).follows;
}
