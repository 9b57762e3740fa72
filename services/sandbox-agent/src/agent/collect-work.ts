import { GitError, type GitOptions } from '../git.ts';
import { type Collected, collectRepository } from './collect-repository.ts';
import { collectWithoutRoom } from './collect-without-room.ts';

/**
 * Collects a repository where it is, or, when there is no room left for that, beside it.
 * @param isFull known beforehand
 * @param options fresh ones for each try
 * @throws GitError
 */
export async function collectWork(
  folder: string,
  baseHead: string,
  bundlePath: string,
  isFull: boolean,
  options: () => GitOptions,
): Promise<Collected> {
  const beside = () => collectWithoutRoom(folder, baseHead, bundlePath, `${bundlePath}.d`, options());
  if (isFull) return await beside();
  try {
    const collected = await collectRepository(folder, baseHead, bundlePath, options());
    return collected.problem?.includes(noRoom) === true ? await beside() : collected;
  } catch (error) {
    if (!wantsRoom(error)) throw error;
    return await beside();
  }
}

const noRoom = 'No space left on device';

function wantsRoom(error: unknown): boolean {
  if (error instanceof GitError) return error.stderr.includes(noRoom);
  return error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');
}
