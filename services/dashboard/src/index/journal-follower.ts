import { join } from 'node:path';
import { type Database, IndexBroken } from './database.ts';
import { JournalList } from './journal-list.ts';
import { beginning, readJournalPiece } from './journal-piece.ts';
import { JournalWriter, type KnownJournal } from './journal-writer.ts';

type Warn = (fields: Record<string, unknown>, message: string) => void;

/** Brings what is new in the journals into the index. What cannot be read now is told once, and tried again. */
export class JournalFollower {
  readonly #runs: string;
  readonly #volumes: string;
  readonly #warn: Warn;
  readonly #writer: JournalWriter;
  readonly #list: JournalList;
  readonly #journals = new Map<string, KnownJournal>();
  /** Names of what could not be read when it was last tried. */
  readonly #unreadable = new Set<string>();
  #isFirst = true;

  constructor(database: Database, volumes: string, warn: Warn) {
    this.#volumes = volumes;
    this.#runs = join(volumes, 'runs');
    this.#warn = warn;
    this.#writer = new JournalWriter(database);
    this.#list = new JournalList(this.#runs);
    for (const journal of this.#writer.known()) this.#journals.set(journal.name, journal);
  }

  /** Those that grew last. */
  hot(): string[] {
    return this.#list.hot();
  }

  /**
   * Everything that is new since the last time; the first time, everything behind what the index has.
   * @returns false where the folder of the journals cannot be looked at. @throws IndexBroken
   */
  async step(signal: AbortSignal): Promise<boolean> {
    const changes = await this.#try('runs', () => this.#list.look(this.#isFirst));
    if (changes === null) return false;
    const there = new Set(changes.map(({ name }) => name));
    for (const { name, isGone } of changes) if (isGone) this.#forget(name);
    // Of an index from before the start some journals may be gone as well.
    if (this.#isFirst) for (const name of [...this.#journals.keys()]) if (!there.has(name)) this.#forget(name);
    this.#isFirst = false;
    for (const { name, isGone } of changes)
      if (!isGone && (await this.#try(name, () => this.#read(name, signal))) === null) this.#list.again(name);
    return true;
  }

  #forget(name: string): void {
    const journal = this.#journals.get(name);
    if (journal !== undefined) this.#writer.forget(journal);
    this.#journals.delete(name);
  }

  /** Everything new of one journal; of one that is not what it was, all of it. */
  async #read(name: string, signal: AbortSignal): Promise<true> {
    for (let more = true; more && !signal.aborted; ) {
      const journal = this.#journals.get(name) ?? this.#writer.add(name, beginning);
      this.#journals.set(name, journal);
      const piece = await readJournalPiece(join(this.#runs, name), this.#volumes, journal.place);
      if (piece.kind === 'changed') {
        this.#warn({ journal: name }, 'a journal is another one than before and is read anew');
        this.#forget(name);
        continue;
      }
      more = piece.more;
      if (piece.place === journal.place) continue;
      this.#writer.write(journal, piece.lines, piece.place);
      this.#journals.set(name, { ...journal, place: piece.place });
    }
    return true;
  }

  async #try<T>(name: string, work: () => Promise<T>): Promise<T | null> {
    try {
      const outcome = await work();
      this.#unreadable.delete(name);
      return outcome;
    } catch (error) {
      if (error instanceof IndexBroken) throw error;
      if (!this.#unreadable.has(name)) this.#warn({ name, error }, 'a journal cannot be read');
      this.#unreadable.add(name);
      return null;
    }
  }
}
