import { createHash } from 'node:crypto';
import { HouseManifest } from '@countersign/contracts/house.ts';
import { houseLimits } from '@countersign/contracts/limits.ts';
import { z } from 'zod';
import type { ByteReader } from './byte-reader.ts';
import { HouseError } from './house-error.ts';
import { type DeriveKey, Seal, scryptKey, sealedBytes } from './seal.ts';

/**
 * An archive: a line that says what it is, the manifest as one line of JSON, and pieces, each with its length and whether it is the
 * last one in four bytes before it. Opened and put together the pieces are one compressed tar. No byte of an archive is without
 * its meaning, so none can be changed unnoticed.
 */
const magic = 'countersign house\n';
const lastBit = 0x8000_0000;

const notOne = 'This is no archive of a Countersign house.';
const damaged = (piece: number) =>
  `The archive is damaged or was changed: its piece ${piece} is not what was sealed. Nothing was written.`;
const cutOff = 'The archive is cut off: it ends before its last piece. Nothing was written.';

/** @yields the bytes of the archive */
export async function* writeArchive(
  manifest: HouseManifest,
  passphrase: Buffer,
  content: AsyncIterable<Uint8Array>,
  deriveKey: DeriveKey = scryptKey,
): AsyncGenerator<Buffer> {
  const line = Buffer.from(JSON.stringify(manifest));
  const seal = new Seal(deriveKey(passphrase, manifest.seal.salt), line);
  yield Buffer.from(magic);
  yield line;
  yield Buffer.from('\n');
  // Opens with the right passphrase alone, and so tells a wrong one from a damaged archive.
  yield frame(seal, Buffer.alloc(0), false);
  let held: Buffer[] = [];
  let heldBytes = 0;
  for await (const part of content) {
    for (let from = 0; from < part.length; ) {
      const piece = part.subarray(from, from + houseLimits.chunkBytes - heldBytes);
      held.push(Buffer.from(piece));
      heldBytes += piece.length;
      from += piece.length;
      if (heldBytes < houseLimits.chunkBytes) continue;
      yield frame(seal, Buffer.concat(held), false);
      held = [];
      heldBytes = 0;
    }
  }
  yield frame(seal, Buffer.concat(held), true);
}

function frame(seal: Seal, piece: Buffer, isLast: boolean): Buffer {
  const head = Buffer.alloc(4);
  head.writeUInt32BE(piece.length + (isLast ? lastBit : 0));
  return Buffer.concat([head, seal.close(piece, isLast)]);
}

export type OpenedArchive = {
  readonly manifest: HouseManifest;
  /** What is sealed in it, piece by piece. @throws HouseError at the first one that is not what was sealed */
  readonly content: AsyncIterable<Buffer>;
  /** SHA-256 of the whole archive; when its content was read to the end. */
  readonly digest: () => string;
};

/** @throws HouseError when it is no archive, a newer one, or is not opened by this passphrase */
export async function openArchive(
  reader: ByteReader,
  passphrase: Buffer,
  deriveKey: DeriveKey = scryptKey,
): Promise<OpenedArchive> {
  const hash = createHash('sha256');
  const begin = await reader.take(magic.length);
  if (begin === null || begin.toString('latin1') !== magic) throw new HouseError(notOne);
  const line = await reader.line(houseLimits.manifestBytes);
  if (line === null) throw new HouseError(notOne);
  hash.update(begin).update(line).update('\n');
  const manifest = readManifest(line);
  const seal = new Seal(deriveKey(passphrase, manifest.seal.salt), line);
  const next = async (number: number): Promise<{ piece: Buffer; isLast: boolean } | null> => {
    const head = await reader.take(4);
    if (head === null) throw new HouseError(cutOff);
    const isLast = head.readUInt32BE() >= lastBit;
    const length = head.readUInt32BE() % lastBit;
    if (length > houseLimits.chunkBytes) throw new HouseError(damaged(number));
    const sealed = await reader.take(sealedBytes(length));
    if (sealed === null) throw new HouseError(cutOff);
    hash.update(head).update(sealed);
    const piece = seal.open(sealed, isLast);
    return piece === null ? null : { piece, isLast };
  };
  const first = await next(0);
  if (first === null)
    throw new HouseError(
      "The archive does not open with this passphrase: it is another one, or the archive's beginning was changed. Nothing was written.",
    );
  if (first.isLast || first.piece.length > 0) throw new HouseError(damaged(0));
  async function* pieces(): AsyncGenerator<Buffer> {
    for (let number = 1; ; number += 1) {
      const opened = await next(number);
      if (opened === null) throw new HouseError(damaged(number));
      yield opened.piece;
      if (opened.isLast) break;
    }
    if (!(await reader.isAtEnd()))
      throw new HouseError('Something stands behind the end of the archive. Nothing was written.');
  }
  return { manifest, content: pieces(), digest: () => hash.digest('hex') };
}

function readManifest(line: Buffer): HouseManifest {
  let value: unknown;
  try {
    value = JSON.parse(line.toString('utf8'));
  } catch (cause) {
    throw new HouseError(notOne, { cause });
  }
  const parsed = HouseManifest.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new HouseError(`The archive's manifest cannot be used: ${z.prettifyError(parsed.error)}. Nothing was written.`);
}
