import type { DiffFlag } from '@countersign/contracts/diff-index.ts';
import { textFlags } from './diff-text-flags.ts';
import type { Piece } from './diff-text-lines.ts';

/** In bytes: what no screen shows as one line. */
const longLineBytes = 2_000;
/** In columns: white space behind which text has left the screen. */
const gapColumns = 120;
/** Anything but printable ASCII and tabs. */
const unusual = /[^\t -~]/;

/** Collects the flags of one file's lines. */
export type TextScan = { readonly flags: Set<DiffFlag>; bytes: number; columns: number };

export function beginScan(): TextScan {
  return { flags: new Set(), bytes: 0, columns: 0 };
}

/** Looks at a piece of a line. @param start where the line's own text begins in it: behind the `+` of a patch */
export function scanPiece(scan: TextScan, { bytes, begins, ends }: Piece, start = 0): void {
  if (begins) {
    scan.bytes = 0;
    scan.columns = 0;
  }
  // A line that ends as on Windows.
  const end = ends && bytes.at(-1) === 0x0d ? bytes.length - 1 : bytes.length;
  scan.bytes += Math.max(0, end - start);
  if (scan.bytes > longLineBytes) scan.flags.add('long-line');
  if (scan.bytes > gapColumns / 8 && !scan.flags.has('whitespace-gap') && hasGap(scan, bytes, start, end))
    scan.flags.add('whitespace-gap');
  if (unusual.test(bytes.toString('latin1', start, end)))
    for (const flag of textFlags(bytes.toString('utf8', start, end))) scan.flags.add(flag);
}

/** Whether text follows on white space as wide as a screen. */
function hasGap(scan: TextScan, bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at += 1) {
    const byte = bytes[at];
    if (byte === 0x20) scan.columns += 1;
    else if (byte === 0x09) scan.columns += 8;
    else if (scan.columns >= gapColumns) return true;
    else scan.columns = 0;
  }
  return false;
}
