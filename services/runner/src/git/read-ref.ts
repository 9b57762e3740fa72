import { constants, open } from 'node:fs/promises';
import { join } from 'node:path';
import { ObjectId } from '@countersign/contracts/names.ts';
import { exists } from '@countersign/kit/files.ts';
import { refusedGitFolder } from './git-folder.ts';

/** More than the longest name of a branch, or an object's, takes. */
const refBytes = 4_096;
/** The names of objects in the repositories that are carried out. */
const sha1 = /^[0-9a-f]{40}$/;
/** No name of a ref, to git; a path of it could lead to another file of the repository's. */
const isForGit = /(?:^|\/)\.|\.\.|\.lock(?:\/|$)/;

/**
 * What a ref's own file says, which is where git wrote it last; without starting git, which takes fifty times as long.
 * @returns null where only git can tell: it lies packed or in a table, names another ref, or is none
 */
export async function readLooseRef(folder: string, ref: string): Promise<ObjectId | null> {
  if (isForGit.test(ref) || (await refusedGitFolder(folder, [ref])) !== null) return null;
  const said = await readLine(join(folder, '.git', ref));
  return said !== null && sha1.test(said) ? ObjectId.parse(said) : null;
}

/** The same for a branch, of which only git can tell as well where its commit does not lie in a file of its own: it may be missing. */
export async function readLooseHead(folder: string, branch: string): Promise<ObjectId | null> {
  const head = await readLooseRef(folder, `refs/heads/${branch}`);
  if (head === null) return null;
  const isThere = await exists(join(folder, '.git', 'objects', head.slice(0, 2), head.slice(2))).catch(() => false);
  return isThere ? head : null;
}

/** The branch that is checked out and has a commit; null where only git can tell: it may be another name of a branch. */
export async function readHead(folder: string): Promise<string | null> {
  const branch = /^ref: refs\/heads\/([^\s]+)$/.exec((await readLine(join(folder, '.git', 'HEAD'))) ?? '')?.[1];
  return branch !== undefined && (await readLooseRef(folder, `refs/heads/${branch}`)) !== null ? branch : null;
}

/** A file's only line, without its line feed; null where it has no such one, is long, or is no file. */
async function readLine(path: string): Promise<string | null> {
  try {
    await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    if (!(await file.stat()).isFile()) return null;
    const { buffer, bytesRead } = await file.read(Buffer.alloc(refBytes), 0, refBytes, 0);
    return /^(.+)\n$/.exec(buffer.toString('utf8', 0, bytesRead))?.[1] ?? null;
  } catch {
    // Git finds the same, and says it.
    return null;
  }
}
