import { join } from 'node:path';
import type { ObjectId } from '@countersign/contracts/names.ts';
import { basePack } from '../git/base-pack.ts';
import { type ImportLimits, quarantineResult } from '../git/import-result.ts';
import { checkoutPack, commitFiles, makeRepository } from './repository.ts';
import { scratchFolder } from './scratch.ts';

/** A repository and a sandbox that was given its commit. */
export async function beginImport(files: Readonly<Record<string, string>> = {}) {
  const folder = scratchFolder();
  const repository = makeRepository(join(folder, 'project'));
  const base = commitFiles(repository.folder, files, 'base');
  const sandbox = checkoutPack(folder, (await basePack(join(folder, 'cache'), repository, base)).path, base);
  const take = (bundle: string, limits?: ImportLimits, on: ObjectId = base) =>
    quarantineResult(join(folder, 'scratch'), bundle, repository, on, undefined, limits);
  return { folder, repository, base, sandbox, take };
}
export type ImportGround = Awaited<ReturnType<typeof beginImport>>;
