import { join } from 'node:path';
import { lookAt } from '@countersign/kit/files.ts';
import type { PendingCommit } from './pending.ts';
import { readMaterial } from './read-material.ts';
import { blobId, type Tree } from './scan-files.ts';

/** So many files are named in the message of the commit that takes them over. */
const namedFiles = 50;

/** What was edited by hand, as one commit with the operator as its author, and the bytes that it needs; null when nothing was. */
export type HandEdits = { readonly commit: PendingCommit; readonly blobs: readonly Uint8Array[] } | null;

/**
 * What differs between the files and a tree. A file that cannot be read, or that lies behind something that is no folder, is no
 * removed file: what is committed of it stays. @param at when it is taken over, ISO 8601
 */
export async function findHandEdits(folder: string, files: Tree, tree: Tree, at: string): Promise<HandEdits> {
  const edits: PendingCommit['files'] = [];
  const blobs: Uint8Array[] = [];
  for (const [path, id] of files) {
    const before = tree.get(path) ?? null;
    if (before === id) continue;
    const read = await readMaterial(join(folder, path));
    if (read.status !== 'read') continue;
    const { bytes } = read.material;
    edits.push({ path, before, after: blobId(bytes) });
    blobs.push(bytes);
  }
  for (const [path, before] of tree)
    if (!files.has(path) && (await isRemoved(folder, path))) edits.push({ path, before, after: null });
  if (edits.length === 0) return null;
  edits.sort((a, b) => (a.path < b.path ? -1 : 1));
  return { commit: { author: 'operator', message: messageOf(edits), at, files: edits }, blobs };
}

function messageOf(edits: PendingCommit['files']): string {
  const named = edits.slice(0, namedFiles).map(({ path, after }) => `${after === null ? 'removed ' : ''}${path}`);
  const more = edits.length > namedFiles ? [`and ${edits.length - namedFiles} more`] : [];
  return ['taken over: edited by hand', '', ...named, ...more].join('\n');
}

async function isRemoved(folder: string, path: string): Promise<boolean> {
  let entered = folder;
  for (const part of path.split('/')) {
    const stats = await lookAt(join(entered, part));
    if (stats === null) return true;
    if (!stats.isDirectory()) return false;
    entered = join(entered, part);
  }
  return false;
}
