import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { journalLimits } from '@countersign/contracts/limits.ts';
import type { z } from 'zod';
import { type ChainEnd, type Chained, JournalError, lineDigest, scanChain } from './chain-scan.ts';
import { type KeptTail, keepTail } from './cut-tail.ts';
import { syncFolder } from './files.ts';

const lineFeed = Buffer.from('\n');
/** Neither appending nor truncating: each group goes to exactly where the last one ended. */
const openFlags = constants.O_RDWR | constants.O_CREAT;
/** What the kernel writes at once at least. */
const pageBytes = 4_096;

type Waiting<Body, Line> = {
  readonly body: Body;
  readonly done: (line: Line) => void;
  readonly failed: (reason: unknown) => void;
};
type Group<Body, Line> = {
  readonly members: readonly { readonly waiting: Waiting<Body, Line>; readonly line: Line }[];
  readonly bytes: Buffer;
  readonly end: ChainEnd;
};

export type ChainOptions = {
  /** For tests of a disk that fails. */
  readonly openFile?: typeof open;
  /** Told of each line when the file is opened, in order. */
  readonly see?: (line: Buffer, seq: number) => void;
  /** Told of the new end whenever lines have become durable; must not throw. */
  readonly moved?: (end: ChainEnd) => void;
  /** Awaited before a group is written; where it throws, those that wait are refused. */
  readonly ready?: () => Promise<void>;
  /** Asked once for a group that finds the disk full; true when it is worth another try. */
  readonly makeRoom?: () => Promise<boolean>;
};

/**
 * An append-only file of hash-chained JSON lines. Invariants: one writer; an append has returned only when its line is on disk;
 * `seq` grows by one; `prev` is the SHA-256 of the line before it. Appends that come while the disk is busy are written together
 * and share one fsync. What fails leaves nothing behind: a tail that was not wholly written was never acknowledged and is cut,
 * when the file is opened, and after an append that failed.
 */
export class ChainFile<Body extends object, Line extends Chained> {
  readonly path: string;
  /** What was taken off when it was opened; null when it ended with a whole line. */
  readonly cut: KeptTail | null;
  readonly #schema: z.ZodType<Line>;
  readonly #options: ChainOptions;
  #file: FileHandle;
  #end: ChainEnd;
  /** What a failure left: bytes behind the end, or a descriptor of which nobody knows what it has on disk. */
  #damage: 'none' | 'tail' | 'descriptor' = 'none';
  #waiting: Waiting<Body, Line>[] = [];
  #working: Promise<void> | null = null;

  private constructor(
    path: string,
    schema: z.ZodType<Line>,
    options: ChainOptions,
    state: { readonly file: FileHandle; readonly end: ChainEnd; readonly cut: KeptTail | null },
  ) {
    this.path = path;
    this.cut = state.cut;
    this.#schema = schema;
    this.#options = options;
    this.#file = state.file;
    this.#end = state.end;
  }

