import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { inertLine } from '@countersign/contracts/inert-text.ts';
import { WorkspaceName } from '@countersign/contracts/names.ts';
import { lookAt } from '@countersign/kit/files.ts';
import { stampOf } from '../queue/observe.ts';
import { memoryLimits } from './memory-limits.ts';
import { isMemoryName, memoryFolders, readmeName } from './memory-path.ts';
import { listFolder, readMaterial } from './read-material.ts';

/** Path to the name that git gives the file's bytes as they are, without any conversion. */
export type Tree = ReadonlyMap<string, string>;
export type Scanned = {
  readonly files: Tree;
  /** What is there and not taken in, and why; for people, so inert, and no more than a limit. */
  readonly ignored: readonly string[];
};

/** The name that git gives these bytes. */
export function blobId(bytes: Uint8Array): string {
  return createHash('sha1').update(`blob ${bytes.length}\0`).update(bytes).digest('hex');
}

/** Looks at every file of the memory. A file whose stamp is the one of the last look is not read again. */
export function createScanner(folder: string): () => Promise<Scanned> {
  let known = new Map<string, { readonly stamp: string; readonly id: string }>();
  return async () => {
    const seen: typeof known = new Map();
    const ignored: string[] = [];
    const ignore = (path: string, why: string) => {
      if (ignored.length < memoryLimits.ignoredNames) ignored.push(`${inertLine(path)} (${why})`);
    };
    const look = async (path: string): Promise<void> => {
      const stats = await lookAt(join(folder, path));
      const before = known.get(path);
      if (stats === null) return;
      if (stats.isFile() && before?.stamp === stampOf(stats)) {
        seen.set(path, before);
        return;
      }
      const read = await readMaterial(join(folder, path));
      if (read.status === 'read') seen.set(path, { stamp: read.material.stamp, id: blobId(read.material.bytes) });
      else if (read.status === 'unfit') ignore(path, read.reason);
    };
    let paths: string[] = [];
    let count = 0;
    for await (const path of candidates(folder, ignore)) {
      count += 1;
      if (count > memoryLimits.files) {
        ignore(path, `more than ${memoryLimits.files} files`);
        break;
      }
      paths.push(path);
      if (paths.length < memoryLimits.looks) continue;
      await Promise.all(paths.map(look));
      paths = [];
    }
    await Promise.all(paths.map(look));
    known = seen;
    return { files: new Map([...seen].map(([path, { id }]) => [path, id])), ignored: ignored.sort() };
  };
}

type Ignore = (path: string, why: string) => void;

/** Names that hidden files have are nobody's concern: those of editors, of file managers, and of writes that are under way. */
const isHidden = (name: string): boolean => name.startsWith('.');

async function* candidates(folder: string, ignore: Ignore): AsyncGenerator<string> {
  const top = await listFolder(folder, memoryLimits.workspaces);
  if (top?.more === true) ignore('', `more than ${memoryLimits.workspaces} names`);
  for (const workspace of top?.names ?? []) {
    if (isHidden(workspace)) continue;
    if (workspace === readmeName) yield workspace;
    else if (!WorkspaceName.safeParse(workspace).success) ignore(workspace, 'no name of a workspace');
    else yield* inWorkspace(folder, workspace, ignore);
  }
}

async function* inWorkspace(folder: string, workspace: string, ignore: Ignore): AsyncGenerator<string> {
  const inside = await listFolder(join(folder, workspace), memoryLimits.workspaces);
  if (inside === null) return ignore(workspace, 'no folder');
  for (const name of inside.names) {
    const path = `${workspace}/${name}`;
    const kind = memoryFolders.find((each) => each === name);
    if (isHidden(name)) continue;
    if (kind === undefined) {
      ignore(path, `not one of ${memoryFolders.join(', ')}`);
      continue;
    }
    const listed = await listFolder(join(folder, path));
    if (listed === null) ignore(path, 'no folder');
    else if (listed.more) ignore(path, `more than ${memoryLimits.folderNames} names`);
    for (const file of listed?.names ?? []) {
      if (isHidden(file)) continue;
      if (isMemoryName(kind, file)) yield `${path}/${file}`;
      else ignore(`${path}/${file}`, 'not a name of this folder');
    }
  }
}
