import { GitError, type GitOptions } from '../git.ts';
import { type Collected, collectRepository } from './collect-repository.ts';
import { collectWithoutRoom } from './collect-without-room.ts';

type Room = {
  /** It is known beforehand that the repository has none. */
  readonly isFull: boolean;
  /** Makes what can be made elsewhere. */
  readonly make: () => Promise<void>;
};

/**
 * Collects a repository where it is, or, when there is no room left for that, beside it.
 * @param options fresh ones for each try
 * @throws GitError
 */
export async function collectWork(
  folder: string,
  baseHead: string,
  bundlePath: string,
  room: Room,
  options: () => GitOptions,
): Promise<Collected> {
  const beside = async (): Promise<Collected> => {
    await room.make();
    try {
      const collected = await collectWithoutRoom(folder, baseHead, bundlePath, `${bundlePath}.d`, options());
      return { ...collected, note: 'there was no room left; what the tool had in /tmp was removed for it' };
    } catch (error) {
      // There is none there either.
      if (wantsRoom(error) && error instanceof Error) throw new GitError('add', `${noRoom}: ${error.message}`);
      throw error;
    }
  };
  if (room.isFull) return await beside();
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
