import { chmod, open, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing, syncFolder } from '@countersign/kit/files.ts';
import { GitError } from '../git/git.ts';
import type { Change } from './changes.ts';
import { gitFolder, type MergeTarget } from './merge-target.ts';
import { storeFolder } from './store.ts';
import { copyIfThere, copyIndex, type View, viewGit } from './view.ts';

const none = '0'.repeat(40);

/** Which file the operator's index is, and in which state; '' when there is none. Another one means that git wrote to it. */
export async function indexState(target: MergeTarget): Promise<string> {
  try {
    const { dev, ino, mtimeNs, size } = await stat(join(gitFolder(target.repository), 'index'), { bigint: true });
    return `${dev}:${ino}:${mtimeNs}:${size}`;
  } catch (error) {
    if (isMissing(error)) return '';
    throw error;
  }
}

/**
 * Makes the index that belongs to the changed work tree in the view, from a copy of the operator's: entries of changed paths that
 * are still the base's become the new ones, all others stay as they are. Returns whether anything changed.
 * @throws GitError
 */
export async function buildIndex(target: MergeTarget, view: View, changes: readonly Change[]): Promise<boolean> {
  await copyIndex(view, target.repository);
  const entries = await readEntries(view);
  const due = changes.filter(
    ({ path, old }) => entries.get(path) === (old === null ? undefined : `${old.mode} ${old.oid} 0`),
  );
  const removals = due.filter(({ old }) => old !== null).map(({ path }) => `0 ${none}\t${path}\0`);
  const additions = due.flatMap(({ path, new: side }) =>
    side === null ? [] : [`${side.mode} ${side.oid}\t${path}\0`],
  );
  if (due.length === 0) return false;
  await viewGit(view, ['update-index', '-z', '--replace', '--index-info'], {
    input: Buffer.from([...removals, ...additions].join('')),
  });
  await refresh(view);
  return true;
}

/** Puts the view's index in the place of the operator's, durably; the lock on it is held. */
export async function installIndex(target: MergeTarget, view: View): Promise<void> {
  const next = join(storeFolder(target), 'index');
  const index = join(gitFolder(target.repository), 'index');
  await copyIfThere(join(view.folder, 'index'), next);
  const mode = await stat(index).then(
    (found) => found.mode & 0o777,
    () => 0o644,
  );
  await chmod(next, mode);
  await using file = await open(next, 'r');
  await file.sync();
  await rename(next, index);
  await syncFolder(gitFolder(target.repository));
}

async function readEntries(view: View): Promise<ReadonlyMap<string, string>> {
  const entries = new Map<string, string>();
  for (const line of (await viewGit(view, ['ls-files', '-s', '-z'])).toString('utf8').split('\0')) {
    const tab = line.indexOf('\t');
    if (tab > 0) entries.set(line.slice(tab + 1), line.slice(0, tab));
  }
  return entries;
}

/** Writes down what the new files look like, so that the operator's git need not read them. */
async function refresh(view: View): Promise<void> {
  try {
    await viewGit(view, ['update-index', '-q', '--refresh']);
  } catch (error) {
    // Exit code 1: a file is not what the index says. Whether that matters is asked with its name, by status.
    if (!(error instanceof GitError) || error.exitCode !== 1) throw error;
  }
}
