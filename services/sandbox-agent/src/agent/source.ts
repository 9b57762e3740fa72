import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/** Bytes in a file that the runner is to get, in chunks from wherever it stands. */
export type Source = {
  readonly frame: 'output' | 'bundle' | 'artifact';
  /** Repository's index, artifact's number, or 0 and 1 for the two outputs. */
  readonly index: number;
  readonly path: string;
  /** How many there are now; the file of an output still grows. */
  bytes: number;
  /** The next one to send. */
  cursor: number;
};

/** Reads a part of a file. What the tool removed behind our back comes as zeros: the announced digest then tells. */
export async function readPart(path: string, offset: number, length: number): Promise<Buffer> {
  const part = Buffer.alloc(length);
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW).catch(() => undefined);
  if (file === undefined) return part;
  try {
    let filled = 0;
    while (filled < length) {
      const { bytesRead } = await file.read(part, filled, length - filled, offset + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
  } finally {
    await file.close();
  }
  return part;
}
