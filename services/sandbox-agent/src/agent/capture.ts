import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import type { Source } from './source.ts';

/** What a tool printed, in a file, up to a limit; the rest is counted and forgotten. */
export type Capture = {
  readonly source: Source;
  readonly path: string;
  /** Takes a stream to its end; never waits for anything but the file. */
  take(stream: Readable, onData: (data: Buffer) => void): Promise<void>;
  /** Closes the file and says what was kept. */
  finish(): Promise<{ bytes: number; sha256: string; dropped: number }>;
};

/** @param limitBytes of the file @param onGrowth called after each write */
export async function openCapture(source: Source, limitBytes: number, onGrowth: () => void): Promise<Capture> {
  const file = await open(source.path, 'wx', 0o600);
  const hash = createHash('sha256');
  let dropped = 0;
  let full = false;

  async function keep(data: Buffer): Promise<void> {
    const room = full ? 0 : limitBytes - source.bytes;
    const kept = data.subarray(0, room);
    const written = kept.length === 0 ? 0 : await writeAll(file, kept);
    hash.update(kept.subarray(0, written));
    source.bytes += written;
    dropped += data.length - written;
    // A file that may not grow, because the tool has filled the file system, ends the capture as its limit does.
    if (written < data.length) full = true;
    if (written > 0) onGrowth();
  }

  return {
    source,
    path: source.path,
    async take(stream, onData) {
      try {
        for await (const data of stream) {
          onData(data as Buffer);
          await keep(data as Buffer);
        }
      } catch (error) {
        // A pipe that an escaped process held is destroyed at the end; what came before is kept.
        if (!(error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE')) throw error;
      }
    },
    async finish() {
      await file.close();
      return { bytes: source.bytes, sha256: hash.digest('hex'), dropped };
    },
  };
}

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
