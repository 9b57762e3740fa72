import { lstat, realpath } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ObjectId } from '@countersign/contracts/names.ts';
import { exists, isMissing } from '@countersign/kit/files.ts';
import { gitLine, tryGit } from './git.ts';
import { refusedGitFolder } from './git-folder.ts';
import { KnownFormats } from './known-formats.ts';
import { setOwnRef } from './own-ref.ts';
import { readHead, readLooseHead, readLooseRef } from './read-ref.ts';

/** Questions that git answers from a few small files; a repository in which they take longer holds the work loop up. */
const probe = { timeoutMs: 10_000 };
const knownFormats = new KnownFormats();
/** What git opens whatever it is asked; a named pipe in the place of one would make it wait. */
const readByGit = ['HEAD', 'config', 'config.worktree', 'packed-refs', 'commondir', 'shallow', 'index'];

/** `path` is relative to `workspaces/`: the workspace's own name, or `workspace/name` where it holds several. */
export type Repository = { readonly name: string; readonly path: string; readonly folder: string };
type BranchHead = { readonly branch: string; readonly head: ObjectId };
export type Found<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly reason: string };

/**
 * A repository below `workspaces/`. A folder that is missing, no repository, or another user's is a refusal that says what mends it.
 * @param path of the repository, relative to `workspaces/`; its parts are names that were checked
 * @param userId numeric id that everything in the workspace must belong to: our own
 */
export async function findRepository(workspaces: string, path: string, userId: number): Promise<Found<Repository>> {
  const folder = join(workspaces, path);
  try {
    const found = await lstat(folder);
    // Before anything in it is looked at: another user's folder may be shut.
    if (found.isDirectory() && found.uid !== userId) return refuse(foreign(path, found.uid, userId));
    if (!found.isDirectory()) return refuse(`workspaces/${path} is no folder`);
    if ((await realpath(folder)) !== folder) return refuse(`workspaces/${path} is reached through a link`);
    if (await isReference(join(folder, '.git'))) {
      return refuse(
        `workspaces/${path}/.git is no folder but points elsewhere (a linked worktree or a submodule); clone the repository here instead`,
      );
    }
    const special = await firstSpecial(join(folder, '.git'));
    if (special !== null) return refuse(`workspaces/${path}/.git/${special} is no regular file`);
    if (await exists(join(folder, '.git', 'objects', 'info', 'alternates'))) {
      return refuse(
        `workspaces/${path} borrows objects from another repository, which its owner can change; make it whole with: git -C <home>/workspaces/${path} repack -a -d && rm <home>/workspaces/${path}/.git/objects/info/alternates`,
      );
    }
    const owner = await foreignOwner(
      [join(folder, '.git'), join(folder, '.git', 'objects'), join(folder, '.git', 'refs')],
      userId,
    );
    if (owner !== null) return refuse(foreign(path, owner, userId));
  } catch (error) {
    if (isMissing(error)) return refuse(`workspaces/${path} does not exist`);
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code === 'EACCES' || code === 'ELOOP')
      return refuse(`workspaces/${path} cannot be read by user ${userId} (${code})`);
    throw error;
  }
  const refused = await refusedGitFolder(folder, []);
  if (refused !== null) return refuse(`workspaces/${path}: ${refused}`);
  const format = await knownFormats.of(folder, () => askFormat(folder));
  if (!format.ok) return refuse(`workspaces/${path}${format.reason}`);
  if (format.value !== 'sha1')
    return refuse(`workspaces/${path} names its objects by ${format.value}, which this version does not carry out`);
  return { ok: true, value: { name: basename(path), path, folder } };
}

