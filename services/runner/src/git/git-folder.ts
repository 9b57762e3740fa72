import { lstat, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing } from '@countersign/kit/files.ts';
import { isPassing } from '@countersign/kit/system-trouble.ts';

/** What git writes into; as a link it would lead git's hand out of the repository. */
const written = ['objects', 'objects/info', 'objects/pack', 'refs', 'refs/heads', 'logs', 'logs/refs', 'packed-refs'];
/** What git opens whatever it is asked; a named pipe in the place of one would make it wait. */
const read = ['info/attributes', 'info/exclude', 'info/sparse-checkout', 'objects/info/alternates'];

/**
 * Why git must not be run in a folder with a `.git` of its own, or null: something in there makes it another repository, or leads
 * to one. None of it is a setting that could be switched off.
 * @param args of git; the refs that they name, and their logs, must be no links on any level
 * @throws the system's error where the machine cannot tell just now
 */
export async function refusedGitFolder(folder: string, args: readonly string[]): Promise<string | null> {
  const inside = (name: string) => join(folder, '.git', name);
  const refs = args.filter((arg) => arg.startsWith('refs/')).flatMap(levelsOf);
  const linked = [...written, ...refs, ...refs.map((ref) => `logs/${ref}`)];
  const found = await Promise.all([
    kindOf(inside('commondir'), lstat).then((kind) => kind !== 'none' && '.git/commondir makes it another repository'),
    ...linked.map(
      async (name) => (await kindOf(inside(name), lstat)) === 'link' && `.git/${JSON.stringify(name)} is a link`,
    ),
    ...read.map(async (name) => (await kindOf(inside(name), stat)) === 'special' && `.git/${name} is no regular file`),
  ]);
  return found.find((reason) => reason !== false) ?? null;
}

/** `refs/agentic/x/y` and each folder that it lies in, below `refs`. */
function levelsOf(ref: string): string[] {
  const parts = ref.split('/');
  return parts.slice(1).map((_part, index) => parts.slice(0, index + 2).join('/'));
}

async function kindOf(path: string, look: typeof lstat | typeof stat): Promise<'none' | 'plain' | 'link' | 'special'> {
  try {
    const found = await look(path);
    if (found.isSymbolicLink()) return 'link';
    return found.isFile() || found.isDirectory() ? 'plain' : 'special';
  } catch (error) {
    // The machine's trouble is none of the repository's.
    if (isPassing(error)) throw error;
    // What we may not look at, git may not either; it says so better.
    return isMissing(error) ? 'none' : 'special';
  }
}
