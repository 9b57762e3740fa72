import type { DiffFlag } from '@countersign/contracts/diff-index.ts';
import { beginScan, scanPiece, type TextScan } from './diff-text.ts';
import { eachLine, type Piece } from './diff-text-lines.ts';

/** What a patch says of one file. `oids` are its two objects, `old..new`; null where its content did not change. */
export type Section = { readonly flags: ReadonlySet<DiffFlag>; readonly oids: string | null };

type OpenSection = { oids: string | null; readonly scan: TextScan };
type Reader = { readonly sections: OpenSection[]; old: number; new: number; added: boolean; broken: boolean };

/**
 * Reads a patch that git made, file by file, and looks at the lines that it adds. A hunk's own count says where it ends, so that
 * no line of a file is taken for one of git's. Returns null when it is not of that shape.
 */
export async function scanPatch(path: string, signal?: AbortSignal): Promise<readonly Section[] | null> {
  const reader: Reader = { sections: [], old: 0, new: 0, added: false, broken: false };
  await eachLine(path, (piece) => takePiece(reader, piece), signal);
  if (reader.broken || reader.old > 0 || reader.new > 0) return null;
  return reader.sections.map(({ scan, oids }) => ({ flags: scan.flags, oids }));
}

function takePiece(reader: Reader, piece: Piece): void {
  const section = reader.sections.at(-1);
  if (piece.begins) {
    reader.added = false;
    if (reader.old > 0 || reader.new > 0) countLine(reader, piece.bytes[0]);
    else takeHeader(reader, piece.bytes.toString('latin1', 0, 256));
    if (reader.added && section !== undefined) scanPiece(section.scan, piece, 1);
  } else if (reader.added && section !== undefined) scanPiece(section.scan, piece);
}

function countLine(reader: Reader, mark: number | undefined): void {
  switch (mark) {
    case 0x20:
      reader.old -= 1;
      reader.new -= 1;
      break;
    case 0x2d:
      reader.old -= 1;
      break;
    case 0x2b:
      reader.new -= 1;
      reader.added = true;
      break;
    // `\ No newline at end of file`, of the old side, in the middle of a hunk.
    case 0x5c:
      break;
    default:
      reader.broken = true;
  }
  if (reader.old < 0 || reader.new < 0) reader.broken = true;
}

function takeHeader(reader: Reader, line: string): void {
  if (line.startsWith('diff --git ')) {
    reader.sections.push({ oids: null, scan: beginScan() });
    return;
  }
  const section = reader.sections.at(-1);
  const hunk = /^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@/.exec(line);
  if (section === undefined || (line.startsWith('@@') && hunk === null)) reader.broken = true;
  else if (hunk !== null) {
    reader.old = Number(hunk[1] ?? 1);
    reader.new = Number(hunk[2] ?? 1);
  } else section.oids ??= /^index ([0-9a-f]+\.\.[0-9a-f]+)(?: |$)/.exec(line)?.[1] ?? null;
}
