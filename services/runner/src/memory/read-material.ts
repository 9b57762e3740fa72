import { constants } from 'node:fs';
import { open, opendir, realpath } from 'node:fs/promises';
import { isMissing } from '@countersign/kit/files.ts';
import { stampOf } from '../queue/observe.ts';
import { memoryLimits } from './memory-limits.ts';

/** A file of the memory as it was read. `stamp` is another one as soon as the file is. */
export type Material = { readonly bytes: Buffer; readonly stamp: string; readonly mode: number };
export type ReadMaterial =
  | { readonly status: 'read'; readonly material: Material }
  | { readonly status: 'missing' }
  | { readonly status: 'unfit'; readonly reason: string };

const unreachable = new Set(['ELOOP', 'EACCES', 'ENXIO', 'EPERM', 'EISDIR']);

/** Reads one regular file; no link is followed, no pipe waited for. @param limit in bytes */
export async function readMaterial(path: string, limit: number = memoryLimits.fileBytes): Promise<ReadMaterial> {
  try {
    await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stats = await file.stat({ bigint: true });
    if (!stats.isFile()) return { status: 'unfit', reason: 'no regular file' };
    if (stats.size > BigInt(limit))
      return { status: 'unfit', reason: `${stats.size} bytes; at most ${limit} are read` };
    // One byte more than it has: a file that grows meanwhile is noticed.
    const buffer = Buffer.alloc(Number(stats.size) + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length, length);
      length += bytesRead;
      if (bytesRead === 0 || length === buffer.length) break;
    }
    if (BigInt(length) !== stats.size) return { status: 'unfit', reason: 'it is being written' };
    const material = { bytes: buffer.subarray(0, length), stamp: stampOf(stats), mode: Number(stats.mode) & 0o777 };
    return { status: 'read', material };
  } catch (error) {
    if (isMissing(error)) return { status: 'missing' };
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (unreachable.has(code)) return { status: 'unfit', reason: `no regular file that can be read (${code})` };
    throw error;
  }
}

/**
 * Names in a folder, up to a limit and sorted; null where there is no folder of its own: none at all, a link, or one behind a link.
 * @param folder absolute, as `realpath` spells it
 */
export async function listFolder(
  folder: string,
  limit: number = memoryLimits.folderNames,
): Promise<{ readonly names: readonly string[]; readonly more: boolean } | null> {
  try {
    if ((await realpath(folder)) !== folder) return null;
    const names: string[] = [];
    let more = false;
    for await (const entry of await opendir(folder, { bufferSize: 1_000 })) {
      if (names.length === limit) {
        more = true;
        break;
      }
      names.push(entry.name);
    }
    return { names: names.sort(), more };
  } catch (error) {
    if (isMissing(error)) return null;
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (unreachable.has(code)) return null;
    throw error;
  }
}
