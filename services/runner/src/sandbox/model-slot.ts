import { constants, mkdir, open, rmdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { SlotId } from '@countersign/contracts/names.ts';
import { isMissing } from '@countersign/kit/files.ts';

/**
 * Makes the folder in which the gateway opens a slot's ways to the model and to people, or takes over the one of a runner before us. The gateway
 * writes to this volume as well: a link that it has put in the folder's place is not followed.
 * @throws Error also when something other than a folder is there
 */
export async function makeModelSlot(modelSlots: string, id: SlotId): Promise<void> {
  const path = join(modelSlots, id);
  await mkdir(path).catch((error: unknown) => {
    if (!hasCode(error, 'EEXIST')) throw error;
  });
  await using folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  // The sandbox is another user: it may pass through and connect, nothing more.
  await folder.chmod(0o711);
}

const socketNames = ['ollama.sock', 'synapse.sock'];

/**
 * Removes the folder and the sockets that belong in it, and never what is below: the gateway could put a link to the runner's
 * own folders there while they are being walked.
 * @throws Error when the gateway has left something else there
 */
export async function removeModelSlot(modelSlots: string, id: SlotId): Promise<void> {
  const path = join(modelSlots, id);
  for (const name of socketNames)
    await unlink(join(path, name)).catch((error: unknown) => {
      if (!isMissing(error)) throw error;
    });
  await rmdir(path).catch(async (error: unknown) => {
    if (hasCode(error, 'ENOTDIR')) await unlink(path);
    else if (!isMissing(error)) throw error;
  });
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
