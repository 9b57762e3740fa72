import { rename } from 'node:fs/promises';
import { JournalHead, type JournalName } from '@countersign/contracts/journal-head.ts';
import { journalLimits } from '@countersign/contracts/limits.ts';
import { ChainFile, type ChainOptions } from '@countersign/kit/chain-file.ts';
import { type ChainEnd, JournalError, lineDigest } from '@countersign/kit/chain-scan.ts';
import { exists } from '@countersign/kit/files.ts';
import { Journal } from '@countersign/kit/journal.ts';

type HeadBody = Pick<JournalHead, 'journal' | 'events' | 'head'>;
type HeadFile = ChainFile<HeadBody, JournalHead>;
type Known = Pick<JournalHead, 'events' | 'head'>;

/** A journal that is not what `heads.jsonl` says of it; `what` is for people. */
export type Behind = { readonly journal: string; readonly events: number; readonly what: string };

/**
 * `runs/heads.jsonl`: how far each journal had come, so that one that is gone, or ends before, shows. A line is written some time
 * after those that it tells of are durable, and never on their way: a death in between leaves it behind, and the next start
 * brings it up to them.
 */
export class JournalHeads implements AsyncDisposable {
  readonly #file: HeadFile;
  readonly #options: ChainOptions;
  /** What the file says last of each journal. */
  readonly #known: Map<string, Known>;
  readonly #opened = new Set<string>();
  readonly #moved = new Map<JournalName, ChainEnd>();
  readonly #behind: Behind[] = [];
  #timer: NodeJS.Timeout | null = null;
  #writing: Promise<void> = Promise.resolve();

  private constructor(file: HeadFile, known: Map<string, Known>, options: ChainOptions) {
    this.#file = file;
    this.#known = known;
    this.#options = options;
  }

  /** Opens or makes the file. One that was changed is put aside, where `audit` finds it, and another one begun. */
  static async open(path: string, options: ChainOptions = {}): Promise<JournalHeads> {
    try {
      return await JournalHeads.#read(path, options);
    } catch (error) {
      if (!(error instanceof JournalError)) throw error;
      const aside = await freeName(`${path}.broken`);
      await rename(path, aside);
      const heads = await JournalHeads.#read(path, options);
      heads.#behind.push({
        journal: 'heads',
        events: error.line,
        what: `${error.message}; it was put aside as ${aside}`,
      });
      return heads;
    }
  }

  static async #read(path: string, options: ChainOptions): Promise<JournalHeads> {
    const known = new Map<string, Known>();
    const see = (line: Buffer) => {
      const { journal, events, head } = JournalHead.parse(JSON.parse(line.toString('utf8')));
      known.set(journal, { events, head });
    };
    return new JournalHeads(await ChainFile.open(path, JournalHead, { ...options, see }), known, options);
  }

  /** The last line of this file itself. */
  get end(): ChainEnd {
    return this.#file.end;
  }

  /** Opens a journal, compares it with what was said of it, and follows it from now on. @throws JournalError */
  async journal(name: JournalName, path: string): Promise<Journal> {
    const known = this.#known.get(name);
    let said: string | null = null;
    const journal = await Journal.open(path, {
      ...this.#options,
      see: (line, seq) => {
        if (seq === known?.events) said = lineDigest(line);
      },
      moved: (end) => this.#note(name, end),
    });
    this.#opened.add(name);
    const { end, cut } = journal;
    if (known !== undefined && said !== known.head) {
      const what =
        end.seq < known.events
          ? `ends at line ${end.seq}, and had ${known.events}`
          : `has another line ${known.events} than it had`;
      this.#behind.push({ journal: name, events: known.events, what: `${path} ${what}` });
    }
    if (end.seq > 0) this.#note(name, end);
    if (cut !== null) await tellCut(journal, name);
    return journal;
  }

  /** What was not as it should be: of those that were opened, and all that were never asked for, for they are gone. */
  behind(): readonly Behind[] {
    const gone = [...this.#known]
      .filter(([name]) => !this.#opened.has(name))
      .map(([name, { events }]) => ({
        journal: name,
        events,
        what: `the journal of ${name} is gone, and had ${events} lines`,
      }));
    return [...this.#behind, ...gone];
  }

  #note(name: JournalName, end: ChainEnd): void {
    this.#moved.set(name, end);
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.#writing = this.#writing.then(() => this.#write());
    }, journalLimits.headsMs).unref();
  }

  /** What cannot be written now is written with what comes next. */
  async #write(): Promise<void> {
    const moved = [...this.#moved].filter(([name, { head }]) => this.#known.get(name)?.head !== head);
    this.#moved.clear();
    await Promise.all(
      moved.map(async ([journal, { seq, head }]) => {
        try {
          await this.#file.append({ journal, events: seq, head });
          this.#known.set(journal, { events: seq, head });
        } catch {
          if (!this.#moved.has(journal)) this.#moved.set(journal, { seq, head, length: 0 });
        }
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    await this.#writing;
    await this.#write();
    await this.#file.close();
  }
}

/** In the journal itself. The bytes are kept and the log says it, too, where the disk does not allow even that. */
async function tellCut(journal: Journal, name: JournalName): Promise<void> {
  const { bytes = 0, kept = null } = journal.cut ?? {};
  await journal
    .append({
      ...(name === 'service' ? {} : { run_id: name }),
      phase: 'service',
      agent_role: 'runner',
      event: 'journal_cut',
      summary: `${bytes} bytes that were not wholly written, and acknowledged to nobody, were taken off`,
      data: { bytes, kept },
    })
    .catch(() => undefined);
}

async function freeName(path: string): Promise<string> {
  for (let number = 1; ; number += 1) if (!(await exists(`${path}-${number}`))) return `${path}-${number}`;
}
