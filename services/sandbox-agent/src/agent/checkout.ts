import { mkdir, open, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type GitOptions, git, repositoryAt } from '../git.ts';
import { resultRef, writeRepositoryConfig, writeShallow } from '../repository-config.ts';

/**
 * Makes a repository of one commit from its pack, with the commit's true id and no history; its work tree stays empty.
 * @param folder becomes the work tree; made when it is missing
 * @param ends further commits at which the history ends, when the pack holds more than the one
 */
export async function unpack(
  folder: string,
  baseHead: string,
  packPath: string,
  options: GitOptions,
  ends: readonly string[] = [],
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const at = repositoryAt(folder);
  const format = baseHead.length === 64 ? 'sha256' : 'sha1';
  await git(folder, [], ['init', '-q', '--template=', `--object-format=${format}`, '-b', 'agent', folder], options);
  await writeRepositoryConfig(folder, baseHead);
  const pack = await open(packPath, 'r');
  try {
    await git(folder, at, ['index-pack', '--stdin'], { ...options, stdin: pack.fd });
  } finally {
    await pack.close();
  }
  // A pack counts as memory, as everything here does.
  await rm(packPath);
  await writeShallow(folder, [baseHead, ...ends]);
  await git(folder, at, ['update-ref', resultRef, baseHead], options);
}

/** Fills the work tree of an unpacked repository. */
export async function checkOut(folder: string, options: GitOptions): Promise<void> {
  await git(folder, repositoryAt(folder), ['reset', '-q', '--hard'], options);
}

/** Empties a folder that must itself stay, because it is a mount. */
export async function emptyFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true, force: true });
}
