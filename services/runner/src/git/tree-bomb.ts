import type { ObjectId } from '@countersign/contracts/names.ts';
import { git } from './git.ts';

/** A folder's entries that count: files, and the folders below it. */
type Tree = { readonly files: number; readonly folders: readonly string[] };

/** Trees are read in groups of so many bytes, unless one alone is larger. */
const groupBytes = 16 * 1024 * 1024;
/** Folders that all trees name together: what is kept of them in memory. */
const maximumNamed = 4_000_000;

/**
 * Why a result has too many files, or null. A few small trees that name one another ten times each make thousands of millions of
 * paths, and git's diff would hold every one of them in memory. Here each tree is read once, however often it is named.
 * @param limit paths that one commit may have beyond those of the base
 * @throws GitError
 */
export async function checkTreeBomb(
  folder: string,
  base: ObjectId,
  tip: ObjectId,
  limit: number,
  signal?: AbortSignal,
): Promise<string | null> {
  const counts = await countsOf(folder, base, signal);
  const allowed = (counts.get('') ?? 0) + limit;
  const revisions = ['rev-list', '--objects', '--no-object-names', tip, '--not', base];
  const input = await git(folder, revisions, { signal });
  const check = ['cat-file', '--batch-check=%(objecttype) %(objectname) %(objectsize)', '--buffer'];
  const listed = (await git(folder, check, { input, signal })).toString('latin1').split('\n');
  const found = listed.flatMap((line) => {
    const [kind, oid = '', size] = line.split(' ');
    return kind === 'tree' ? [{ oid, bytes: Number(size) }] : [];
  });
  const trees = await readTrees(folder, found, base.length / 2, signal);
  if (trees === null) return `the folders of the result name more than ${maximumNamed} others`;
  for (const oid of trees.keys()) {
    if (pathsOf(oid, trees, counts, allowed) > allowed)
      return `the result has more than ${allowed} files, ${limit} more than what it began with`;
  }
  return null;
}

/** How many files lie in each folder of a commit, by the folder's object; all of them under the empty name. */
async function countsOf(folder: string, commit: ObjectId, signal?: AbortSignal): Promise<Map<string, number>> {
  const listing = await git(folder, ['ls-tree', '-r', '-t', '-z', '--full-tree', commit], { signal });
  const files = new Map<string, number>();
  const objects: [name: string, oid: string][] = [];
  for (const line of listing.toString('latin1').split('\0')) {
    const [, kind, oid, name] = /^\d{6} (\w+) ([0-9a-f]+)\t(.*)$/s.exec(line) ?? [];
    if (oid === undefined || name === undefined) continue;
    if (kind === 'tree') objects.push([name, oid]);
    else
      for (let at = name.length; at >= 0; at = name.lastIndexOf('/', at - 1)) {
        const parent = at === name.length ? '' : name.slice(0, at);
        files.set(parent, (files.get(parent) ?? 0) + 1);
        if (at === 0) break;
      }
  }
  return new Map([['', files.get('') ?? 0], ...objects.map(([name, oid]) => [oid, files.get(name) ?? 0] as const)]);
}

async function readTrees(
  folder: string,
  found: readonly { readonly oid: string; readonly bytes: number }[],
  oidBytes: number,
  signal?: AbortSignal,
): Promise<Map<string, Tree> | null> {
  const trees = new Map<string, Tree>();
  // One string for each object, however many trees name it.
  const known = new Map(found.map(({ oid }) => [oid, oid]));
  let named = 0;
  let group: string[] = [];
  let room = groupBytes;
  const read = async () => {
    if (group.length === 0) return;
    const input = Buffer.from(group.map((oid) => `${oid}\n`).join(''));
    let bytes = await git(folder, ['cat-file', '--batch=%(objectsize)', '--buffer'], { input, signal });
    for (const oid of group) {
      const start = bytes.indexOf(0x0a) + 1;
      const end = start + Number(bytes.toString('latin1', 0, start));
      const tree = parseTree(bytes.subarray(start, end), oidBytes, known);
      named += tree.folders.length;
      trees.set(oid, tree);
      bytes = bytes.subarray(end + 1);
    }
    group = [];
    room = groupBytes;
  };
  for (const { oid, bytes } of found) {
    if (bytes > room) await read();
    if (named > maximumNamed) return null;
    group.push(oid);
    room -= bytes;
  }
  await read();
  return named > maximumNamed ? null : trees;
}

function parseTree(bytes: Buffer, oidBytes: number, known: ReadonlyMap<string, string>): Tree {
  const folders: string[] = [];
  let files = 0;
  for (let at = 0; at < bytes.length; ) {
    const end = bytes.indexOf(0, at) + 1;
    // fsck has read it before: every entry is a mode, a name, a zero and an object.
    if (bytes[at] === 0x34) {
      const oid = bytes.toString('hex', end, end + oidBytes);
      folders.push(known.get(oid) ?? oid);
    } else files += 1;
    at = end + oidBytes;
  }
  return { files, folders };
}

/** Files below a tree, as far as that is not more than `enough`. No recursion: a tree may lie thousands deep. */
function pathsOf(root: string, trees: ReadonlyMap<string, Tree>, counts: Map<string, number>, enough: number): number {
  const open = [root];
  for (let oid = open.at(-1); oid !== undefined; oid = open.at(-1)) {
    const tree = trees.get(oid);
    const unknown = tree?.folders.filter((below) => !counts.has(below) && trees.has(below)) ?? [];
    if (tree !== undefined && unknown.length > 0 && !counts.has(oid)) {
      open.push(...new Set(unknown));
      continue;
    }
    open.pop();
    if (tree === undefined || counts.has(oid)) continue;
    const total = tree.folders.reduce((sum, below) => sum + (counts.get(below) ?? 0), tree.files);
    // An empty folder's path is one, too.
    counts.set(oid, Math.min(Math.max(total, 1), enough + 1));
  }
  return counts.get(root) ?? 0;
}