  /** Opens or makes the file. @throws JournalError when its chain is broken before the tail */
  static async open<Body extends object, Line extends Chained>(
    path: string,
    schema: z.ZodType<Line>,
    options: ChainOptions = {},
  ): Promise<ChainFile<Body, Line>> {
    const file = await (options.openFile ?? open)(path, openFlags, 0o640);
    try {
      const { see } = options;
      const { torn, ...end } = await scanChain(path, file, schema, see === undefined ? {} : { see });
      const cut = torn === 0 ? null : await keepTail(path, file, end, torn);
      if (cut !== null) await truncate(file, end.length);
      if (end.length === 0) await syncFolder(dirname(path));
      return new ChainFile<Body, Line>(path, schema, options, { file, end, cut });
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** The last line that is durable. */
  get end(): ChainEnd {
    return this.#end;
  }

  /** Appends one line and returns it when it is durable. Appends keep their order; one that fails does not keep later ones from succeeding. */
  append(body: Body): Promise<Line> {
    return new Promise((done, failed) => {
      this.#waiting.push({ body, done, failed });
      this.#working ??= this.#work();
    });
  }

  async close(): Promise<void> {
    await this.#working;
    await this.#file.close();
  }

  async #work(): Promise<void> {
    // Whoever appends in the same turn of the event loop is of the same group.
    await Promise.resolve();
    while (this.#waiting.length > 0) {
      try {
        await this.#options.ready?.();
      } catch (error) {
        for (const { failed } of this.#waiting.splice(0)) failed(error);
        break;
      }
      const group = this.#form();
      if (group.members.length === 0) continue;
      try {
        await this.#write(group);
        for (const { waiting, line } of group.members) waiting.done(line);
      } catch (error) {
        for (const { waiting } of group.members) waiting.failed(error);
      }
    }
    this.#working = null;
  }

  /** As many of those that wait as are written at once. One that cannot be a line is refused and leaves no gap. */
  #form(): Group<Body, Line> {
    const members: { waiting: Waiting<Body, Line>; line: Line }[] = [];
    const pieces: Buffer[] = [];
    let end = this.#end;
    let taken = 0;
    for (const waiting of this.#waiting) {
      if (end.length - this.#end.length > journalLimits.groupBytes - journalLimits.lineBytes - 1) break;
      taken += 1;
      try {
        const line = this.#schema.parse({
          ts: new Date().toISOString(),
          seq: end.seq + 1,
          prev: end.head,
          ...waiting.body,
        });
        const bytes = Buffer.from(JSON.stringify(line));
        if (bytes.length > journalLimits.lineBytes)
          throw new RangeError(`an event of more than ${journalLimits.lineBytes} bytes`);
        end = { seq: end.seq + 1, head: lineDigest(bytes), length: end.length + bytes.length + 1 };
        pieces.push(bytes, lineFeed);
        members.push({ waiting, line });
      } catch (error) {
        waiting.failed(error);
      }
    }
    this.#waiting = this.#waiting.slice(taken);
    return { members, bytes: Buffer.concat(pieces), end };
  }

  async #write({ bytes, end }: Group<Body, Line>): Promise<void> {
    const { makeRoom, moved } = this.#options;
    try {
      await this.#put(bytes);
    } catch (error) {
      if (!isFull(error) || (await makeRoom?.()) !== true) throw error;
      await this.#put(bytes);
    }
    this.#end = end;
    moved?.(end);
  }

  async #put(bytes: Buffer): Promise<void> {
    await this.#mend();
    const { size } = await this.#file.stat();
    if (size !== this.#end.length)
      throw new JournalError(
        this.path,
        this.#end.seq + 1,
        `somebody else wrote here: ${size} bytes where ${this.#end.length} are due`,
      );
    try {
      this.#damage = 'tail';
      await writeWhole(this.#file, bytes, this.#end.length);
      this.#damage = 'descriptor';
      await this.#file.datasync();
      this.#damage = 'none';
    } catch (error) {
      // At once, so that no reader takes for true what was not acknowledged; where that fails too, before the next group.
      await this.#mend().catch(() => undefined);
      throw error;
    }
  }

  async #mend(): Promise<void> {
    if (this.#damage === 'tail') {
      this.#damage = 'descriptor';
      await truncate(this.#file, this.#end.length);
      this.#damage = 'none';
    }
    if (this.#damage === 'descriptor') await this.#reopen();
  }

  /**
   * After an fsync that failed the kernel may hold pages for clean that are not on disk, and another fsync of the same descriptor
   * would succeed. So: a new descriptor; everything that was acknowledged is read back and compared; the page in which both
   * meet is written again; the rest is cut.
   */
  async #reopen(): Promise<void> {
    await this.#file.close().catch(() => undefined);
    this.#file = await (this.#options.openFile ?? open)(this.path, constants.O_RDWR);
    const { seq, head, length } = this.#end;
    const found = await scanChain(this.path, this.#file, this.#schema, { length });
    if (found.seq !== seq || found.head !== head)
      throw new JournalError(this.path, found.seq, `not what was acknowledged as line ${seq}`);
    await this.#file.truncate(length);
    const start = length - (length % pageBytes);
    const { buffer, bytesRead } = await this.#file.read(Buffer.alloc(length - start), 0, length - start, start);
    await writeWhole(this.#file, buffer.subarray(0, bytesRead), start);
    await this.#file.sync();
    this.#damage = 'none';
  }
}

/** A write may take less than it was given; then it is asked again, and says why. */
async function writeWhole(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  for (let written = 0; written < bytes.length; ) {
    const { bytesWritten } = await file.write(bytes, written, bytes.length - written, position + written);
    if (bytesWritten === 0) throw new Error('the disk took nothing of a write');
    written += bytesWritten;
  }
}

async function truncate(file: FileHandle, length: number): Promise<void> {
  await file.truncate(length);
  await file.sync();
}

/** No room, or none left of what its user may have. */
function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');
}
