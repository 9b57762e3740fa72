import { createReadStream } from 'node:fs';

/** A line's part: a line is given in one piece unless it is longer than `pieceBytes`. */
export type Piece = { readonly bytes: Buffer; readonly begins: boolean; readonly ends: boolean };

/** Of a line whose end is not in sight, so much is kept at most. */
const pieceBytes = 64 * 1024;
const readBytes = 1024 * 1024;

/**
 * Gives a file's lines, without their line feeds, to `take`. A piece is good until `take` returns, and no character is cut in
 * two. What is in memory at once is bounded, whatever the file holds.
 */
export async function eachLine(path: string, take: (piece: Piece) => void, signal?: AbortSignal): Promise<void> {
  let rest: Buffer = Buffer.alloc(0);
  let begins = true;
  const stream = createReadStream(path, { highWaterMark: readBytes, ...(signal === undefined ? {} : { signal }) });
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let start = 0;
    for (let end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a, start)) {
      take({ bytes: bytes.subarray(start, end), begins, ends: true });
      begins = true;
      start = end + 1;
    }
    while (bytes.length - start > pieceBytes) {
      const end = characterEnd(bytes, start + pieceBytes);
      take({ bytes: bytes.subarray(start, end), begins, ends: false });
      begins = false;
      start = end;
    }
    rest = Buffer.from(bytes.subarray(start));
  }
  if (rest.length > 0 || !begins) take({ bytes: rest, begins, ends: true });
}

/** The last place up to `end` that is not inside of a character of UTF-8. */
function characterEnd(bytes: Buffer, end: number): number {
  for (let at = end; at > end - 4; at -= 1) if (((bytes[at] ?? 0) & 0xc0) !== 0x80) return at;
  return end;
}
