import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import type { OutputBudget } from './output-budget.ts';
import type { Source } from './source.ts';

/** What a program printed, in a file, up to a limit; the rest is counted and forgotten. */
export type Capture = {
  readonly source: Source;
  readonly path: string;
  /** Bytes that were forgotten so far. */
  readonly dropped: number;
  /**
   * Takes a stream to its end; never waits for anything but the file.
   * @param untilBytes the file's size at which this stream's share of it is used up; without it, the file's own limit
   */
  take(stream: Readable, onData?: (data: Buffer) => void, untilBytes?: number): Promise<void>;
  /** Writes one line of our own, at the start of a line. Only while no stream is taken. */
  say(line: string): Promise<void>;
  /** Closes the file and says what was kept. */
  finish(): Promise<{ bytes: number; sha256: string; dropped: number }>;
};

/**
 * @param limitBytes of the file
 * @param onGrowth called after each write
 * @param budget that it shares with the other stream
 */
export async function openCapture(
  source: Source,
  limitBytes: number,
  onGrowth: () => void,
  budget: Pick<OutputBudget, 'take'> = boundless,
): Promise<Capture> {
  const file = await open(source.path, 'wx', 0o600);
  const hash = createHash('sha256');
  let dropped = 0;
  let full = false;
  let atLineStart = true;

  async function keep(data: Buffer, untilBytes: number): Promise<void> {
    const allowed = budget.take(data.length);
    const room = full ? 0 : Math.max(0, Math.min(allowed, Math.min(untilBytes, limitBytes) - source.bytes));
    const kept = data.subarray(0, room);
    const written = kept.length === 0 ? 0 : await writeAll(file, kept);
    hash.update(kept.subarray(0, written));
    source.bytes += written;
    dropped += data.length - written;
    // A file that may not grow, because the tool has filled the file system, ends the capture as its limit does.
    if (written < data.length) full = true;
    if (written > 0) {
      atLineStart = kept[written - 1] === lineFeed;
      onGrowth();
    }
  }

  return {
    source,
    path: source.path,
    get dropped() {
      return dropped;
    },
    async take(stream, onData = () => undefined, untilBytes = limitBytes) {
      full = false;
      try {
        for await (const data of stream) {
          onData(data as Buffer);
          await keep(data as Buffer, untilBytes);
        }
      } catch (error) {
        // A pipe that an escaped process held is destroyed at the end; what came before is kept.
        if (!(error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE')) throw error;
      }
    },
    async say(line) {
      full = false;
      await keep(Buffer.from(`${atLineStart ? '' : '\n'}${line}\n`), limitBytes);
    },
    async finish() {
      await file.close();
      return { bytes: source.bytes, sha256: hash.digest('hex'), dropped };
    },
  };
}

const lineFeed = 0x0a;
const boundless = { take: (bytes: number) => bytes };

/** @returns how many bytes the file took */
async function writeAll(file: FileHandle, data: Buffer): Promise<number> {
  let written = 0;
  try {
    while (written < data.length) written += (await file.write(data, written)).bytesWritten;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')))
      throw error;
  }
  return written;
}
