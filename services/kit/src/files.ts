import { randomBytes } from 'node:crypto';
import type { BigIntStats } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, readdir, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/**
 * Replaces a file as a whole: temp file beside it, fsync, rename, fsync of the folder. After a crash the old bytes or the new
 * ones are there, never a mixture.
 * @param mode permission bits of a new file
 */
export async function writeFileAtomic(path: string, data: string | Uint8Array, mode = 0o640): Promise<void> {
  await putInPlace(path, data, mode, (file) => file.sync());
  await syncFolder(dirname(path));
}

/**
 * The same without waiting for the disk, for what can be made again: readers see the old bytes or the new ones, but after power
 * was lost there may be neither.
 */
export async function replaceFile(path: string, data: string | Uint8Array, mode = 0o640): Promise<void> {
  await putInPlace(path, data, mode, () => Promise.resolve());
}

/** Whether a file of this name was being written when something died: its bytes never took the place of anything. */
export function isTemporary(name: string): boolean {
  return /^\.[0-9a-f]{24}\.tmp$/.test(name);
}

async function putInPlace(
  path: string,
  data: string | Uint8Array,
  mode: number,
  settle: (file: FileHandle) => Promise<void>,
): Promise<void> {
  const temporary = join(dirname(path), `.${randomBytes(12).toString('hex')}.tmp`);
  try {
    const file = await open(temporary, 'wx', mode);
    try {
      await file.writeFile(data);
      await settle(file);
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
}

/** Makes a folder, and what is missing above it, and makes their names durable: what is synced in it is not lost with it. */
export async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true });
  if (first === undefined) return;
  for (let made = path; made.length >= first.length; made = dirname(made)) await syncFolder(dirname(made));
}

/** Makes renames and removals in a folder durable. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** True for the error of a path that does not exist. */
export function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}

/** A change within this of the one before it can leave a file's times as they were, in milliseconds: what goes by times waits so long. */
export const racyMs = 2_000;

/** What lies at a path, a link as itself; null where nothing does. @throws Error where that cannot be told */
export async function lookAt(path: string): Promise<BigIntStats | null> {
  try {
    return await lstat(path, { bigint: true });
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** Whether anything lies at a path; a link counts as itself. @throws Error where that cannot be told */
export async function exists(path: string): Promise<boolean> {
  return (await lookAt(path)) !== null;
}

/** The names in a folder; none when it does not exist. */
export async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
