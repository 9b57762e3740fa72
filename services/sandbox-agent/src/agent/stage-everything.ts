import { open, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { resultLimits } from '@countersign/contracts/limits.ts';
import { GitError, type GitOptions, git } from '../git.ts';
import { printableLine } from '../printable.ts';
import { describeLeft } from './describe-left.ts';
import { type Change, listChanges } from './list-changes.ts';

/** Why a repository is refused, and what the operator should know of one that is not. */
export type Remarks = { readonly problem: string | undefined; readonly note: string | undefined };

/** Of git's words on what could not be committed. */
const remarkCharacters = 500;

/**
 * Puts all that changed into the index, but for files that are larger than any that is taken in: git would read each of them whole, and
 * one that holds nothing costs the tool nothing, however large it says it is.
 * @param parent the commit whose tree the index is made anew from where it cannot be used
 * @param names a file that may be written
 * @throws GitError
 */
export async function stageEverything(
  folder: string,
  at: readonly string[],
  parent: string,
  names: string,
  options: GitOptions,
): Promise<Remarks> {
  const add = async (...more: readonly string[]): Promise<string | undefined> => {
    const large = await listLarge(folder, at, options);
    await addAllBut(large, folder, at, more, names, options);
    return large.length === 0 ? undefined : describeLeft(`larger than ${resultLimits.fileBytes} bytes`, large);
  };
  try {
    return { problem: await add(), note: undefined };
  } catch (error) {
    if (!(error instanceof GitError) || options.stop.aborted) throw error;
  }
  // An index that git cannot use is only a cache of the parent's tree; what still fails then are single files.
  await rm(join(folder, '.git', 'index'), { recursive: true, force: true });
  await git(folder, at, ['read-tree', parent], options);
  try {
    return { problem: await add('--ignore-errors'), note: undefined };
  } catch (error) {
    if (!(error instanceof GitError) || options.stop.aborted) throw error;
    const message = `some files could not be committed: ${printableLine(error.message, remarkCharacters)}`;
    // Without room it is not some odd file that is missing: all of the work may be.
    if (error.stderr.includes('No space left on device')) return { problem: message, note: undefined };
    return { problem: undefined, note: message };
  }
}

/** The smallest first. */
async function listLarge(folder: string, at: readonly string[], options: GitOptions): Promise<Change[]> {
  const changes = await listChanges(folder, at, options);
  return changes
    .filter(({ bytes }) => (bytes ?? 0) > resultLimits.fileBytes)
    .sort((a, b) => (a.bytes ?? 0) - (b.bytes ?? 0));
}

async function addAllBut(
  left: readonly Change[],
  folder: string,
  at: readonly string[],
  more: readonly string[],
  names: string,
  options: GitOptions,
): Promise<void> {
  if (left.length === 0) {
    await git(folder, at, ['add', '-A', ...more], options);
    return;
  }
  const zero = Buffer.from([0]);
  const excluded = left.flatMap(({ path }) => [Buffer.from(':(top,exclude,literal)'), path, zero]);
  await writeFile(names, Buffer.concat([Buffer.from(':(top)\0'), ...excluded]));
  await using file = await open(names, 'r');
  const args = ['add', '-A', ...more, '--pathspec-from-file=-', '--pathspec-file-nul'];
  await git(folder, at, args, { ...options, stdin: file.fd });
}
