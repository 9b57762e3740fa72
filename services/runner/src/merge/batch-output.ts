import assert from 'node:assert/strict';
import type { Readable } from 'node:stream';

const lineFeed = 0x0a;
const maximumLine = 1_000;

/** Lines and counted bytes, in turn, of what `git cat-file --batch` printed. */
type BatchOutput = { line(): Promise<string>; bytes(count: number): AsyncGenerator<Buffer> };

export function readBatchOutput(stream: Readable): BatchOutput {
  const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let rest: Buffer = Buffer.alloc(0);
  const more = async (): Promise<Buffer> => {
    const next = await chunks.next();
    assert(next.done !== true, 'git printed everything');
    return next.value;
  };
  return {
    async line() {
      while (!rest.includes(lineFeed)) {
        assert(rest.length <= maximumLine, 'a line of git is short');
        rest = Buffer.concat([rest, await more()]);
      }
      const end = rest.indexOf(lineFeed);
      const line = rest.toString('latin1', 0, end);
      rest = rest.subarray(end + 1);
      return line;
    },
    async *bytes(count) {
      for (let left = count; left > 0; ) {
        if (rest.length === 0) rest = await more();
        const piece = rest.subarray(0, left);
        rest = rest.subarray(piece.length);
        left -= piece.length;
        yield piece;
      }
    },
  };
}
