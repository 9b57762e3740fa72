import { lstat, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { ObjectId } from '@countersign/contracts/names.ts';
import { isMissing } from '@countersign/kit/files.ts';
import { gitLine, tryGit } from './git.ts';

export type Repository = { readonly name: string; readonly folder: string };
export type Base = { readonly branch: string; readonly head: ObjectId };
export type Found<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string };

/**
 * The repository of a workspace. A folder that is missing, no repository, or another user's is a refusal that says what mends it.
 * @param userId numeric id that everything in the workspace must belong to: our own
 */
export async function findRepository(workspaces: string, name: string, userId: number): Promise<Found<Repository>> {
  const folder = join(workspaces, name);
  try {
    const found = await lstat(folder);
    if (!found.isDirectory()) return refuse(`workspaces/${name} is no folder`);
    if ((await realpath(folder)) !== folder) return refuse(`workspaces/${name} is reached through a link`);
    const foreign = await foreignOwner(
      [folder, join(folder, '.git'), join(folder, '.git', 'objects'), join(folder, '.git', 'refs')],
      userId,
    );
    if (foreign !== null) {
      return refuse(
        `workspaces/${name} belongs to user ${foreign}, this stack runs as ${userId}; mend it with: sudo chown -R ${userId} <home>/workspaces/${name}`,
      );
    }
  } catch (error) {
    if (isMissing(error)) return refuse(`workspaces/${name} does not exist`);
    throw error;
  }
  const inside = await tryGit(folder, ['rev-parse', '--show-cdup']);
  if (inside.exitCode !== 0 || inside.stdout.toString().trim() !== '') {
    return refuse(
      `workspaces/${name} is no git repository; make it one with: git init && git add -A && git commit -m "first"`,
    );
  }
  return { ok: true, value: { name, folder } };
}

async function foreignOwner(paths: readonly string[], userId: number): Promise<number | null> {
  for (const path of paths) {
    try {
      const { uid } = await lstat(path);
      if (uid !== userId) return uid;
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
  return null;
}

/** The commit that a task starts from: of `branch`, or of what is checked out. */
export async function findBase(repository: Repository, branch: string | undefined): Promise<Found<Base>> {
  const chosen = branch ?? (await checkedOut(repository));
  if (chosen === null)
    return refuse(`workspaces/${repository.name} has no branch checked out; name one with base_branch`);
  const answer = await tryGit(repository.folder, [
    'rev-parse',
    '--verify',
    '--quiet',
    '--end-of-options',
    `refs/heads/${chosen}^{commit}`,
  ]);
  const head = ObjectId.safeParse(answer.stdout.toString('utf8').trim());
  if (answer.exitCode !== 0 || !head.success) {
    return refuse(`branch ${chosen} of workspaces/${repository.name} does not exist or has no commit yet`);
  }
  return { ok: true, value: { branch: chosen, head: head.data } };
}

async function checkedOut(repository: Repository): Promise<string | null> {
  const answer = await tryGit(repository.folder, ['symbolic-ref', '--quiet', '--short', 'HEAD']);
  const branch = answer.stdout.toString('utf8').trim();
  return answer.exitCode === 0 && branch !== '' ? branch : null;
}

/** Keeps a task's base commit alive, whatever happens to its branch. @throws GitError */
export async function pinBase(repository: Repository, run: string, task: string, head: ObjectId): Promise<void> {
  await gitLine(repository.folder, ['update-ref', '-m', 'countersign: base', `refs/agentic-base/${run}/${task}`, head]);
}

/** Bytes that a checkout of the commit takes, and how many files. @throws GitError */
export async function measureCheckout(
  repository: Repository,
  head: ObjectId,
): Promise<{ bytes: number; files: number }> {
  const listing = await gitLine(repository.folder, [
    'ls-tree',
    '-r',
    '-l',
    '-z',
    '--full-tree',
    '--end-of-options',
    head,
  ]);
  let bytes = 0;
  let files = 0;
  for (const entry of listing.split('\0')) {
    const size = /^\d{6} blob [0-9a-f]+ +(\d+)\t/.exec(entry)?.[1];
    if (size === undefined) continue;
    bytes += Number(size);
    files += 1;
  }
  return { bytes, files };
}

function refuse(reason: string): { ok: false; reason: string } {
  return { ok: false, reason };
}
