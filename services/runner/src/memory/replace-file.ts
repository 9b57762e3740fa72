import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { lookAt, syncFolder } from '@countersign/kit/files.ts';
import { stampOf } from '../queue/observe.ts';

/**
 * Replaces a file as a whole, if it is still the one that was read: a person may have saved it meanwhile. Folders on the way are
 * made; one that is a link is never entered. Resolves to whether it was replaced.
 * @param folder the memory's own; `path` is relative to it
 * @param stamp of the file as it was read; null when there was none
 * @param mode permission bits
 */
export async function replaceFile(
  folder: string,
  path: string,
  bytes: Uint8Array,
  stamp: string | null,
  mode = 0o644,
): Promise<boolean> {
  const parent = await enter(folder, dirname(path));
  if (parent === null) return false;
  const target = join(parent, basename(path));
  const temporary = join(parent, `.${randomBytes(12).toString('hex')}.tmp`);
  try {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    const file = await open(temporary, flags, mode);
    try {
      // What a file is made with is cut by the process's mask; a person's file keeps what they gave it.
      await file.chmod(mode);
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    const now = await lookAt(target);
    if ((now === null ? null : stampOf(now)) !== stamp) return false;
    await rename(temporary, target);
  } finally {
    await unlink(temporary).catch(() => undefined);
  }
  await syncFolder(parent);
  return true;
}

/** The folder below ours, made where it is missing; null when something else lies on the way. */
async function enter(folder: string, path: string): Promise<string | null> {
  let entered = folder;
  for (const part of path === '.' ? [] : path.split('/')) {
    const next = join(entered, part);
    if ((await lookAt(next)) === null) {
      await mkdir(next, { recursive: true });
      await syncFolder(entered);
    }
    if ((await lookAt(next))?.isDirectory() !== true) return null;
    entered = next;
  }
  return entered;
}
