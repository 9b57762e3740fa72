import { constants, open } from 'node:fs/promises';
import type { Owner } from './folder.ts';

const permissionBits = 0o7777;

/** Mends owner and bits also when an earlier start was interrupted between writing a file and giving it away. */
export async function protect(path: string, owner: Owner, mode: number): Promise<void> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const { mode: present, uid, gid } = await file.stat();
    // Nothing is set that is so already: a file's last change tells the start script whether a service has read it.
    if ((present & permissionBits) !== mode) await file.chmod(mode);
    if (uid !== owner.uid || gid !== owner.gid) await file.chown(owner.uid, owner.gid);
  } finally {
    await file.close();
  }
}
