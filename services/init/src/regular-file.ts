import { constants, open } from 'node:fs/promises';
import { isMissing } from '@countersign/kit/files.ts';
import { InitError } from './init-error.ts';

/**
 * The text of a file in a folder that a service may write: no link is followed and no pipe waited for, since this is root's
 * reading. Null when there is none. @throws InitError for anything but a file
 */
export async function readRegularFile(path: string): Promise<string | null> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      if (!(await file.stat()).isFile()) throw new InitError(`${path} is not a file. Move it away.`);
      return await file.readFile('utf8');
    } finally {
      await file.close();
    }
  } catch (error) {
    if (isMissing(error)) return null;
    if (error instanceof Error && 'code' in error && error.code === 'ELOOP')
      throw new InitError(`${path} is a symbolic link. Put the file itself there.`, { cause: error });
    throw error;
  }
}
