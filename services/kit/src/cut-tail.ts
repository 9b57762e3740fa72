import { type FileHandle, open } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { journalLimits } from '@countersign/contracts/limits.ts';
import type { ChainEnd } from './chain-scan.ts';
import { syncFolder } from './files.ts';

/** A tail that is taken off a file: its bytes, and the name of the file beside it where they are kept; null when they are not. */
export type KeptTail = { readonly bytes: number; readonly kept: string | null };

/**
 * Keeps the bytes behind the end in `<file>.cut-<seq>`, so that nothing is lost that somebody might want to see: of many the first
 * ones, and none where all are zeros. A disk that has no room for them is no reason not to go on.
 */
export async function keepTail(path: string, file: FileHandle, end: ChainEnd, torn: number): Promise<KeptTail> {
  const bytes = Buffer.alloc(Math.min(torn, journalLimits.cutBytes));
  const { bytesRead } = await file.read(bytes, 0, bytes.length, end.length);
  const tail = bytes.subarray(0, bytesRead);
  if (tail.every((byte) => byte === 0)) return { bytes: torn, kept: null };
  try {
    return { bytes: torn, kept: await writeBeside(path, end.seq, tail) };
  } catch {
    return { bytes: torn, kept: null };
  }
}

/** Under the first name that is free: a journal can be torn at the same line twice. */
async function writeBeside(path: string, seq: number, tail: Buffer): Promise<string | null> {
  for (let number = 1; number <= journalLimits.cutsOfOneLine; number += 1) {
    const name = `${path}.cut-${seq}${number === 1 ? '' : `-${number}`}`;
    const kept = await open(name, 'wx', 0o640).catch((error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return null;
      throw error;
    });
    if (kept === null) continue;
    try {
      await kept.writeFile(tail);
      await kept.sync();
    } finally {
      await kept.close();
    }
    await syncFolder(dirname(path));
    return basename(name);
  }
  return null;
}
