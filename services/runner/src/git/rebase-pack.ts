import { randomBytes } from 'node:crypto';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ObjectId } from '@countersign/contracts/names.ts';
import { sha256OfFile } from '@countersign/kit/digest.ts';
import type { BasePack } from './base-pack.ts';
import { git } from './git.ts';
import type { Repository } from './repository.ts';

/**
 * What a sandbox needs to carry `from..head` over to `onto`: both bases with their trees and without history, and the commits in
 * between whole. @param folder where the pack is made; the caller removes it. @throws GitError
 */
export async function rebasePack(
  folder: string,
  repository: Repository,
  { from, head, onto }: { readonly from: ObjectId; readonly head: ObjectId; readonly onto: ObjectId },
): Promise<BasePack> {
  await mkdir(folder, { recursive: true });
  const temporary = join(folder, `.${randomBytes(8).toString('hex')}`);
  const path = join(folder, `${repository.name}.pack`);
  try {
    const bases = await git(repository.folder, ['rev-list', '--objects', '--no-walk', '--end-of-options', onto, from]);
    const commits = await git(repository.folder, ['rev-list', '--objects', '--end-of-options', `${from}..${head}`]);
    await git(repository.folder, ['pack-objects', '-q', '--stdout'], {
      input: Buffer.concat([bases, commits]),
      outputPath: temporary,
    });
    await rename(temporary, path);
  } finally {
    await rm(temporary, { force: true });
  }
  const { size } = await stat(path);
  return { path, bytes: size, sha256: await sha256OfFile(path) };
}
