import { mkdir } from 'node:fs/promises';
import { join, posix } from 'node:path';
import type { MergeRefusal } from '@countersign/contracts/merge.ts';
import { exists } from '@countersign/kit/files.ts';
import { GitError } from '../git/git.ts';
import { type Change, listChanges } from './changes.ts';
import { checkHead, checkOtherCheckouts, checkPlace } from './check-branch.ts';
import { checkFlags, checkStatus, type IndexFlags, readIndexFlags } from './check-checkout.ts';
import { checkSettings, convertedPaths } from './check-conversions.ts';
import { checkHistory } from './check-history.ts';
import { checkOperations } from './check-operations.ts';
import { checkWay } from './check-way.ts';
import { gitFolder, type MergeTarget } from './merge-target.ts';
import { hostMerge, refusal } from './refusal.ts';
import { readSettings, type Settings } from './settings.ts';
import { readStatus } from './status.ts';
import { copyIndex, makeView, type View } from './view.ts';

/** What one target looks like at the moment; `follows` tells whether its checkout has to be changed as well. */
export type Examined = {
  readonly target: MergeTarget;
  readonly view: View;
  readonly settings: Settings;
  readonly follows: boolean;
  readonly changes: readonly Change[];
  readonly refusals: readonly MergeRefusal[];
};

/**
 * Reads only: of the operator's repository no file changes, not even the index.
 * @param known the changes, when they were listed before: commits do not change
 * @throws GitError
 */
export async function examineTarget(
  target: MergeTarget,
  scratch: string,
  known?: readonly Change[],
): Promise<Examined> {
  await mkdir(scratch, { recursive: true });
  const settings = await readSettings(target.repository);
  const view = await makeView(scratch, target, settings);
  const head = await checkHead(target);
  const found = { target, view, settings, follows: head.follows };
  const missing = known === undefined ? await checkHistory(target, view) : null;
  const place = await checkPlace(target);
  const refusals = [missing, place, head.refusal, await checkOtherCheckouts(target)].filter((one) => one !== null);
  refusals.push(...(await checkOperations(target, head.follows)));
  const changes = missing === null ? (known ?? (await listChanges(view, target.base, target.head))) : [];
  // Compared with a base that the branch has left, the checkout would look dirty all over.
  if (head.follows && missing === null && place === null)
    refusals.push(...(await checkCheckout(target, view, settings, changes)));
  return { ...found, changes, refusals };
}

async function checkCheckout(
  target: MergeTarget,
  view: View,
  settings: Settings,
  changes: readonly Change[],
): Promise<readonly MergeRefusal[]> {
  const unfit = await checkSettings(target, settings, changes);
  if (unfit !== null) return [unfit];
  let flags: IndexFlags;
  await copyIndex(view, target.repository);
  try {
    flags = await readIndexFlags(view);
  } catch (error) {
    // A split index keeps a part of itself in a file beside it.
    if (!(error instanceof GitError)) throw error;
    return [
      refusal(target, 'filters', 'the index cannot be read by itself (a split one?)', hostMerge(target), ['index']),
    ];
  }
  const status = await readStatus(view);
  const paths = [...new Set([...changes.map(({ path }) => path), ...status.changed])];
  const converted = (await mayConvert(target, settings, flags, paths))
    ? await convertedPaths(view, target, settings, changes, paths)
    : [];
  // What is written converted looks changed to those who do not convert it back.
  const changed = status.changed.filter((path) => !converted.includes(path));
  const way = await checkWay(target, changes);
  return [
    ...checkStatus(target, { ...status, changed }),
    ...checkFlags(target, flags, changes),
    ...(way === null ? [] : [way]),
    ...(converted.length === 0
      ? []
      : [refusal(target, 'filters', 'files are converted by attributes', hostMerge(target), converted)]),
  ];
}

/** Most repositories have no attributes at all, and asking for each path takes a while. */
async function mayConvert(
  target: MergeTarget,
  settings: Settings,
  flags: IndexFlags,
  paths: readonly string[],
): Promise<boolean> {
  if (flags.attributes || settings.attributesFile !== null || settings.autocrlf !== 'false') return true;
  if (await exists(join(gitFolder(target.repository), 'info', 'attributes'))) return true;
  const folders = new Set<string>(['.']);
  for (const path of paths) {
    if (posix.basename(path) === '.gitattributes') return true;
    for (let folder = posix.dirname(path); folder !== '.' && !folders.has(folder); folder = posix.dirname(folder))
      folders.add(folder);
  }
  for (const folder of folders) {
    if (await exists(join(target.repository.folder, folder, '.gitattributes'))) return true;
  }
  return false;
}
