import { type Command, runProcess } from './process.ts';

/** git refused or failed; `stderr` is its own last words, shortened. */
export class GitError extends Error {
  readonly code = 'git-failed';
  readonly stderr: string;
  constructor(action: string, stderr: string) {
    super(`git ${action} failed: ${stderr.trim() || 'no message'}`);
    this.name = 'GitError';
    this.stderr = stderr;
  }
}

/** Nothing of the machine's or the user's configuration, no hook, no helper, no signature, no transport. */
const hardening = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'commit.gpgsign=false',
  'protocol.allow=never',
].flatMap((setting) => ['-c', setting]);

const environment = {
  PATH: process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin',
  HOME: '/nonexistent',
  LANG: 'C.UTF-8',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_TERMINAL_PROMPT: '0',
  GIT_NO_REPLACE_OBJECTS: '1',
};

/** What is kept of git's output: a list of refs or one object name, never contents. */
const outputBytes = 256 * 1024;
const errorBytes = 2_000;

export type GitOptions = {
  readonly stop: AbortSignal;
  readonly stdin?: number;
  readonly env?: Readonly<Record<string, string>>;
};

/** The repository of a checkout, named outright, so that git never goes looking for another one. */
export function repositoryAt(folder: string): readonly string[] {
  return [`--git-dir=${folder}/.git`, `--work-tree=${folder}`];
}

/** What git said by its exit code, 0 or another, and its standard output, cut at a limit. */
export type GitAnswer = {
  readonly code: number;
  readonly stdout: Buffer;
  readonly cut: boolean;
  readonly stderr: string;
};

/**
 * Runs hardened git.
 * @param at `repositoryAt(folder)`, or nothing for a command that needs no repository
 * @param limitBytes of standard output; what is more is forgotten
 * @throws GitError when git did not come to an end of its own
 */
export async function gitAnswer(
  cwd: string,
  at: readonly string[],
  args: readonly string[],
  options: GitOptions,
  limitBytes = outputBytes,
): Promise<GitAnswer> {
  const command: Command = {
    argv: ['git', ...hardening, ...at, ...args],
    cwd,
    env: { ...environment, ...options.env },
    ...(options.stdin === undefined ? {} : { stdin: options.stdin }),
  };
  const action = args[0] ?? '';
  if (options.stop.aborted) throw new GitError(action, 'ended before it was begun');
  const output: Buffer[] = [];
  let seen = 0;
  let complaint = '';
  const ended = await runProcess(
    command,
    (data, from) => {
      if (from === 'stderr') complaint = (complaint + data.toString('utf8')).slice(-errorBytes);
      else {
        if (seen < limitBytes) output.push(data.subarray(0, limitBytes - seen));
        seen += data.length;
      }
    },
    options.stop,
  );
  if (options.stop.aborted) throw new GitError(action, 'ended before it was finished');
  if (ended.kind === 'missing') throw new GitError(action, ended.message);
  if (ended.kind === 'killed') throw new GitError(action, `ended by ${ended.signal}`);
  return { code: ended.code, stdout: Buffer.concat(output), cut: seen > limitBytes, stderr: complaint };
}

/**
 * Like {@link gitAnswer}, for a command that must succeed.
 * @returns standard output without the trailing line feed, at most 256 KiB
 * @throws GitError when git exits with anything but 0; its name says the subcommand
 */
export async function git(
  cwd: string,
  at: readonly string[],
  args: readonly string[],
  options: GitOptions,
): Promise<string> {
  const { code, stdout, stderr } = await gitAnswer(cwd, at, args, options);
  if (code !== 0) throw new GitError(args[0] ?? '', stderr);
  return stdout.toString('utf8').replace(/\n$/, '');
}

/** Like {@link git}, with the refusal as an answer: undefined when git exits with anything but 0. */
export async function gitMaybe(
  cwd: string,
  at: readonly string[],
  args: readonly string[],
  options: GitOptions,
): Promise<string | undefined> {
  try {
    return await git(cwd, at, args, options);
  } catch (error) {
    if (error instanceof GitError && !options.stop.aborted) return undefined;
    throw error;
  }
}
