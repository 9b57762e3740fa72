import { constants } from 'node:fs';
import { type FileHandle, open, realpath } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

/** What lies at a path is a link, a pipe, a folder or a device where a file should be. */
export class NotRegularError extends Error {
  readonly code = 'not_regular';
  constructor(path: string, options?: ErrorOptions) {
    super(`${path} is no regular file`, options);
    this.name = 'NotRegularError';
  }
}

/** A part of a file, as much of it as was wanted, and how large all of it is. */
export type FilePart = { readonly bytes: Buffer<ArrayBuffer>; readonly size: number; readonly modifiedAt: Date };

/**
 * Opens a file for reading that somebody else could have put there: no link is followed at its name, and no pipe waited for.
 * @param below folders between this one and the file must be no links either
 * @throws NotRegularError for what is no file; the system's error where there is nothing
 */
export async function openRegularFile(path: string, below: string = dirname(path)): Promise<FileHandle> {
  await checkFolder(dirname(path), below);
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch((cause) => {
    throw isLink(cause) ? new NotRegularError(path, { cause }) : cause;
  });
  try {
    if (!(await file.stat()).isFile()) throw new NotRegularError(path);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/**
 * For whoever reads several files of a folder: it is looked at once, and then they are read without `below`.
 * @param below folders between the two must be no links, and neither the folder
 * @throws NotRegularError for one that a link leads to; the system's error where there is none
 */
export async function checkFolder(folder: string, below: string): Promise<void> {
  if (folder !== below && (await realpath(folder)) !== join(await realpath(below), relative(below, folder)))
    throw new NotRegularError(folder);
}

/** The first `limit` bytes of such a file. */
export async function readFileStart(path: string, limit: number, below?: string): Promise<FilePart> {
  return await readPart(path, limit, () => 0, below);
}

/** The last `limit` bytes of such a file, as it was when it was opened. */
export async function readFileEnd(path: string, limit: number, below?: string): Promise<FilePart> {
  return await readPart(path, limit, (size) => Math.max(0, size - limit), below);
}

async function readPart(
  path: string,
  limit: number,
  from: (size: number) => number,
  below?: string,
): Promise<FilePart> {
  await using file = await openRegularFile(path, below);
  const { size, mtime: modifiedAt } = await file.stat();
  const bytes = Buffer.alloc(Math.min(size, limit));
  const start = from(size);
  let filled = 0;
  while (filled < bytes.length) {
    const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, start + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return { bytes: bytes.subarray(0, filled), size, modifiedAt };
}

function isLink(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ELOOP' || error.code === 'ENXIO');
}
