import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { basePack } from '../git/base-pack.ts';
import { adoptResult, quarantineResult } from '../git/import-result.ts';
import { findBase, findRepository, measureCheckout, pinBase } from '../git/repository.ts';
import { type SavedDiff, saveDiff, saveDiffIndex } from '../git/save-diff.ts';

const run = 'RUN-20261120-001';
const task = 'abcde';

export const resultRef = `refs/agentic/${run}/${task}`;
export const baseRef = `refs/agentic-base/${run}/${task}`;

export type Outcome =
  | { readonly ok: true; readonly base: string; readonly diff: SavedDiff; readonly diffs: string }
  | { readonly ok: false; readonly reason: string };

/**
 * Everything that is done with git on the host for a task, in a task's order: the repository is looked at, packed and pinned, and
 * the bundle at `bundlePath` is taken in as its result.
 */
export async function hostOperations(workspaces: string, name: string, bundlePath: string): Promise<Outcome> {
  const folder = mkdtempSync(join(workspaces, '.operations-'));
  const found = await findRepository(workspaces, name, process.getuid?.() ?? 0);
  if (!found.ok) return found;
  const repository = found.value;
  const base = await findBase(repository, undefined);
  if (!base.ok) return base;
  const { branch, head } = base.value;
  await measureCheckout(repository, head);
  await basePack(join(folder, 'cache'), repository, head);
  await pinBase(repository, run, task, head);
  const quarantine = await quarantineResult(join(folder, 'scratch'), bundlePath, repository, head);
  if (!quarantine.ok) return quarantine;
  const diffs = join(folder, 'diffs');
  const diff = await saveDiff(quarantine.folder, diffs, name, branch, head, quarantine.tip);
  await saveDiffIndex(diffs, [diff]);
  await adoptResult(quarantine, repository, resultRef);
  return { ok: true, base: head, diff, diffs };
}
