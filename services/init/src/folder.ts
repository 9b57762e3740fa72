import { constants, mkdir, open } from 'node:fs/promises';
import { InitError, type Report } from './init-error.ts';

export type Owner = { readonly uid: number; readonly gid: number };

/**
 * `exact` bits are kept at that; with `least`, a folder that the operator made more open stays so, as long as its owner can
 * use it.
 */
export type FolderMode = { readonly exact: number } | { readonly least: number };

const permissionBits = 0o7777;
const ownerBits = 0o700;

/**
 * Makes a folder, or gives one that exists to its owner. Its content is not touched.
 * @throws InitError when something else is in its place
 */
export async function ensureFolder(path: string, owner: Owner, mode: FolderMode, report: Report): Promise<void> {
  const wanted = 'exact' in mode ? mode.exact : mode.least;
  const isNew = await makeFolder(path, wanted);
  // Through a handle that follows no link: whoever can write the parent must not choose what root gives away.
  const folder = await openFolder(path);
  try {
    const status = await folder.stat();
    const present = status.mode & permissionBits;
    const isOwned = status.uid === owner.uid && status.gid === owner.gid;
    const isOpen = 'exact' in mode || isNew ? present === wanted : (present & ownerBits) === ownerBits;
    if (isOwned && isOpen) {
      report(isNew ? 'made' : 'left alone', path);
      return;
    }
    // The kernel drops the set-group-id bit of a folder whose group is none of ours, so the bits are set while it is root's;
    // changing a folder's owner keeps them.
    if (!isOpen) {
      await folder.chown(process.getuid?.() ?? 0, process.getgid?.() ?? 0);
      await folder.chmod('exact' in mode || isNew ? wanted : present | ownerBits);
    }
    await folder.chown(owner.uid, owner.gid);
    report(isNew ? 'made' : 'changed', path);
  } finally {
    await folder.close();
  }
}

async function makeFolder(path: string, mode: number): Promise<boolean> {
  try {
    await mkdir(path, { mode: mode & 0o777 });
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

async function openFolder(path: string) {
  try {
    return await open(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  } catch (cause) {
    throw new InitError(
      `${path} is not a folder. Move it away; to keep this folder elsewhere, mount it there with an override file instead of linking to it.`,
      { cause },
    );
  }
}
