import { type BigIntStats, closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { lstat, open } from 'node:fs/promises';
import { inboxLimits, taskFileLimits } from '@countersign/contracts/limits.ts';
import { isMissing } from '@countersign/kit/files.ts';

/** Another one means that the file is another one, or holds other bytes. */
export function stampOf(stats: Pick<BigIntStats, 'ino' | 'size' | 'mtimeNs'>): string {
  return `${stats.ino}:${stats.size}:${stats.mtimeNs}`;
}

/** What can be said of a path without reading it. */
export type Observation =
  | { readonly kind: 'missing' }
  | { readonly kind: 'special'; readonly what: string }
  | {
      readonly kind: 'file';
      readonly stamp: string;
      readonly settled: boolean;
      /** How long it has stood still by our clock, in milliseconds. */
      readonly stoodMs: number;
      /** When it came to lie here or was changed last, in nanoseconds, by the file system's clock. */
      readonly changed: bigint;
    };

/**
 * Decides when a file that others write is whole. A file whose last change was a rename (its status changed after its content) is
 * whole at once; one that is written in place when size and times stood still for a while, by our clock, not by its own.
 */
export class FileObserver {
  readonly #settleMs: number;
  readonly #now: () => number;
  readonly #seen = new Map<string, { stamp: string; since: number }>();

  constructor(settleMs: number = inboxLimits.settleMs, now: () => number = Date.now) {
    this.#settleMs = settleMs;
    this.#now = now;
  }

  async observe(path: string | Buffer): Promise<Observation> {
    const key = typeof path === 'string' ? path : path.toString('latin1');
    let stats: BigIntStats;
    try {
      stats = await lstat(path, { bigint: true });
    } catch (error) {
      this.#seen.delete(key);
      if (isMissing(error)) return { kind: 'missing' };
      throw error;
    }
    if (!stats.isFile()) return { kind: 'special', what: kindOf(stats) };
    const stamp = stampOf(stats);
    const known = this.#seen.get(key);
    const since = known?.stamp === stamp ? known.since : this.#now();
    this.#seen.set(key, { stamp, since });
    const renamed = stats.size > 0n && stats.ctimeNs > stats.mtimeNs;
    const stoodMs = this.#now() - since;
    return { kind: 'file', stamp, settled: renamed || stoodMs >= this.#settleMs, stoodMs, changed: stats.ctimeNs };
  }
}

function kindOf(stats: BigIntStats): string {
  if (stats.isDirectory()) return 'a folder';
  if (stats.isSymbolicLink()) return 'a symbolic link';
  if (stats.isFIFO()) return 'a named pipe';
  if (stats.isSocket()) return 'a socket';
  return 'a device';
}

export type ReadFile = { readonly ok: true; readonly bytes: Buffer } | { readonly ok: false; readonly reason: string };

/**
 * Reads a file that others may replace by something else at any moment: no link is followed, no pipe waited for.
 * @param limit the largest file that is read, in bytes
 * @throws Error when there is none
 */
export async function readRegularFile(
  path: string | Buffer,
  limit: number = taskFileLimits.fileBytes,
): Promise<ReadFile> {
  try {
    await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stats = await file.stat();
    if (!stats.isFile()) return { ok: false, reason: 'not a regular file' };
    if (stats.size > limit) return { ok: false, reason: `${stats.size} bytes; at most ${limit} are read` };
    // As much as it has, and one byte: a buffer of the limit for each of many small files would be most of the memory.
    let buffer = Buffer.alloc(stats.size + 1);
    let length = 0;
    for (;;) {
      if (length === buffer.length) buffer = Buffer.concat([buffer], Math.min(2 * buffer.length, limit) + 1);
      const { bytesRead } = await file.read(buffer, length, buffer.length - length, length);
      length += bytesRead;
      if (length > limit) return { ok: false, reason: `more than ${limit} bytes` };
      if (bytesRead === 0) break;
    }
    return { ok: true, bytes: buffer.subarray(0, length) };
  } catch (error) {
    return { ok: false, reason: whyUnreadable(error) };
  }
}

/** @throws Error that it was given, when that says nothing of the file */
function whyUnreadable(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code === 'ENXIO') return 'a socket, not a regular file';
  if (code === 'ELOOP') return 'a symbolic link; drop the file itself';
  if (code === 'EACCES') return `not readable by user ${process.getuid?.() ?? ''}; mend it with: chmod a+r`;
  throw error;
}

/**
 * The same at once, for the runner's start: ten thousand small files are read in a tenth of the time, and nothing else waits.
 * @returns null for a file that is gone
 */
export function readAtStart(path: string, limit: number = taskFileLimits.fileBytes): ReadFile | null {
  let file: number | undefined;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stats = fstatSync(file);
    if (!stats.isFile()) return { ok: false, reason: 'not a regular file' };
    if (stats.size > limit) return { ok: false, reason: `${stats.size} bytes; at most ${limit} are read` };
    const buffer = Buffer.alloc(stats.size);
    let length = 0;
    while (length < buffer.length) {
      const bytesRead = readSync(file, buffer, length, buffer.length - length, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return { ok: true, bytes: buffer.subarray(0, length) };
  } catch (error) {
    if (isMissing(error)) return null;
    return { ok: false, reason: whyUnreadable(error) };
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** The same for a file that may be gone by now: null then. */
export async function readIfPresent(path: string | Buffer, limit?: number): Promise<ReadFile | null> {
  try {
    return await readRegularFile(path, limit);
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}
