import { createHash } from 'node:crypto';
import { lstat, readdir, readFile, readlink } from 'node:fs/promises';
import { join } from 'node:path';

/** Every file of a folder, git's own among them, by path: mode, time of its last change and content's digest. */
async function stateOf(folder: string): Promise<Readonly<Record<string, string>>> {
  const state: Record<string, string> = {};
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    const { mode, mtimeNs } = await lstat(path, { bigint: true });
    if (entry.isDirectory()) continue;
    const content = entry.isSymbolicLink() ? await readlink(path) : await readFile(path);
    state[path.slice(folder.length + 1)] = `${mode} ${mtimeNs} ${createHash('sha256').update(content).digest('hex')}`;
  }
  return state;
}

/** The same without what belongs to the control plane: its refs, and the objects that they keep. */
export async function ownStateOf(folder: string): Promise<Readonly<Record<string, string>>> {
  const ours = /(?:^|\/)\.git\/(?:objects\/|refs\/agentic|logs\/refs\/agentic)/;
  return Object.fromEntries(Object.entries(await stateOf(folder)).filter(([path]) => !ours.test(path)));
}
