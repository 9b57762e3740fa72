import { open } from 'node:fs/promises';
import { JournalEvent } from '@countersign/contracts/event.ts';
import { lineDigest, wholeLength } from '@countersign/kit/chain-scan.ts';
import { listenerLimits } from '../limits.ts';

const { pieceBytes } = listenerLimits;

/** `event` is null for a line that is none; `head` is the line's SHA-256, as the next line names it. */
type Line = { readonly event: JournalEvent | null; readonly head: string };
export type Piece = { readonly lines: readonly Line[]; readonly end: number };

/**
 * The whole lines of a journal from a position on, at most one piece of them; `end` is the position behind the last. What is
 * handed on stays as it is: it is on the disk, where the writer may not have got it yet, and it is nothing that the writer cuts
 * and writes anew when it starts, as it does with a line that was not wholly written.
 * @throws Error when a line is longer than a piece
 */
export async function readPiece(path: string, position: number): Promise<Piece> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(pieceBytes), 0, pieceBytes, position);
    const isLast = bytesRead < pieceBytes;
    const bytes = buffer.subarray(0, bytesRead);
    // Only the last line of all may be one that was not wholly written.
    const length = isLast ? wholeLength(bytes, position) : bytes.lastIndexOf('\n') + 1;
    if (length === 0 && !isLast) throw new Error(`${path}: a line behind byte ${position} is longer than any can be`);
    if (length > 0) await file.datasync();
    return { lines: linesOf(bytes.subarray(0, length)), end: position + length };
  } finally {
    await file.close();
  }
}

function linesOf(bytes: Buffer): Line[] {
  const lines: Line[] = [];
  for (let start = 0; start < bytes.length; ) {
    const end = bytes.indexOf('\n', start);
    const line = bytes.subarray(start, end);
    lines.push({ event: parse(line.toString('utf8')), head: lineDigest(line) });
    start = end + 1;
  }
  return lines;
}

function parse(line: string): JournalEvent | null {
  try {
    const parsed = JournalEvent.safeParse(JSON.parse(line));
    return parsed.success ? parsed.data : null;
  } catch {
    return null;
  }
}