/** By what the repository names its objects, as git says, where it takes the folder for one of its own. */
async function askFormat(folder: string): Promise<Found<string>> {
  // Both are asked for: files in the workspace itself can look like a bare repository, with a configuration of their own.
  const asked = ['rev-parse', '--show-toplevel', '--absolute-git-dir', '--show-object-format'];
  const answer = await tryGit(folder, asked, probe);
  if (answer.exitCode === undefined && answer.cause !== '') return refuse(`: ${answer.cause}`);
  const [topLevel, gitFolder, format = ''] = answer.stdout.toString('utf8').split('\n');
  return answer.exitCode === 0 && topLevel === folder && gitFolder === join(folder, '.git')
    ? { ok: true, value: format }
    : refuse(' is no git repository; make it one with: git init && git add -A && git commit -m "first"');
}

/** Whether `.git` is a file or a link: what it names lies outside of the workspace, and need not be the operator's. */
async function isReference(path: string): Promise<boolean> {
  try {
    return !(await lstat(path)).isDirectory();
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

async function firstSpecial(gitFolder: string): Promise<string | null> {
  for (const name of readByGit) {
    try {
      if (!(await lstat(join(gitFolder, name))).isFile()) return name;
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
  return null;
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
export async function findBase(repository: Repository, branch: string | undefined): Promise<Found<BranchHead>> {
  const chosen = branch ?? (await checkedOut(repository));
  if (chosen === null)
    return refuse(`workspaces/${repository.path} has no branch checked out; name one with base_branch`);
  const head = (await readLooseHead(repository.folder, chosen)) ?? (await askHead(repository, chosen));
  if (head === null)
    return refuse(`branch ${chosen} of workspaces/${repository.path} does not exist or has no commit yet`);
  return { ok: true, value: { branch: chosen, head } };
}

/** Not `rev-parse`, to which `main~1` would be a name as well. */
async function askHead({ folder }: Repository, branch: string): Promise<ObjectId | null> {
  const answer = await tryGit(folder, ['show-ref', '--verify', '--hash', '--', `refs/heads/${branch}`], probe);
  const head = ObjectId.safeParse(answer.stdout.toString('utf8').trim());
  return answer.exitCode === 0 && head.success ? head.data : null;
}

async function checkedOut(repository: Repository): Promise<string | null> {
  const known = await readHead(repository.folder);
  if (known !== null) return known;
  const answer = await tryGit(repository.folder, ['symbolic-ref', '--quiet', 'HEAD'], probe);
  return /^refs\/heads\/(.+)$/.exec(answer.stdout.toString('utf8').trim())?.[1] ?? null;
}

/** Keeps a task's base commit alive, whatever happens to its branch. @throws GitError */
export async function pinBase({ folder }: Repository, run: string, task: string, head: ObjectId): Promise<void> {
  const ref = `refs/agentic-base/${run}/${task}`;
  if ((await readLooseRef(folder, ref)) !== head) await setOwnRef(folder, ref, head, 'countersign: base', probe);
}

/** So many commits are measured once. */
const measuredCommits = 256;
/** By folder and commit, whose tree never changes. */
const measured = new Map<string, Promise<CheckoutSize>>();
type CheckoutSize = { readonly bytes: number; readonly files: number };

/** Bytes that a checkout of the commit takes, and how many files. @throws GitError */
export function measureCheckout({ folder }: Repository, head: ObjectId): Promise<CheckoutSize> {
  const key = `${folder} ${head}`;
  const known = measured.get(key);
  if (known !== undefined) return known;
  if (measured.size >= measuredCommits) measured.clear();
  const asked = askSize(folder, head);
  measured.set(key, asked);
  asked.catch(() => measured.delete(key));
  return asked;
}

async function askSize(folder: string, head: ObjectId): Promise<CheckoutSize> {
  const listing = await gitLine(folder, ['ls-tree', '-r', '-l', '-z', '--full-tree', '--end-of-options', head]);
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

function foreign(path: string, owner: number, userId: number): string {
  return `workspaces/${path} belongs to user ${owner}, this stack runs as ${userId}; mend it with: sudo chown -R ${userId} <home>/workspaces/${path}`;
}
