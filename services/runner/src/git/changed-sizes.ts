import type { ObjectId } from '@countersign/contracts/names.ts';
import { git } from './git.ts';

/** One side of a changed path: the name's bytes as latin1, the object's size in bytes. */
export type ChangedSide = { readonly name: string; readonly bytes: number };

/**
 * The sizes of everything that a diff of two commits has to read, each path for itself: one object under a thousand names
 * counts a thousand times, as it does in the diff. @throws GitError
 */
export async function changedSizes(
  quarantine: string,
  base: ObjectId,
  head: ObjectId,
): Promise<readonly ChangedSide[]> {
  const raw = await git(quarantine, ['diff-tree', '-r', '-z', '--no-renames', '--no-ext-diff', base, head]);
  const fields = raw.toString('latin1').split('\0');
  const sides: { oid: string; name: string }[] = [];
  for (let index = 0; index + 1 < fields.length; index += 2) {
    const [, before = '', after = ''] = /^:\d{6} \d{6} ([0-9a-f]+) ([0-9a-f]+) /.exec(fields[index] ?? '') ?? [];
    for (const oid of [before, after]) if (!/^0+$/.test(oid)) sides.push({ oid, name: fields[index + 1] ?? '' });
  }
  const input = Buffer.from(sides.map(({ oid }) => `${oid}\n`).join(''));
  const answer = await git(quarantine, ['cat-file', '--batch-check=%(objectsize)', '--buffer'], { input });
  const sizes = answer.toString('latin1').split('\n').map(Number);
  return sides.map(({ name }, index) => ({ name, bytes: sizes[index] ?? 0 }));
}

/** Why a diff of these would be too much, or null. */
export function tooLargeToDiff(
  sides: readonly ChangedSide[],
  limits: { fileBytes: number; unpackedBytes: number },
): string | null {
  const largest = sides.find((side) => side.bytes > limits.fileBytes);
  if (largest !== undefined) {
    const name = JSON.stringify(Buffer.from(largest.name, 'latin1').toString('utf8'));
    return `${name} has ${largest.bytes} bytes; a changed file has at most ${limits.fileBytes}`;
  }
  const total = sides.reduce((sum, side) => sum + side.bytes, 0);
  return total <= limits.unpackedBytes
    ? null
    : `the changed files have ${total} bytes in all, more than ${limits.unpackedBytes}`;
}
