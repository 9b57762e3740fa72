import type { Change } from './list-changes.ts';

/** A page of memory for each file's object, and as much for its place in a folder. */
const overheadBytes = 8 * 1024;

type Limits = { readonly roomBytes: number; readonly fileBytes: number; readonly files: number };

/**
 * The changes that find room, the smallest first: what fills a disk is one large file, or few, and what counts is beside it.
 * Removals take no room.
 */
export function chooseFitting(
  changes: readonly Change[],
  { roomBytes, fileBytes, files }: Limits,
): { readonly chosen: readonly Change[]; readonly left: readonly Change[] } {
  const bySize = [...changes].sort((a, b) => (a.bytes ?? 0) - (b.bytes ?? 0));
  let taken = 0;
  const fits = ({ bytes }: Change, index: number) => {
    taken += bytes === null ? 0 : bytes + overheadBytes;
    return taken <= roomBytes && (bytes ?? 0) <= fileBytes && index < files;
  };
  // What follows one that does not fit is no smaller.
  const end = bySize.findIndex((change, index) => !fits(change, index));
  return end < 0 ? { chosen: bySize, left: [] } : { chosen: bySize.slice(0, end), left: bySize.slice(end) };
}
