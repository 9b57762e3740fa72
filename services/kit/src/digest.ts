import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Sha256 } from '@countersign/contracts/names.ts';

/** SHA-256 of bytes or of a text's UTF-8, in lower-case hexadecimal. */
export function sha256(data: string | Uint8Array): Sha256 {
  return createHash('sha256').update(data).digest('hex');
}

/** SHA-256 of a file's bytes, read as a stream. */
export function sha256OfFile(path: string): Promise<Sha256> {
  return sha256OfStream(createReadStream(path));
}

export async function sha256OfStream(stream: Readable): Promise<Sha256> {
  const hash = createHash('sha256');
  await pipeline(stream, hash);
  return hash.digest('hex');
}
