import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { DiffFlag } from '@countersign/contracts/diff-index.ts';
import { beginScan, scanPiece, type TextScan } from './diff-text.ts';
import { eachLine } from './diff-text-lines.ts';
import { git } from './git.ts';

type Blob = { readonly oid: string; readonly bytes: number };

/** What is unpacked at once, in bytes, unless one file alone is larger. */
const groupBytes = 64 * 1024 * 1024;
/** A file with a zero among its first bytes is no text, to git as to us. */
const sniffedBytes = 8_000;

/**
 * Looks at whole files whose lines no patch shows; those that are no text have no flags here. They go through a file in the
 * quarantine, some at a time. @throws GitError
 */
export async function scanBlobs(
  quarantine: string,
  blobs: readonly Blob[],
  signal?: AbortSignal,
): Promise<ReadonlyMap<string, ReadonlySet<DiffFlag>>> {
  const found = new Map<string, ReadonlySet<DiffFlag>>();
  const path = join(quarantine, 'blobs');
  try {
    for (const group of groupsOf(blobs)) {
      const input = Buffer.from(group.map(({ oid }) => `${oid}\n`).join(''));
      await git(quarantine, ['cat-file', '--batch=%(objectsize)', '--buffer'], { input, outputPath: path, signal });
      const flags = await scanBatch(path, signal);
      for (const [index, { oid }] of group.entries()) found.set(oid, flags[index] ?? new Set());
    }
  } finally {
    await rm(path, { force: true });
  }
  return found;
}

function groupsOf(blobs: readonly Blob[]): Blob[][] {
  const groups: Blob[][] = [];
  let room = 0;
  for (const blob of new Map(blobs.map((blob) => [blob.oid, blob])).values()) {
    const group = groups.at(-1);
    if (group === undefined || blob.bytes > room) groups.push([blob]);
    else group.push(blob);
    room = (group === undefined || blob.bytes > room ? groupBytes : room) - blob.bytes;
  }
  return groups;
}

/** The flags of each file in what `git cat-file --batch` printed: its size on a line, its bytes, a line feed. */
async function scanBatch(path: string, signal?: AbortSignal): Promise<ReadonlySet<DiffFlag>[]> {
  const scans: { readonly scan: TextScan; binary: boolean }[] = [];
  let size = 0;
  let left = -1;
  await eachLine(
    path,
    (piece) => {
      if (left < 0) {
        size = left = Number(piece.bytes.toString('latin1'));
        scans.push({ scan: beginScan(), binary: false });
        return;
      }
      const current = scans.at(-1);
      if (current === undefined) return;
      const sniffed = Math.max(0, sniffedBytes - (size - left));
      if (piece.bytes.subarray(0, sniffed).includes(0)) current.binary = true;
      if (!current.binary) scanPiece(current.scan, piece);
      left -= piece.bytes.length;
      // The line feed behind the last byte is git's, and what follows is the next file's size.
      if (piece.ends) left -= 1;
    },
    signal,
  );
  return scans.map(({ scan, binary }) => (binary ? new Set<DiffFlag>() : scan.flags));
}
