import type { Readable } from 'node:stream';
import { CliError } from './failure.ts';

/** Reads a stream to its end. @throws CliError `refused` with `tooLong` when it has more bytes than `most` */
export async function readLimited(stream: Readable, most: number, tooLong: string): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of stream) {
    const bytes = Buffer.from(part);
    size += bytes.length;
    if (size > most) throw new CliError('refused', tooLong);
    parts.push(bytes);
  }
  return Buffer.concat(parts);
}
