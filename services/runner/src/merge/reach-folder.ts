import { constants } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { isMissing } from '@countersign/kit/files.ts';

/** A folder that stays the same one whatever happens to its name: `path` leads into it without a link on the way. */
export type Reached = { readonly path: string; sync(): Promise<void>; close(): Promise<void> };

/**
 * Opens a folder below `root` part by part and follows no link, so that nothing is ever written through one.
 * @param below path of the folder, `.` for the root itself
 * @returns null where a part is missing or no folder
 */
export async function reachFolder(root: string, below: string, { make = false } = {}): Promise<Reached | null> {
  const parts = below === '.' ? [] : below.split('/');
  let folder = await open(root, constants.O_RDONLY | constants.O_DIRECTORY);
  let plain = root;
  for (const part of parts) {
    const inside = join(through(folder, plain), part);
    let next: FileHandle;
    try {
      if (make) await makeFolder(inside);
      next = await open(inside, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    } catch (error) {
      await folder.close();
      if (isMissing(error) || isLoop(error)) return null;
      throw error;
    }
    try {
      await folder.close();
    } catch (error) {
      // Nobody else knows of it, and Node ends a process in which a handle is forgotten.
      await next.close();
      throw error;
    }
    folder = next;
    plain = join(plain, part);
  }
  return { path: through(folder, plain), sync: () => folder.sync(), close: () => folder.close() };
}

/** The open folder itself where the system has a name for it; elsewhere its path, which was just walked. */
function through(folder: FileHandle, plain: string): string {
  return process.platform === 'linux' ? `/proc/self/fd/${folder.fd}` : plain;
}

async function makeFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
  }
}

function isLoop(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ELOOP';
}
