import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { isMissing } from '@countersign/kit/files.ts';

const maximumBytes = 64 * 1024;

/**
 * The text of a small file inside of `.git`, or null where there is none. A link is not followed, a pipe not waited for; either
 * reads as the empty text, as does what is too large.
 */
export async function readSmallFile(path: string): Promise<string | null> {
  try {
    await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const { size } = await file.stat();
    const isFile = (await file.stat()).isFile();
    return isFile && size <= maximumBytes ? await file.readFile('utf8') : '';
  } catch (error) {
    if (isMissing(error)) return null;
    if (error instanceof Error && 'code' in error && error.code === 'ELOOP') return '';
    throw error;
  }
}
