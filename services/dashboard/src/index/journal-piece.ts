import { hash } from 'node:crypto';
import { openRegularFile } from '@countersign/kit/regular-file.ts';
import { indexLimits } from './limits.ts';

/** How far a journal was read: `offset` is behind the last line, which begins at `lineStart` and has the SHA-256 `head`. */
export type JournalPlace = { readonly offset: number; readonly lineStart: number; readonly head: string };

export const beginning: JournalPlace = { offset: 0, lineStart: 0, head: '' };

/** `changed`: what was read is not there any more, for the journal was cut or is another one. */
export type JournalPiece =
  | { readonly kind: 'changed' }
  | { readonly kind: 'lines'; readonly lines: readonly Buffer[]; readonly place: JournalPlace; readonly more: boolean };

const lineFeed = 0x0a;

/**
 * The whole lines of a journal behind a place, at most one piece of them; a last line that is not whole yet is waited for.
 * @param below the folder that holds `runs/`
 */
export async function readJournalPiece(path: string, below: string, place: JournalPlace): Promise<JournalPiece> {
  await using file = await openRegularFile(path, below);
  const { size } = await file.stat();
  if (size < place.offset) return { kind: 'changed' };
  const known = place.offset - place.lineStart;
  const bytes = Buffer.allocUnsafe(Math.min(size - place.lineStart, known + indexLimits.pieceBytes));
  const { bytesRead } = await file.read(bytes, 0, bytes.length, place.lineStart);
  if (bytesRead < known) return { kind: 'changed' };
  if (place.head !== digestOf(bytes.subarray(0, known))) return { kind: 'changed' };
  const fresh = bytes.subarray(known, bytesRead);
  const lines: Buffer[] = [];
  let start = 0;
  for (let end = fresh.indexOf(lineFeed); end >= 0; end = fresh.indexOf(lineFeed, start)) {
    lines.push(fresh.subarray(start, end));
    start = end + 1;
  }
  const isFull = fresh.length >= indexLimits.pieceBytes;
  // No line is that long: what there is of it is passed over, and so will be the rest.
  if (start === 0 && isFull) start = fresh.length;
  if (start === 0) return { kind: 'lines', lines, place, more: false };
  const last = lines.at(-1)?.length ?? start - 1;
  const from = start - 1 - last;
  const next = {
    offset: place.offset + start,
    lineStart: place.offset + from,
    head: digestOf(fresh.subarray(from, start)),
  };
  return { kind: 'lines', lines, place: next, more: isFull };
}

function digestOf(line: Uint8Array): string {
  return line.length === 0 ? '' : hash('sha256', line, 'hex');
}
