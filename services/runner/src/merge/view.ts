import assert from 'node:assert/strict';
import { copyFile, mkdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing } from '@countersign/kit/files.ts';
import { type GitOptions, git } from '../git/git.ts';
import type { Repository } from '../git/repository.ts';
import { gitFolder, type MergeTarget } from './merge-target.ts';
import type { Settings } from './settings.ts';

/**
 * A git folder of our own that borrows the operator's objects and looks at the operator's work tree through a copy of the index:
 * nothing of the repository's configuration or attributes can have a say, and git has nothing of the operator's to write to.
 */
export type View = { readonly folder: string; readonly workTree: string };

/** Comparing reads what has changed since the index was written; a checkout of many files from a slow disk takes a while. */
const defaults = { timeoutMs: 5 * 60 * 1000 };
const attributes = '* -text -eol -crlf -filter -ident -working-tree-encoding\n';

/** The view of what `base` was, without an index yet. @param scratch where it is made, anew each time */
export async function makeView(scratch: string, { repository, base }: MergeTarget, settings: Settings): Promise<View> {
  const folder = join(scratch, `${repository.name}.git`);
  const source = gitFolder(repository);
  assert(!source.includes('\n'), 'the path of a workspace is one line');
  await rm(folder, { recursive: true, force: true });
  for (const part of ['refs', 'objects/info', 'info']) await mkdir(join(folder, part), { recursive: true });
  await writeFile(join(folder, 'config'), configuration(settings));
  await writeFile(join(folder, 'objects', 'info', 'alternates'), `${join(source, 'objects')}\n`);
  await writeFile(join(folder, 'info', 'attributes'), attributes);
  await copyIfThere(join(source, 'shallow'), join(folder, 'shallow'));
  const view = { folder, workTree: repository.folder };
  await setViewHead(view, base);
  return view;
}

/** What `status` compares the index with. */
export async function setViewHead(view: View, commit: string): Promise<void> {
  await writeFile(join(view.folder, 'HEAD'), `${commit}\n`);
}

/** Takes a fresh copy of the operator's index into the view. */
export async function copyIndex(view: View, repository: Repository): Promise<void> {
  await rm(join(view.folder, 'index'), { force: true });
  await copyIfThere(join(gitFolder(repository), 'index'), join(view.folder, 'index'));
}

/** @throws GitError */
export function viewGit(view: View, args: readonly string[], options: GitOptions = {}): Promise<Buffer> {
  return git(view.workTree, [`--git-dir=${view.folder}`, `--work-tree=${view.workTree}`, ...args], {
    ...defaults,
    ...options,
  });
}

/**
 * Copies a file with its time, in whole seconds. git takes an entry that is as young as the index itself for doubtful and reads
 * the file; a copy with a later time would hide an edit of the same second.
 */
export async function copyIfThere(from: string, to: string): Promise<void> {
  try {
    const { mtimeMs } = await stat(from);
    await copyFile(from, to);
    const seconds = Math.floor(mtimeMs / 1000);
    await utimes(to, seconds, seconds);
  } catch (error) {
    if (!isMissing(error)) throw error;
  }
}

// Inode, owner and change time are the container's view of a file, not the one that the operator's git wrote down.
function configuration({ fileMode, symlinks, ignoreCase }: Settings): string {
  return `[core]
\trepositoryFormatVersion = 0
\tbare = false
\tfileMode = ${fileMode}
\tsymlinks = ${symlinks}
\tignoreCase = ${ignoreCase}
\tcheckStat = minimal
\ttrustCtime = false
\tautocrlf = false
\tlogAllRefUpdates = false
`;
}
