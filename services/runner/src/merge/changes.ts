import type { ObjectId } from '@countersign/contracts/names.ts';
import { type View, viewGit } from './view.ts';

/** One side of a change: git's mode, such as `100755`, and the blob. */
export type Side = { readonly mode: string; readonly oid: ObjectId };
/** A path that differs between two commits; a side that is null has nothing there. */
export type Change = { readonly path: string; readonly old: Side | null; readonly new: Side | null };

/**
 * What differs between two commits, removals first: where a folder takes a file's place, or the other way round, the one has to
 * go before the other comes. The order is the same each time. @throws GitError
 */
export async function listChanges(view: View, base: ObjectId, head: ObjectId): Promise<readonly Change[]> {
  const args = ['diff-tree', '-r', '-z', '--no-renames', '--no-ext-diff', '--end-of-options', base, head];
  const fields = (await viewGit(view, args)).toString('latin1').split('\0');
  const removed: Change[] = [];
  const written: Change[] = [];
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const [, oldMode, newMode, oldOid, newOid] =
      /^:(\d{6}) (\d{6}) ([0-9a-f]+) ([0-9a-f]+) /.exec(fields[index] ?? '') ?? [];
    const path = Buffer.from(fields[index + 1] ?? '', 'latin1').toString('utf8');
    const change = { path, old: side(oldMode, oldOid), new: side(newMode, newOid) };
    (change.new === null ? removed : written).push(change);
  }
  return [...removed, ...written];
}

function side(mode = '000000', oid = ''): Side | null {
  return mode === '000000' ? null : { mode, oid };
}
