import { hash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { journalLimits } from '@countersign/contracts/limits.ts';
import type { z } from 'zod';

/** What a line of a chained file has, whatever else it says. `prev` is the SHA-256 of the line before, without its line feed. */
export type Chained = { readonly ts: string; readonly seq: number; readonly prev: string };

/** Where a chained file ends: its last line's number and SHA-256, and all its whole lines' length in bytes. */
export type ChainEnd = { readonly seq: number; readonly head: string; readonly length: number };

const genesis = '0'.repeat(64);
const lineFeed = 0x0a;
const sectorBytes = 512;
const pieceBytes = 1024 * 1024;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
/** As the writer spells the beginning of each line, and how far that reaches. */
const beginning = /^\{"ts":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z","seq":([1-9]\d{0,15}),"prev":"([0-9a-f]{64})",/;
const beginningBytes = 160;

/** A journal that cannot be continued: a line in its middle is not what it should be. */
export class JournalError extends Error {
  readonly code = 'journal';
  readonly line: number;
  /** Without file and line. */
  readonly what: string;
  constructor(path: string, line: number, what: string) {
    super(`${path}:${line}: ${what}`);
    this.name = 'JournalError';
    this.line = line;
    this.what = what;
  }
}

/** SHA-256 of a line without its line feed, as the next line names it. */
export function lineDigest(line: Uint8Array): string {
  return hash('sha256', line, 'hex');
}

/**
 * Follows a chain line by line. The hashes vouch for what every line but the last says, so only that one is parsed; `strict`
 * parses all of them.
 */
export class ChainCheck<Line extends Chained> {
  readonly #path: string;
  readonly #schema: z.ZodType<Line>;
  readonly #strict: boolean;
  #seq = 0;
  #head = genesis;
  #last: Buffer | null = null;

  constructor(path: string, schema: z.ZodType<Line>, strict: boolean) {
    this.#path = path;
    this.#schema = schema;
    this.#strict = strict;
  }

  get seq(): number {
    return this.#seq;
  }

  get head(): string {
    return this.#head;
  }

  /** The next line; what it says where all are parsed. @throws JournalError */
  take(line: Buffer): Line | null {
    const number = this.#seq + 1;
    const parsed = this.#strict ? parseLine(this.#path, number, line, this.#schema) : null;
    const { seq, prev } = parsed ?? readBeginning(line) ?? parseLine(this.#path, number, line, this.#schema);
    if (prev !== this.#head) {
      // The line before is the one that was changed, and where that shows in itself it is named.
      if (!this.#strict && this.#last !== null) parseLine(this.#path, this.#seq, this.#last, this.#schema);
      throw new JournalError(this.#path, number, 'the chain of hashes is broken here');
    }
    if (seq !== number) throw new JournalError(this.#path, number, `seq ${seq} where ${number} is due`);
    this.#seq = number;
    this.#head = lineDigest(line);
    this.#last = line;
    return parsed;
  }

  /** No hash vouches for the last line. @throws JournalError */
  finish(): void {
    if (!this.#strict && this.#last !== null) parseLine(this.#path, this.#seq, this.#last, this.#schema);
  }
}

type ScanOptions<Line> = {
  /** Parses every line, not the last alone. */
  readonly strict?: boolean;
  /** Told of each line; `value` is null unless all are parsed. */
  readonly see?: (line: Buffer, seq: number, value: Line | null) => void;
  /** How many bytes are whole lines, where that is known. */
  readonly length?: number;
};

/**
 * Reads a chained file from its beginning, a piece at a time: memory does not grow with the file.
 * @returns its end, and how many bytes behind it were not wholly written
 * @throws JournalError with the first line that is not what it should be
 */
export async function scanChain<Line extends Chained>(
  path: string,
  file: FileHandle,
  schema: z.ZodType<Line>,
  { strict = false, see, length }: ScanOptions<Line> = {},
): Promise<ChainEnd & { readonly torn: number }> {
  const { size } = await file.stat();
  const whole = length ?? (await wholeLengthOf(file, size));
  const check = new ChainCheck(path, schema, strict);
  let rest = Buffer.alloc(0);
  for (let position = 0; position < whole; ) {
    const read = await readPiece(file, position, Math.min(pieceBytes, whole - position));
    if (read.length === 0) throw new JournalError(path, check.seq + 1, 'the file ends here, and more was there before');
    position += read.length;
    const bytes = rest.length === 0 ? read : Buffer.concat([rest, read]);
    let start = 0;
    for (let end = bytes.indexOf(lineFeed); end >= 0; end = bytes.indexOf(lineFeed, start)) {
      const line = bytes.subarray(start, end);
      const value = check.take(line);
      see?.(line, check.seq, value);
      start = end + 1;
    }
    rest = bytes.subarray(start);
    if (rest.length > journalLimits.lineBytes) break;
  }
  if (rest.length > 0)
    throw new JournalError(path, check.seq + 1, `no line, or one of more than ${journalLimits.lineBytes} bytes`);
  check.finish();
  return { seq: check.seq, head: check.head, length: whole, torn: size - whole };
}

/**
 * How many bytes are lines that were wholly written. JSON holds no NUL: where a machine lost power, the lines that it was just
 * writing may have reached the disk in part, the later ones before the earlier; what did not is zeros, in whole sectors. The
 * writer has acknowledged none of what it wrote at once with them.
 * @param offset where in the file the bytes begin; they reach to its end
 */
export function wholeLength(bytes: Buffer, offset = 0): number {
  const end = bytes.lastIndexOf(lineFeed) + 1;
  if (end === 0) return 0;
  const hole = bytes.indexOf(0);
  if (hole < 0 || hole >= end) return end;
  const start = startOfLine(bytes, hole);
  if (isUnwritten(bytes, start, hole, offset)) return start;
  const last = startOfLine(bytes, end - 1);
  return bytes.subarray(last, end).includes(0) ? last : end;
}

function startOfLine(bytes: Buffer, position: number): number {
  return position === 0 ? 0 : bytes.lastIndexOf(lineFeed, position - 1) + 1;
}

/** Zeros from the beginning of a line or of a sector to the end of one: a changed byte looks otherwise. */
function isUnwritten(bytes: Buffer, start: number, hole: number, offset: number): boolean {
  let end = hole;
  while (end < bytes.length && bytes[end] === 0) end += 1;
  const begins = hole === start || (offset + hole) % sectorBytes === 0;
  const ends = end === bytes.length || (offset + end) % sectorBytes === 0;
  return begins && ends && bytes.length - start <= journalLimits.groupBytes;
}

async function wholeLengthOf(file: FileHandle, size: number): Promise<number> {
  const offset = Math.max(0, size - journalLimits.groupBytes);
  return offset + wholeLength(await readPiece(file, offset, size - offset), offset);
}

async function readPiece(file: FileHandle, position: number, length: number): Promise<Buffer<ArrayBuffer>> {
  const bytes = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(bytes, filled, length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return bytes.subarray(0, filled);
}

function readBeginning(line: Buffer): { seq: number; prev: string } | null {
  const [, seq, prev] = beginning.exec(line.toString('latin1', 0, beginningBytes)) ?? [];
  return seq === undefined || prev === undefined || line.at(-1) !== 0x7d ? null : { seq: Number(seq), prev };
}

function parseLine<Line>(path: string, number: number, line: Buffer, schema: z.ZodType<Line>): Line {
  let value: unknown;
  try {
    value = JSON.parse(utf8.decode(line));
  } catch {
    throw new JournalError(path, number, 'not JSON');
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new JournalError(
    path,
    number,
    `${issue?.path.join('.') || 'line'}: ${issue?.message ?? 'not as it should be'}`,
  );
}
