import { randomBytes } from 'node:crypto';
import { mkdir, rename } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { syncFolder } from '@countersign/kit/files.ts';
import { gitFolder, type MergeTarget } from './merge-target.ts';

/**
 * Puts bytes of a human's whose place has been taken meanwhile where nothing of ours is ever removed from: a new folder in
 * `.git/countersign-kept`. Returns where, below the workspace.
 */
export async function keepAside(target: MergeTarget, from: string, path: string): Promise<string> {
  const name = join('countersign-kept', randomBytes(6).toString('hex'));
  const folder = join(gitFolder(target.repository), name);
  await mkdir(folder, { recursive: true });
  await rename(from, join(folder, basename(path)));
  await syncFolder(folder);
  return join(target.repository.path, '.git', name, basename(path));
}
