import { link, lstat, readlink, rename, symlink, unlink } from 'node:fs/promises';

/**
 * Gives what lies at `from` the name `to`, unless something is there already: that is never overwritten.
 * @returns false when something is there
 * @throws the file system's errors
 */
export async function putInPlace(from: string, to: string): Promise<boolean> {
  const found = await lstat(from);
  try {
    if (found.isDirectory()) {
      // Over another folder a rename succeeds only if that one is empty, over a file never.
      await rename(from, to);
      return true;
    }
    if (found.isSymbolicLink()) await symlink(await readlink(from, { encoding: 'buffer' }), to);
    else await link(from, to);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    if (code === 'EEXIST' || code === 'ENOTEMPTY' || (code === 'ENOTDIR' && found.isDirectory())) return false;
    throw error;
  }
  await unlink(from);
  return true;
}
