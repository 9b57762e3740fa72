import { randomBytes } from 'node:crypto';
import { mkdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import type { ObjectId } from '@countersign/contracts/names.ts';
import { sha256OfFile } from '@countersign/kit/digest.ts';
import { exists } from '@countersign/kit/files.ts';
import { git } from './git.ts';
import type { Repository } from './repository.ts';

export type BasePack = { readonly path: string; readonly bytes: number; readonly sha256: string };

/**
 * One git pack of a commit and its tree, without any history, so that secrets in old commits never enter a sandbox.
 * Kept in `cache` per repository and commit. @throws GitError
 */
export async function basePack(
  cache: string,
  repository: Repository,
  head: ObjectId,
  signal?: AbortSignal,
): Promise<BasePack> {
  await mkdir(cache, { recursive: true });
  const path = join(cache, `${cacheName(repository)}-${head}.pack`);
  if (!(await exists(path))) await makePack(cache, repository, head, path, signal);
  // Cleaning up goes by this time: what is used is not old.
  await utimes(path, new Date(), new Date());
  const { size } = await stat(path);
  return { path, bytes: size, sha256: await sha256OfFile(path) };
}

/** No name of a workspace holds a `+`. */
function cacheName({ path }: Repository): string {
  return path.replaceAll('/', '+');
}

async function makePack(
  cache: string,
  repository: Repository,
  head: ObjectId,
  path: string,
  signal?: AbortSignal,
): Promise<void> {
  const temporary = join(cache, `.${randomBytes(8).toString('hex')}`);
  const objects = `${temporary}.objects`;
  try {
    await git(repository.folder, ['rev-list', '--objects', '--no-walk', '--end-of-options', head], {
      outputPath: objects,
      signal,
    });
    await git(repository.folder, ['pack-objects', '-q', '--stdout'], {
      input: { path: objects },
      outputPath: temporary,
      signal,
    });
    await rename(temporary, path);
  } finally {
    await rm(objects, { force: true });
    await rm(temporary, { force: true });
  }
}
