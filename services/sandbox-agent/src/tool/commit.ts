import { GitError, git, gitMaybe, repositoryAt } from '../git.ts';
import { checkoutFolders } from '../task-folder.ts';
import type { Task } from './read-task.ts';

const limitMs = 60_000;

/** Where each repository stands now; undefined for one without a commit. */
export async function headsOf(task: Task, workspace: string): Promise<(string | undefined)[]> {
  const heads: (string | undefined)[] = [];
  for (const folder of checkoutFolders(workspace, task.repositories))
    heads.push(
      await gitMaybe(folder, repositoryAt(folder), ['rev-parse', 'HEAD'], { stop: AbortSignal.timeout(limitMs) }),
    );
  return heads;
}

/**
 * Commits what is uncommitted in every repository.
 * @param before what `headsOf` said at the start
 * @returns for people: what has changed since then, per repository
 */
export async function commitWork(
  task: Task,
  workspace: string,
  before: readonly (string | undefined)[],
  title: string,
): Promise<string> {
  const reports: string[] = [];
  for (const [index, folder] of checkoutFolders(workspace, task.repositories).entries()) {
    const name = task.repositories[index] ?? '';
    reports.push(`${name}:\n${await commitOne(folder, before[index], title)}`);
  }
  return reports.join('\n\n');
}

async function commitOne(folder: string, before: string | undefined, title: string): Promise<string> {
  const at = repositoryAt(folder);
  const options = { stop: AbortSignal.timeout(limitMs) };
  try {
    await git(folder, at, ['add', '-A'], options);
    const clean = await gitMaybe(folder, at, ['diff', '--cached', '--quiet'], options);
    if (clean === undefined) await git(folder, at, ['commit', '-q', '-m', title], options);
    if (before === undefined) return 'committed';
    const changes = await git(folder, at, ['diff', '--stat=100', '--no-ext-diff', before, 'HEAD'], options);
    return changes === '' ? 'nothing was changed' : changes;
  } catch (error) {
    // What is not committed here is committed when the result is collected.
    if (error instanceof GitError) return `not committed: ${error.message}`;
    throw error;
  }
}
