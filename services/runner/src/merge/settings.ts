import { GitError, tryGit } from '../git/git.ts';
import type { Repository } from '../git/repository.ts';

/** What the repository's own configuration says about its checkout. The operator's global one is not visible here. */
export type Settings = {
  readonly fileMode: boolean;
  readonly symlinks: boolean;
  readonly ignoreCase: boolean;
  readonly sparse: boolean;
  readonly reflog: boolean;
  readonly autocrlf: 'false' | 'input' | 'true';
  readonly crlf: boolean;
  readonly attributesFile: string | null;
  readonly workTree: string | null;
};

const keys =
  '^core\\.(filemode|symlinks|ignorecase|sparsecheckout|logallrefupdates|autocrlf|eol|attributesfile|worktree)$';

/** @throws GitError */
export async function readSettings(repository: Repository): Promise<Settings> {
  const args = ['config', '-z', '--get-regexp', keys];
  const answer = await tryGit(repository.folder, args, { timeoutMs: 10_000 });
  if (answer.exitCode !== 0 && answer.exitCode !== 1) throw new GitError(args, answer);
  const found = new Map<string, string>();
  for (const entry of answer.stdout.toString('utf8').split('\0')) {
    const end = entry.indexOf('\n');
    // A key without a value is a yes.
    if (entry !== '') found.set(end < 0 ? entry : entry.slice(0, end), end < 0 ? 'true' : entry.slice(end + 1));
  }
  const yes = (key: string, otherwise: boolean) => {
    const value = found.get(`core.${key}`)?.toLowerCase();
    return value === undefined ? otherwise : !['false', 'no', 'off', '0', ''].includes(value);
  };
  const input = found.get('core.autocrlf')?.toLowerCase() === 'input';
  return {
    fileMode: yes('filemode', true),
    symlinks: yes('symlinks', true),
    ignoreCase: yes('ignorecase', false),
    sparse: yes('sparsecheckout', false),
    reflog: yes('logallrefupdates', true),
    autocrlf: input ? 'input' : yes('autocrlf', false) ? 'true' : 'false',
    crlf: found.get('core.eol')?.toLowerCase() === 'crlf',
    attributesFile: found.get('core.attributesfile') ?? null,
    workTree: found.get('core.worktree') ?? null,
  };
}
