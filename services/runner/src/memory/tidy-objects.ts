import { tryGit } from '../git/git.ts';
import { memoryLimits } from './memory-limits.ts';

/**
 * Packs single objects when there are many: each commit leaves some, and the list of a folder with thousands of handoffs is large.
 * Nothing is thrown away but what the new pack holds as well. A failure costs room and nothing else.
 */
export async function tidyObjects(folder: string): Promise<void> {
  const options = { timeoutMs: memoryLimits.gitMs };
  const counted = await tryGit(folder, ['count-objects'], options);
  const loose = Number(/^(\d+) objects/.exec(counted.stdout.toString('utf8'))?.[1] ?? 0);
  if (loose >= memoryLimits.looseObjects) await tryGit(folder, ['repack', '-d', '-l', '-q'], options);
}
