import { lstat, mkdir, open, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { resultLimits } from '@countersign/contracts/limits.ts';
import { GitError, type GitOptions, git, gitMaybe, repositoryAt } from '../git.ts';
import { resultRef, writeRepositoryConfig, writeShallow } from '../repository-config.ts';
import { chooseFitting } from './choose-fitting.ts';
import { bundleResult, type Collected, leftoverMessage } from './collect-repository.ts';
import { describeLeft } from './describe-left.ts';
import { agentLimits } from './limits.ts';
import { type Change, listChanges } from './list-changes.ts';
import { readUpTo } from './untrusted-file.ts';

/** Nothing is made smaller: what there is of it is bounded, and time is short. */
const inHaste = ['core.compression=0', 'pack.window=0'];

/**
 * Collects the work of a repository whose file system is full. Nothing is written there: a repository of our own, elsewhere,
 * borrows its objects and takes what is new. What finds no room, the largest files, is left out and named, so that it is refused
 * and can still be looked at.
 * @param scratch a folder that is not there yet, on a file system with room
 * @throws GitError
 */
export async function collectWithoutRoom(
  folder: string,
  baseHead: string,
  bundlePath: string,
  scratch: string,
  options: GitOptions,
): Promise<Collected> {
  const theirs = repositoryAt(folder);
  if (!((await lstat(join(folder, '.git')).catch(() => null))?.isDirectory() ?? false))
    return { head: undefined, bundle: undefined, problem: 'its .git folder is gone', note: undefined };
  await makeBorrower(scratch, folder, baseHead, options);
  const at = [`--git-dir=${scratch}/.git`, `--work-tree=${folder}`, ...inHaste.flatMap((setting) => ['-c', setting])];
  const commitOf = (name: string) =>
    gitMaybe(folder, theirs, ['rev-parse', '-q', '--verify', `${name}^{commit}`], options);
  const parent = (await commitOf('HEAD')) ?? (await commitOf(resultRef)) ?? baseHead;
  const changes = await listFrom(folder, at, parent, scratch, options);
  const { bavail, bsize } = await statfs(scratch);
  const { chosen, left } = chooseFitting(changes, {
    // Once as objects, once in the bundle.
    roomBytes: (bavail * bsize) / 2,
    fileBytes: resultLimits.fileBytes,
    files: resultLimits.changedPaths,
  });
  await stage(folder, at, chosen, scratch, options);
  const tree = await git(folder, at, ['write-tree'], options);
  const before = await git(folder, at, ['rev-parse', '--verify', `${parent}^{tree}`], options);
  const head =
    tree === before
      ? parent
      : await git(folder, at, ['commit-tree', tree, '-p', parent, '-m', leftoverMessage], options);
  const problem = left.length === 0 ? undefined : describeLeft('No space left on device', left);
  if (head === baseHead) return { head: undefined, bundle: undefined, problem, note: undefined };
  await bundleResult(scratch, baseHead, head, bundlePath, options);
  await rm(join(scratch, '.git', 'objects'), { recursive: true, force: true });
  return { head, bundle: bundlePath, problem, note: undefined };
}

async function makeBorrower(scratch: string, folder: string, baseHead: string, options: GitOptions): Promise<void> {
  const format = baseHead.length === 64 ? 'sha256' : 'sha1';
  await mkdir(scratch, { recursive: true });
  await git(scratch, [], ['init', '-q', '--template=', `--object-format=${format}`, '-b', 'agent', scratch], options);
  await writeRepositoryConfig(scratch, baseHead);
  await writeShallow(scratch, [baseHead]);
  await mkdir(join(scratch, '.git', 'objects', 'info'), { recursive: true });
  await writeFile(join(scratch, '.git', 'objects', 'info', 'alternates'), `${join(folder, '.git', 'objects')}\n`);
}

/** Their index knows which files did not change; where it cannot be used, everything is read. */
async function listFrom(
  folder: string,
  at: readonly string[],
  parent: string,
  scratch: string,
  options: GitOptions,
): Promise<Change[]> {
  const index = await readUpTo(join(folder, '.git', 'index'), agentLimits.indexBytes);
  if (index !== undefined && index.size === index.data.length) {
    await writeFile(join(scratch, '.git', 'index'), index.data);
    try {
      return await listChanges(folder, at, options);
    } catch (error) {
      if (!(error instanceof GitError) || options.stop.aborted) throw error;
      await rm(join(scratch, '.git', 'index'), { force: true });
    }
  }
  await git(folder, at, ['read-tree', parent], options);
  return await listChanges(folder, at, options);
}

async function stage(
  folder: string,
  at: readonly string[],
  changes: readonly Change[],
  scratch: string,
  options: GitOptions,
): Promise<void> {
  const path = join(scratch, 'changes');
  const zero = Buffer.from([0]);
  await writeFile(path, Buffer.concat(changes.flatMap((change) => [change.path, zero])));
  await using names = await open(path, 'r');
  const args = ['update-index', '-z', '--add', '--remove', '--replace', '--stdin'];
  await git(folder, at, args, { ...options, stdin: names.fd });
}
