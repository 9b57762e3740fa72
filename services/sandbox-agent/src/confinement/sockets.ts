import { lstatSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Attempt, foundIn } from './attempt.ts';

/** Where a sandbox's own sockets are. */
const own = ['/slot/', '/model/'];
/** The kernel's, without a file of anybody's. */
const kernel = new Set(['/proc', '/sys']);
/** NVIDIA's container toolkit mounts it into what has its graphics processors. */
const graphics = '/run/nvidia-persistenced/socket';

/** No socket in any file system but the slot's own, and none without a file: those of this network are nobody's but the sandbox's. */
export const sockets: readonly Attempt[] = [
  { what: 'sockets in the file system', make: findSockets },
  { what: 'sockets without a file', make: findAbstract },
];

async function findSockets(): Promise<string | null> {
  const found: string[] = [];
  const folders = ['/'];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop())
    for (const name of namesIn(folder)) {
      const path = join(folder, name);
      // What a folder says of a name's kind is not true of one that is mounted over.
      const stats = lstatSync(path, { throwIfNoEntry: false });
      if (stats?.isDirectory() === true && !kernel.has(path)) folders.push(path);
      else if (stats?.isSocket() === true && path !== graphics && !own.some((prefix) => path.startsWith(prefix)))
        found.push(path);
    }
  return foundIn(found);
}

/** What may not be listed may not be opened by a name that nobody knows. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

async function findAbstract(): Promise<string | null> {
  const table = await readFile('/proc/net/unix', 'utf8').catch(() => '');
  const found = table
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/)[7] ?? '')
    .filter((path) => path.startsWith('@'));
  return foundIn(found);
}
