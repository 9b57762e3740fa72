import { closeSync, openSync, readSync, rmSync, statSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { completion, schema, schemaVersion } from './schema.ts';

/** The index's file is damaged, gone, full or another one's: it is to be made anew. */
export class IndexBroken extends Error {
  readonly code = 'index_broken';
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'IndexBroken';
  }
}

type Row = Record<string, unknown>;
const magic = Buffer.from('SQLite format 3\0');

/**
 * The index's file. Every error of SQLite is `IndexBroken`: all statements are ours, so that it is never the question that is wrong,
 * and nothing is lost with the file.
 */
export class Database implements Disposable {
  readonly path: string;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #inode: bigint;
  /** Nothing can be taken back then. */
  #isBuilding = false;

  private constructor(path: string, database: DatabaseSync) {
    this.path = path;
    this.#database = database;
    this.#inode = statSync(path, { bigint: true }).ino;
  }

  /** What is there, where it is whole and of this version; otherwise an empty one. @throws IndexBroken where none can be made */
  static open(path: string): Database {
    try {
      const found = Database.#connect(path);
      if (found.#isUsable()) return found;
      found[Symbol.dispose]();
    } catch (error) {
      if (!(error instanceof IndexBroken)) throw error;
    }
    return Database.make(path);
  }

  /** An empty one, whatever was there. @throws IndexBroken */
  static make(path: string): Database {
    return guarded(() => {
      for (const ending of ['', '-wal', '-shm', '-journal'])
        rmSync(`${path}${ending}`, { force: true, recursive: true });
      const made = Database.#connect(path);
      made.#isBuilding = true;
      // Until it is complete, a death or an error costs nothing but the time.
      made.exec(`PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; BEGIN; ${schema} COMMIT`);
      // Larger than every number that an earlier file gave out, so that a stream that heard of that one can be told.
      const position = Date.now() * 1_000;
      made.set('base', position);
      made.set('position', position);
      return made;
    });
  }

  static #connect(path: string): Database {
    return guarded(() => {
      const database = new DatabaseSync(path);
      database.exec('PRAGMA cache_size = -32768; PRAGMA temp_store = MEMORY; PRAGMA synchronous = NORMAL');
      return new Database(path, database);
    });
  }

  #isUsable(): boolean {
    const { value } = this.get('SELECT value FROM meta WHERE key = ?', 'version') ?? {};
    if (value !== schemaVersion) return false;
    return this.get('PRAGMA quick_check(1)')?.['quick_check'] === 'ok';
  }

  /** Everything is in it now: from here on it is used again after the next start, and survives a loss of power. */
  complete(): void {
    if (this.number('version') === schemaVersion) return;
    this.exec(`BEGIN; ${completion} COMMIT; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL`);
    this.set('version', schemaVersion);
    this.exec('PRAGMA synchronous = NORMAL');
    this.#isBuilding = false;
  }

  /** @throws IndexBroken when its file was removed, replaced or written over */
  check(): void {
    guarded(() => {
      if (statSync(this.path, { bigint: true }).ino !== this.#inode)
        throw new Error('another file has taken its place');
      const start = Buffer.alloc(magic.length);
      const file = openSync(this.path, 'r');
      try {
        readSync(file, start, 0, start.length, 0);
      } finally {
        closeSync(file);
      }
      if (!start.equals(magic)) throw new Error('it was written over');
    });
  }

  exec(sql: string): void {
    guarded(() => this.#database.exec(sql));
  }

  run(sql: string, ...values: SQLInputValue[]): void {
    guarded(() => this.#statement(sql).run(...values));
  }

  get(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return guarded(() => this.#statement(sql).get(...values));
  }

  all(sql: string, ...values: SQLInputValue[]): Row[] {
    return guarded(() => this.#statement(sql).all(...values));
  }

  /** Row by row, for whoever stops early. */
  *iterate(sql: string, ...values: SQLInputValue[]): Generator<Row> {
    const rows = guarded(() => this.#statement(sql).iterate(...values));
    try {
      for (let next = guarded(() => rows.next()); next.done !== true; next = guarded(() => rows.next()))
        yield next.value;
    } finally {
      guarded(() => rows.return?.());
    }
  }

  number(key: string): number {
    return Number(this.get('SELECT value FROM meta WHERE key = ?', key)?.['value'] ?? 0);
  }

  set(key: string, value: number): void {
    this.run('INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value', key, value);
  }

  /** All of it or, where it throws, nothing. */
  transaction<T>(work: () => T): T {
    this.exec('BEGIN');
    try {
      const outcome = work();
      this.exec('COMMIT');
      return outcome;
    } catch (error) {
      if (this.#isBuilding) throw new IndexBroken('the index could not be made', { cause: error });
      try {
        this.exec('ROLLBACK');
      } catch {}
      throw error;
    }
  }

  [Symbol.dispose](): void {
    try {
      this.#database.close();
    } catch {}
  }

  #statement(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}

function guarded<T>(work: () => T): T {
  try {
    return work();
  } catch (cause) {
    if (cause instanceof IndexBroken) throw cause;
    throw new IndexBroken(`the index cannot be used: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}
