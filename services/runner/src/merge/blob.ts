import { createHash, type Hash } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { lstat, open, readlink } from 'node:fs/promises';
import type { ObjectId } from '@countersign/contracts/names.ts';
import { isMissing } from '@countersign/kit/files.ts';
import type { Side } from './changes.ts';

const sha1Characters = 40;
const chunkBytes = 1024 * 1024;

/** A digest that becomes a blob's name when its `bytes` bytes have gone in. @param like a name of the kind that is wanted */
export function blobHash(like: ObjectId, bytes: number): Hash {
  return createHash(like.length === sha1Characters ? 'sha1' : 'sha256').update(`blob ${bytes}\0`);
}

/** Whether what lies at `path` is, byte for byte and mode for mode, this side of a change. A link is not followed. */
export async function isSide(path: string, side: Side, fileMode: boolean): Promise<boolean> {
  let found: Stats;
  try {
    found = await lstat(path);
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
  if (found.isSymbolicLink()) {
    const target = await readlink(path, { encoding: 'buffer' });
    return side.mode === '120000' && blobHash(side.oid, target.length).update(target).digest('hex') === side.oid;
  }
  if (!found.isFile() || !side.mode.startsWith('100')) return false;
  const executable = (found.mode & 0o100) !== 0;
  if (fileMode && executable !== (side.mode === '100755')) return false;
  return (await hashFile(path, side.oid)) === side.oid;
}

/** The name that the file's content has as a blob; '' when it is no file or changes while it is read. */
async function hashFile(path: string, like: ObjectId): Promise<string> {
  await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  const stats = await file.stat();
  if (!stats.isFile()) return '';
  const hash = blobHash(like, stats.size);
  const chunk = Buffer.allocUnsafe(Math.min(chunkBytes, stats.size + 1));
  let bytes = 0;
  for (;;) {
    const { bytesRead } = await file.read(chunk);
    if (bytesRead === 0) break;
    bytes += bytesRead;
    hash.update(chunk.subarray(0, bytesRead));
  }
  return bytes === stats.size ? hash.digest('hex') : '';
}
