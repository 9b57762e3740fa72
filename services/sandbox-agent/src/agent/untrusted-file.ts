import { createHash } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/** Opens a regular file of the tool's: no link is followed, and no FIFO is waited for. Undefined when there is none. */
async function openRegular(path: string): Promise<{ file: FileHandle; stats: Stats } | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return undefined;
  }
  const stats = await file.stat();
  if (stats.isFile()) return { file, stats };
  await file.close();
  return undefined;
}

/** The start of a small file, and how large all of it is. */
export async function readUpTo(path: string, limitBytes: number): Promise<{ data: Buffer; size: number } | undefined> {
  const opened = await openRegular(path);
  if (opened === undefined) return undefined;
  const { file, stats } = opened;
  try {
    const buffer = Buffer.alloc(Math.min(limitBytes, stats.size));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    return { data: buffer.subarray(0, bytesRead), size: stats.size };
  } finally {
    await file.close();
  }
}

/** Size and SHA-256, read in pieces; undefined for what is no regular file or larger than the limit. */
export async function measure(
  path: string,
  limitBytes: number,
): Promise<{ bytes: number; sha256: string } | undefined> {
  const opened = await openRegular(path);
  if (opened === undefined) return undefined;
  const { file, stats } = opened;
  if (stats.size > limitBytes) {
    await file.close();
    return undefined;
  }
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const data of file.createReadStream({ start: 0 })) {
    hash.update(data as Buffer);
    bytes += (data as Buffer).length;
  }
  return { bytes, sha256: hash.digest('hex') };
}

/** Cuts a text at a limit without leaving half a character. */
export function cutText(data: Buffer, limitBytes: number): Buffer {
  if (data.length <= limitBytes) return data;
  let end = limitBytes;
  // Bytes 10xxxxxx continue a character that began before the limit.
  while (end > 0 && ((data[end] ?? 0) & 0xc0) === 0x80) end -= 1;
  return data.subarray(0, end);
}
