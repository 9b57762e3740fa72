import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type GitOptions, git, repositoryAt } from '../git.ts';

/**
 * Writes commits into a repository; git refuses what is malformed.
 * @param scratch a folder for their texts
 * @returns their ids, in their order
 * @throws GitError
 */
export async function storeCommits(
  folder: string,
  commits: readonly Buffer[],
  scratch: string,
  options: GitOptions,
): Promise<string[]> {
  const paths = commits.map((_, index) => join(scratch, `commit-${index}`));
  for (const [index, path] of paths.entries()) await writeFile(path, commits[index] ?? '');
  const list = join(scratch, 'commits');
  await writeFile(list, paths.map((path) => `${path}\n`).join(''));
  const stdin = await open(list, 'r');
  try {
    const args = ['hash-object', '-t', 'commit', '-w', '--no-filters', '--stdin-paths'];
    const ids = await git(folder, repositoryAt(folder), args, { ...options, stdin: stdin.fd });
    return ids.split('\n');
  } finally {
    await stdin.close();
  }
}
