import { lstat, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type GitOptions, git, gitMaybe, repositoryAt } from '../git.ts';
import { resultRef, writeRepositoryConfig, writeShallow } from '../repository-config.ts';
import { type Remarks, stageEverything } from './stage-everything.ts';

/** What became of a repository. A refused one may still have a bundle, so that the work can be looked at. */
export type Collected = {
  readonly head: string | undefined;
  readonly bundle: string | undefined;
  /** Why it is refused. */
  readonly problem: string | undefined;
  /** What the operator should know of a result that is not refused. */
  readonly note: string | undefined;
};

const nothing = { head: undefined, bundle: undefined, problem: undefined, note: undefined } as const;
export const leftoverMessage = 'Work left uncommitted by the agent';

/**
 * Commits what a tool left uncommitted and bundles everything since the base. The result is the commit of HEAD, whatever branch
 * the tool is on; with HEAD on a branch without commits, the files are taken as work upon the base.
 * Nothing of the tool's may run any more when this is called.
 * @param bundlePath where the bundle goes; an unchanged repository has none
 * @throws GitError when git cannot do it
 */
export async function collectRepository(
  folder: string,
  baseHead: string,
  bundlePath: string,
  options: GitOptions,
): Promise<Collected> {
  if (!(await isFolder(folder)) || !(await isFolder(join(folder, '.git'))))
    return { ...nothing, problem: 'its .git folder is gone' };
  const at = repositoryAt(folder);
  await writeRepositoryConfig(folder, baseHead);
  await forgetLocks(folder);
  if ((await gitMaybe(folder, at, ['cat-file', '-e', `${baseHead}^{commit}`], options)) === undefined)
    return { ...nothing, problem: 'its .git folder was made anew and does not hold the base commit' };
  await writeShallow(folder, [baseHead]);

  const { head, ...remarks } = await commitLeftovers(folder, at, baseHead, `${bundlePath}.names`, options);
  if (head === baseHead) return { ...nothing, ...remarks };
  const descends = await gitMaybe(folder, at, ['merge-base', '--is-ancestor', baseHead, head], options);
  await bundleResult(folder, baseHead, head, bundlePath, options);
  const problem = descends === undefined ? 'its result does not descend from the base commit' : remarks.problem;
  return { head, bundle: bundlePath, problem, note: remarks.note };
}

/** Bundles everything from the base to the result. @throws GitError */
export async function bundleResult(
  folder: string,
  baseHead: string,
  head: string,
  bundlePath: string,
  options: GitOptions,
): Promise<void> {
  const at = repositoryAt(folder);
  await git(folder, at, ['update-ref', '--no-deref', resultRef, head], options);
  await git(folder, at, ['bundle', 'create', '-q', bundlePath, `${baseHead}..${resultRef}`], options);
}

async function commitLeftovers(
  folder: string,
  at: readonly string[],
  baseHead: string,
  names: string,
  options: GitOptions,
): Promise<{ head: string } & Remarks> {
  const commitOf = (name: string) => gitMaybe(folder, at, ['rev-parse', '-q', '--verify', `${name}^{commit}`], options);
  const parent = (await commitOf('HEAD')) ?? (await commitOf(resultRef)) ?? baseHead;
  const remarks = await stageEverything(folder, at, parent, names, options);
  const tree = await git(folder, at, ['write-tree'], options);
  const before = await git(folder, at, ['rev-parse', '--verify', `${parent}^{tree}`], options);
  if (tree === before) return { head: parent, ...remarks };
  const head = await git(folder, at, ['commit-tree', tree, '-p', parent, '-m', leftoverMessage], options);
  return { head, ...remarks };
}

async function isFolder(path: string): Promise<boolean> {
  const stats = await lstat(path).catch(() => undefined);
  return stats?.isDirectory() ?? false;
}

/** Locks of git processes that were killed in the middle of their work. */
async function forgetLocks(folder: string): Promise<void> {
  for (const name of [
    'index.lock',
    'HEAD.lock',
    'config.lock',
    'shallow.lock',
    'packed-refs.lock',
    'refs/heads/agent.lock',
  ])
    await rm(join(folder, '.git', name), { recursive: true, force: true });
}
