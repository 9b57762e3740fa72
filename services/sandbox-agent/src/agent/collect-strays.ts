import { readdir } from 'node:fs/promises';
import { printableLine } from '../printable.ts';
import { agentLimits } from './limits.ts';

/**
 * What lies beside the repositories of a workspace, where it is in no commit and gets lost.
 * @param repositories their folders' names; with one alone the workspace itself is the repository
 * @returns for people
 */
export async function collectStrays(workspace: string, repositories: readonly string[]): Promise<string[]> {
  if (repositories.length < 2) return [];
  const names = await readdir(workspace).catch(() => []);
  const strays = names.filter((name) => !repositories.includes(name)).sort();
  if (strays.length === 0) return [];
  const shown = strays.slice(0, agentLimits.namedStrays).map((name) => printableLine(name, 80));
  const more = strays.length - shown.length;
  return [`left out, for it lies in no repository: ${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`];
}
