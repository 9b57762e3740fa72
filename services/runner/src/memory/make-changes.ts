import { join } from 'node:path';
import { memoryLimits } from './memory-limits.ts';
import type { PendingCommit } from './pending.ts';
import { type Material, readMaterial } from './read-material.ts';
import { blobId } from './scan-files.ts';

/** A change of one file, from its bytes (null when there is none) to others; null leaves it as it is. */
type FileEdit = { readonly path: string; readonly edit: (bytes: Buffer | null) => Uint8Array | null };
/** What becomes one commit. `message` is ours, on one line. */
export type MemoryChange = { readonly message: string; readonly files: readonly FileEdit[] };

/** What changes come to, before anything is written: bytes by path, as they are after the last change of each. */
export type MadeChanges = {
  readonly commits: readonly PendingCommit[];
  readonly blobs: readonly Uint8Array[];
  readonly files: ReadonlyMap<string, { readonly bytes: Uint8Array; readonly read: Material | null }>;
  /** Paths at which something lies that is no file of ours to change. */
  readonly unfit: readonly string[];
};

/** Works changes out upon the files as they are. @param at when they are made, ISO 8601 */
export async function makeChanges(folder: string, changes: readonly MemoryChange[], at: string): Promise<MadeChanges> {
  const files = new Map<string, { bytes: Uint8Array; read: Material | null }>();
  const blobs: Uint8Array[] = [];
  const unfit = new Set<string>();
  const commits: PendingCommit[] = [];
  for (const { message, files: edits } of changes) {
    const made: PendingCommit['files'] = [];
    for (const { path, edit } of edits) {
      const earlier = files.get(path);
      const read = earlier === undefined ? await readMaterial(join(folder, path)) : null;
      if (read?.status === 'unfit') {
        unfit.add(path);
        continue;
      }
      const material = read?.status === 'read' ? read.material : (earlier?.read ?? null);
      const bytes = earlier?.bytes ?? material?.bytes ?? null;
      const edited = edit(bytes === null ? null : Buffer.from(bytes));
      if (edited === null || edited.length > memoryLimits.fileBytes) continue;
      const [before, after] = [bytes === null ? null : blobId(bytes), blobId(edited)];
      if (before === after) continue;
      files.set(path, { bytes: edited, read: material });
      blobs.push(edited);
      made.push({ path, before, after });
    }
    if (made.length > 0) commits.push({ author: 'runner', message, at, files: made });
  }
  return { commits, blobs, files, unfit: [...unfit] };
}
