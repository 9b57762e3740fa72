import { join } from 'node:path';
import { logLimits } from '@countersign/contracts/limits.ts';
import { type LogLines, pageLimits } from '@countersign/contracts/page-api.ts';
import { isMissing } from '@countersign/kit/files.ts';
import { NotRegularError, openRegularFile } from '@countersign/kit/regular-file.ts';
import { z } from 'zod';

/** A service, and so a folder below `logs/`. */
export const ServiceName = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, 'a service is 1 to 32 of a-z, 0-9 and -');

/** One file of a log. `start` is where it begins, in bytes from the beginning of the oldest. */
export type LogFile = {
  readonly path: string;
  readonly inode: bigint;
  readonly size: number;
  readonly start: number;
};

export const logReading = {
  /** Read at once. */
  pieceBytes: 256 * 1024,
  /** Read for one answer. */
  answerBytes: 2 * 1024 * 1024,
  /** Of a line; what is behind that is left out. */
  lineBytes: 8 * 1024,
} as const;

const lineFeed = 0x0a;

/** The files of a service's log, the oldest first; none where it has none. @param service parsed by `ServiceName` */
export async function logFiles(volumes: string, service: string): Promise<LogFile[]> {
  const newest = join(volumes, 'logs', service, `${service}.jsonl`);
  const files: LogFile[] = [];
  let start = 0;
  for (let number: number = logLimits.oldFiles; number >= 0; number -= 1) {
    const path = number === 0 ? newest : `${newest}.${number}`;
    const found = await lookAt(path, volumes);
    if (found === null) continue;
    files.push({ path, ...found, start });
    start += found.size;
  }
  return files;
}

async function lookAt(path: string, volumes: string): Promise<Pick<LogFile, 'inode' | 'size'> | null> {
  try {
    await using file = await openRegularFile(path, volumes);
    const { ino, size } = await file.stat({ bigint: true });
    return { inode: ino, size: Number(size) };
  } catch (error) {
    if (isMissing(error) || error instanceof NotRegularError) return null;
    throw error;
  }
}

export function logEnd(files: readonly LogFile[]): number {
  const last = files.at(-1);
  return last === undefined ? 0 : last.start + last.size;
}

type Lines = Pick<LogLines, 'lines' | 'next'>;

/** Lines that begin at `from` or behind it, the first of them; one that is not whole yet is left for the next time. */
export async function linesAfter(
  volumes: string,
  files: readonly LogFile[],
  from: number,
  limit: number,
): Promise<Lines> {
  const lines: LogLines['lines'] = [];
  let next = Math.min(from, logEnd(files));
  let room = logReading.answerBytes;
  for (const file of files) {
    const end = file.start + file.size;
    // A place within a line, or a line that is longer than a piece: what is left of it is passed over.
    let isInside = next > file.start && next < end && (await byteAt(volumes, file, next - 1)) !== lineFeed;
    while (next < end && lines.length < limit && room > 0) {
      const bytes = await readAt(volumes, file, next, Math.min(logReading.pieceBytes, end - next));
      if (bytes.length === 0) return { lines, next };
      room -= bytes.length;
      let start = 0;
      for (
        let feed = bytes.indexOf(lineFeed);
        feed >= 0 && lines.length < limit;
        feed = bytes.indexOf(lineFeed, start)
      ) {
        if (!isInside) lines.push(lineOf(next + start, bytes.subarray(start, feed)));
        isInside = false;
        start = feed + 1;
      }
      if (start === 0) {
        if (bytes.length < logReading.pieceBytes) break;
        if (!isInside) lines.push(lineOf(next, bytes));
        isInside = true;
        start = bytes.length;
      }
      next += start;
    }
    if (lines.length >= limit || room <= 0) break;
    // An older file grows no more: a torn line at its end is passed over.
    if (file !== files.at(-1)) next = Math.max(next, end);
  }
  return { lines, next };
}

/** Whole lines that end at `before` or earlier, the last of them. */
export async function linesBefore(
  volumes: string,
  files: readonly LogFile[],
  before: number,
  limit: number,
): Promise<Lines> {
  const end = Math.min(before, logEnd(files));
  let lines: LogLines['lines'] = [];
  let room = logReading.answerBytes;
  let next: number | null = null;
  for (const file of files.toReversed()) {
    let stop = Math.min(end, file.start + file.size);
    let rest = Buffer.alloc(0);
    // Whether the bytes behind `stop` are the rest of a line that ends with a line feed, or one that does not.
    let isTorn = true;
    while (stop > file.start && lines.length < limit && room > 0) {
      const start = Math.max(file.start, stop - logReading.pieceBytes);
      const read = await readAt(volumes, file, start, stop - start);
      room -= read.length;
      const bytes = rest.length === 0 ? read : Buffer.concat([read, rest]);
      if (isTorn) {
        const last = bytes.lastIndexOf(lineFeed);
        if (last < 0) {
          stop = start;
          continue;
        }
        next ??= start + last + 1;
        isTorn = false;
      }
      const first = start === file.start ? 0 : bytes.indexOf(lineFeed) + 1;
      const found: LogLines['lines'] = [];
      const whole = bytes.lastIndexOf(lineFeed) + 1;
      for (let at = first; at < whole; ) {
        const feed = bytes.indexOf(lineFeed, at);
        found.push(lineOf(start + at, bytes.subarray(at, feed)));
        at = feed + 1;
      }
      lines = [...found, ...lines].slice(-limit);
      rest = start === file.start ? Buffer.alloc(0) : Buffer.from(bytes.subarray(0, first));
      // Of a line that goes on before this piece the end is enough: the rest of it is more than is shown.
      if (rest.length > logReading.pieceBytes) rest = rest.subarray(rest.length - logReading.pieceBytes);
      stop = start;
    }
    if (lines.length >= limit || room <= 0) break;
  }
  return { lines, next: next ?? end };
}

function lineOf(at: number, bytes: Buffer): LogLines['lines'][number] {
  const text = bytes.toString('utf8', 0, Math.min(bytes.length, logReading.lineBytes));
  return { at, text: bytes.length > logReading.lineBytes ? `${text}…` : text };
}

async function byteAt(volumes: string, file: LogFile, place: number): Promise<number | undefined> {
  return (await readAt(volumes, file, place, 1))[0];
}

/** What lies there now; nothing where the file was moved on meanwhile. */
async function readAt(
  volumes: string,
  { path, start, inode }: LogFile,
  place: number,
  length: number,
): Promise<Buffer> {
  try {
    await using file = await openRegularFile(path, volumes);
    if ((await file.stat({ bigint: true })).ino !== inode) return Buffer.alloc(0);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, place - start);
    return buffer.subarray(0, bytesRead);
  } catch (error) {
    if (isMissing(error) || error instanceof NotRegularError) return Buffer.alloc(0);
    throw error;
  }
}

/** As many lines as one answer has. */
export const LineLimit = z.coerce.number().int().min(1).max(pageLimits.logLines).default(pageLimits.logLines);
