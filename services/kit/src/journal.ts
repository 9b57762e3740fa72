import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type EventBody, JournalEvent } from '@countersign/contracts/event.ts';
import { journalLimits } from '@countersign/contracts/limits.ts';
import { syncFolder } from './files.ts';

const genesis = '0'.repeat(64);

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
 * `seq` grows by one; `prev` is the SHA-256 of the line before. A tail without its line feed was never acknowledged and is cut.
 */
export class Journal {
  readonly #path: string;
  readonly #file: FileHandle;
  #seq: number;
  #head: string;
  #queue: Promise<unknown> = Promise.resolve();

  private constructor(path: string, file: FileHandle, seq: number, head: string) {
    this.#path = path;
    this.#file = file;
    this.#seq = seq;
    this.#head = head;
  }

  /** Opens or makes the file. @throws JournalError when its chain is broken before the tail. */
  static async open(path: string): Promise<Journal> {
    const file = await open(path, 'a+', 0o640);
    try {
      const text = await file.readFile('utf8');
      const whole = text.slice(0, text.lastIndexOf('\n') + 1);
      const { seq, head } = checkChain(path, whole);
      if (whole.length < text.length) {
        await file.truncate(Buffer.byteLength(whole));
        await file.sync();
      }
      if (text === '') await syncFolder(dirname(path));
      return new Journal(path, file, seq, head);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** Appends one event and returns it when it is durable. Appends keep their order. */
  append(body: EventBody): Promise<JournalEvent> {
    const appended = this.#queue.then(() => this.#write(body));
    this.#queue = appended.catch(() => undefined);
    return appended;
  }

  async #write(body: EventBody): Promise<JournalEvent> {
    const event = JournalEvent.parse({ ts: new Date().toISOString(), seq: this.#seq + 1, prev: this.#head, ...body });
    const line = JSON.stringify(event);
    if (Buffer.byteLength(line) > journalLimits.lineBytes)
      throw new RangeError(`an event of more than ${journalLimits.lineBytes} bytes`);
    await this.#file.appendFile(`${line}\n`);
    await this.#file.datasync();
    this.#seq = event.seq;
    this.#head = digest(line);
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

/** The events of a journal's whole lines, in order. @throws JournalError when a line is no event or the chain is broken. */
export function parseJournal(path: string, text: string): JournalEvent[] {
  const events: JournalEvent[] = [];
  let head = genesis;
  for (const [index, line] of text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .entries()) {
    if (line === '') continue;
    const event = parseLine(path, index + 1, line);
    if (event.prev !== head) throw new JournalError(path, index + 1, 'the chain of hashes is broken here');
    if (event.seq !== events.length + 1)
      throw new JournalError(path, index + 1, `seq ${event.seq} where ${events.length + 1} is due`);
    events.push(event);
    head = digest(line);
  }
  return events;
}

function checkChain(path: string, text: string): { seq: number; head: string } {
  const seq = parseJournal(path, text).length;
  const last = text.trimEnd().split('\n').at(-1);
  return { seq, head: last === undefined || last === '' ? genesis : digest(last) };
}

function parseLine(path: string, number: number, line: string): JournalEvent {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new JournalError(path, number, 'not JSON');
  }
  const parsed = JournalEvent.safeParse(value);
  if (!parsed.success) throw new JournalError(path, number, parsed.error.message);
  return parsed.data;
}

function digest(line: string): string {
  return createHash('sha256').update(line).digest('hex');
}
