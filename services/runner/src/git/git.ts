import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Finished, run } from '../adapters/process.ts';
import { refusedGitFolder } from './git-folder.ts';

/** git refused or failed; `stderr` is git's own words. */
export class GitError extends Error {
  readonly code = 'git';
  readonly stderr: string;
  readonly exitCode: number | undefined;
  constructor(args: readonly string[], finished: Finished) {
    const detail = finished.stderr.trim() || finished.cause;
    super(`git ${args[0] ?? ''} failed: ${detail.slice(0, 1_000)}`);
    this.name = 'GitError';
    this.stderr = finished.stderr;
    this.exitCode = finished.exitCode;
  }
}

export type GitOptions = {
  readonly input?: Uint8Array | { readonly path: string };
  /** Where standard output goes instead of into memory; it is durable when git has succeeded. */
  readonly outputPath?: string;
  readonly maxBytes?: number;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
};

/**
 * Nothing of a repository's configuration may start a program, ask, fetch, or rewrite what we did not ask for. The options stand
 * before the command, where a repository's own configuration cannot override them.
 */
const hardening = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'core.untrackedCache=false',
  'core.pager=cat',
  'core.alternateRefsCommand=true',
  'protocol.allow=never',
  'gc.auto=0',
  'maintenance.auto=false',
  'submodule.recurse=false',
  'diff.external=',
  'credential.helper=',
  'commit.gpgSign=false',
  'tag.gpgSign=false',
  'log.showSignature=false',
  'gpg.program=false',
  'transfer.fsckObjects=true',
  // Files beside the objects that a repository could have forged: what they say is never taken for what the objects are.
  'core.commitGraph=false',
  'core.multiPackIndex=false',
  'pack.useBitmaps=false',
  'pack.threads=1',
].flatMap((setting) => ['-c', setting]);

/** What a command never does, whatever it is asked: a symbolic ref would make another ref move than the one that is named. */
const always: Readonly<Record<string, readonly string[]>> = { 'update-ref': ['--no-deref'] };

const environment = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  HOME: '/nonexistent',
  LANG: 'C.UTF-8',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_TERMINAL_PROMPT: '0',
  // Set, and empty: no protocol at all, whatever `protocol.<name>.allow` says in the repository.
  GIT_ALLOW_PROTOCOL: '',
  // In a partial clone, a missing object is an error and no reason to fetch.
  GIT_NO_LAZY_FETCH: '1',
  GIT_OPTIONAL_LOCKS: '0',
  GIT_NO_REPLACE_OBJECTS: '1',
  // Not the repository's own, which could give a commit other parents.
  GIT_GRAFT_FILE: '/nonexistent/grafts',
  GIT_ASKPASS: 'true',
  GIT_EDITOR: 'true',
  GIT_SEQUENCE_EDITOR: 'true',
};

/** Runs git in `folder` with everything switched off that a hostile repository could use. @throws GitError */
export async function git(folder: string, args: readonly string[], options: GitOptions = {}): Promise<Buffer> {
  const finished = await tryGit(folder, args, options);
  if (finished.exitCode !== 0) throw new GitError(args, finished);
  if (options.outputPath !== undefined) await syncFile(options.outputPath);
  return finished.stdout;
}

/** The same for callers to whom git's exit code is an answer. @throws GitError when it was ended by the signal */
export async function tryGit(folder: string, args: readonly string[], options: GitOptions = {}): Promise<Finished> {
  const refused = await refusedGitFolder(folder, args);
  if (refused !== null) return { exitCode: undefined, stdout: Buffer.alloc(0), stderr: '', cause: refused };
  // A folder that lost its own `.git` must not become a part of a repository above it.
  const env = { ...environment, GIT_CEILING_DIRECTORIES: dirname(folder) };
  const [command = '', ...rest] = args;
  const finished = await run('git', [...hardening, command, ...(always[command] ?? []), ...rest], {
    cwd: folder,
    env,
    ...options,
  });
  // We ended it: what it would have answered is not known.
  if (finished.exitCode !== 0 && options.signal?.aborted === true) throw new GitError(args, finished);
  return finished;
}

/** The one line that git printed, without its line feed. @throws GitError */
export async function gitLine(folder: string, args: readonly string[], options: GitOptions = {}): Promise<string> {
  return (await git(folder, args, options)).toString('utf8').trimEnd();
}

async function syncFile(path: string): Promise<void> {
  await using file = await open(path, 'r');
  await file.sync();
}
