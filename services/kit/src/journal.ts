import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type EventBody, JournalEvent } from '@countersign/contracts/event.ts';
import { journalLimits } from '@countersign/contracts/limits.ts';
import { syncFolder } from './files.ts';

const genesis = '0'.repeat(64);
const lineFeed = Buffer.from('\n');
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Where the next line goes: `length` in bytes. */
type ChainEnd = { readonly seq: number; readonly head: string; readonly length: number };

/** A journal that cannot be continued: a line in its middle is not what it should be. */
export class JournalError extends Error {
  readonly code = 'journal';
  readonly line: number;
  constructor(path: string, line: number, message: string) {
    super(`${path}:${line}: ${message}`);
    this.name = 'JournalError';
    this.line = line;
  }
}

/**
 * An append-only, hash-chained `telemetry.jsonl`. Invariants: one writer; an append has returned only when its line is on disk;
 * `seq` grows by one; `prev` is the SHA-256 of the line before. A tail that was not wholly written was never acknowledged and
 * is cut: when the file is opened, and after an append that failed.
 */
export class Journal {
  readonly #path: string;
  readonly #file: FileHandle;
  #end: ChainEnd;
  #torn = false;
  #queue: Promise<unknown> = Promise.resolve();

  private constructor(path: string, file: FileHandle, end: ChainEnd) {
    this.#path = path;
    this.#file = file;
    this.#end = end;
  }

  /**
   * Opens or makes the file.
   * @param openFile an override for tests of a disk that fails
   * @throws JournalError when its chain is broken before the tail
   */
  static async open(path: string, openFile: typeof open = open): Promise<Journal> {
    const file = await openFile(path, 'a+', 0o640);
    try {
      const bytes = await file.readFile();
      const whole = bytes.subarray(0, wholeLength(bytes));
      const seq = parseJournal(path, whole).length;
      if (whole.length < bytes.length) await cut(file, whole.length);
      if (bytes.length === 0) await syncFolder(dirname(path));
      const last = whole.subarray(whole.lastIndexOf('\n', -2) + 1, -1);
      return new Journal(path, file, { seq, head: seq === 0 ? genesis : digest(last), length: whole.length });
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /**
   * Appends one event and returns it when it is durable. Appends keep their order; one that fails, because the disk is full
   * for instance, leaves nothing behind and does not keep later ones from succeeding.
   */
  append(body: EventBody): Promise<JournalEvent> {
    const appended = this.#queue.then(() => this.#write(body));
    this.#queue = appended.catch(() => undefined);
    return appended;
  }

  async #write(body: EventBody): Promise<JournalEvent> {
    const { seq, head, length } = this.#end;
    const event = JournalEvent.parse({ ts: new Date().toISOString(), seq: seq + 1, prev: head, ...body });
    const line = Buffer.from(JSON.stringify(event));
    if (line.length > journalLimits.lineBytes)
      throw new RangeError(`an event of more than ${journalLimits.lineBytes} bytes`);
    if (this.#torn) await cut(this.#file, length);
    this.#torn = true;
    await this.#file.appendFile(Buffer.concat([line, lineFeed]));
    await this.#file.datasync();
    this.#torn = false;
    this.#end = { seq: event.seq, head: digest(line), length: length + line.length + 1 };
    return event;
  }

  async close(): Promise<void> {
    await this.#queue;
    await this.#file.close();
  }

  get path(): string {
    return this.#path;
  }
}

/**
 * The events of a journal's whole lines, in order; what the writer would cut from the tail is not looked at.
 * @throws JournalError when a line is no event or the chain is broken
 */
export function parseJournal(path: string, content: string | Uint8Array): JournalEvent[] {
  const bytes = Buffer.from(content);
  const length = wholeLength(bytes);
  const events: JournalEvent[] = [];
  let head = genesis;
  for (let start = 0; start < length; ) {
    const number = events.length + 1;
    const end = bytes.indexOf('\n', start);
    const line = bytes.subarray(start, end);
    const event = parseLine(path, number, line);
    if (event.prev !== head) throw new JournalError(path, number, 'the chain of hashes is broken here');
    if (event.seq !== number) throw new JournalError(path, number, `seq ${event.seq} where ${number} is due`);
    events.push(event);
    head = digest(line);
    start = end + 1;
  }
  return events;
}

/**
 * How many bytes are lines that were wholly written. JSON holds no NUL: a last line with one in it is what a machine that lost
 * power left of a line whose end reached the disk before its beginning.
 */
export function wholeLength(bytes: Buffer): number {
  const end = bytes.lastIndexOf('\n') + 1;
  if (end === 0) return 0;
  const start = end === 1 ? 0 : bytes.lastIndexOf('\n', end - 2) + 1;
  return bytes.subarray(start, end).includes(0) ? start : end;
}

async function cut(file: FileHandle, length: number): Promise<void> {
  await file.truncate(length);
  await file.sync();
}

function parseLine(path: string, number: number, line: Buffer): JournalEvent {
  let value: unknown;
  try {
    value = JSON.parse(utf8.decode(line));
  } catch {
    throw new JournalError(path, number, 'not JSON');
  }
  const parsed = JournalEvent.safeParse(value);
  if (!parsed.success) throw new JournalError(path, number, parsed.error.message);
  return parsed.data;
}

function digest(line: Uint8Array): string {
  return createHash('sha256').update(line).digest('hex');
}
