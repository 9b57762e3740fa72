import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServiceRow, StreamBatch, TaskRow } from '@countersign/contracts/page-api.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { rowOf } from '../rows/task-row.ts';
import { Database, IndexBroken } from './database.ts';
import { Feed, type Following, type Listener } from './feed.ts';
import { Hints } from './hints.ts';
import { JournalFollower } from './journal-follower.ts';
import { indexLimits } from './limits.ts';
import { Surroundings } from './surroundings.ts';
import { readTexts } from './texts.ts';

export type IndexOptions = {
  /** The database's file; its folder is made where it is missing. */
  readonly path: string;
  /** The folder that holds `inbox/`, `outbox/`, `runs/` and `logs/`; nothing in it is opened for writing. */
  readonly volumes: string;
  /** Told, in static words with the reason beside them, of what went wrong and is being mended. */
  readonly warn?: (fields: Record<string, unknown>, message: string) => void;
};

/** The index is being made anew; asked again in a moment, it answers. */
export class IndexRebuilding extends Error {
  readonly code = 'index_rebuilding';
  constructor(options?: ErrorOptions) {
    super('the index is being made anew from the journals; ask again in a moment', options);
    this.name = 'IndexRebuilding';
  }
}

/** How the index is: `reason` is empty while it is well. */
export type IndexStanding = { readonly isReady: boolean; readonly reason: string; readonly badLines: number };

/**
 * What is known of the journals and the queue's folders, in a database that can be removed at any time. Invariants: a journal's events
 * and how far it was read are one transaction; whatever SQLite throws, the file is made anew and nobody gets half an answer; what
 * lies below `volumes/` is only read.
 */
export class Index {
  readonly volumes: string;
  readonly #path: string;
  readonly #warn: NonNullable<IndexOptions['warn']>;
  readonly #feed: Feed;
  readonly #surroundings: Surroundings;
  readonly #readiness = Promise.withResolvers<void>();
  #database: Database | null = null;
  #isReady = false;
  #reason = '';
  /** Why it is to be made anew, where a question found out. */
  #broken: unknown = null;
  #stopLooking = new AbortController();

  constructor({ path, volumes, warn = () => {} }: IndexOptions) {
    this.#path = path;
    this.volumes = volumes;
    this.#warn = warn;
    this.#surroundings = new Surroundings(volumes);
    this.#feed = new Feed({
      volumes,
      positions: () => this.#positions(),
      changed: (position) => this.#ask((database) => changedSince(database, position)),
      record: (task) => (this.#isReady ? this.#ask((database) => recordOf(database, task)) : null),
      surroundings: () => this.#surroundings.now(),
    });
  }

  /** Makes the index, follows the journals, and mends it where it breaks, until the signal. Never throws for what the disk does. */
  async run(signal: AbortSignal): Promise<void> {
    const telling = Promise.all([this.#feed.run(signal), this.#followSurroundings(signal)]);
    let retryMs: number = indexLimits.retryMs.first;
    while (!signal.aborted) {
      try {
        await mkdir(dirname(this.#path), { recursive: true });
        this.#database = this.#broken === null ? Database.open(this.#path) : Database.make(this.#path);
        this.#broken = null;
        this.#stopLooking = new AbortController();
        await this.#follow(this.#database, AbortSignal.any([signal, this.#stopLooking.signal]), () => {
          retryMs = indexLimits.retryMs.first;
        });
        if (this.#broken !== null) throw this.#broken;
      } catch (error) {
        this.#isReady = false;
        this.#broken = error;
        this.#reason = error instanceof Error ? error.message : String(error);
        this.#warn({ error }, 'the index is made anew');
      }
      this.#isReady = false;
      this.#database?.[Symbol.dispose]();
      this.#database = null;
      if (signal.aborted) break;
      await sleep(retryMs, undefined, { signal }).catch(() => undefined);
      retryMs = Math.min(2 * retryMs, indexLimits.retryMs.most);
    }
    await telling;
  }

  /** Resolves when everything that the journals held is in it for the first time. */
  async ready(): Promise<void> {
    await this.#readiness.promise;
  }

  get standing(): IndexStanding {
    if (!this.#isReady) return { isReady: false, reason: this.#reason || 'the index is being made', badLines: 0 };
    return { isReady: true, reason: '', badLines: this.ask(badLinesOf) };
  }

  /** How far it has come: the id of the stream's last batch. @throws IndexRebuilding */
  get position(): string {
    return String(this.ask(positionsOf).now);
  }

  /** Tells of what changes, at most every 100 ms, until the returned function is called. */
  subscribe(following: Following, listener: Listener): () => void {
    return this.#feed.subscribe(following, listener);
  }

  /** Files of the queue that are no tasks. */
  get files(): readonly TaskRow[] {
    return this.#surroundings.files;
  }

  get services(): readonly ServiceRow[] {
    return this.#surroundings.services;
  }

  get queue(): StreamBatch['queue'] {
    return this.#surroundings.now().queue;
  }

  /** Asks the database; one that is damaged is made anew from then on. @throws IndexRebuilding */
  ask<T>(question: (database: Database) => T): T {
    if (!this.#isReady) throw new IndexRebuilding();
    return this.#ask(question);
  }

  #ask<T>(question: (database: Database) => T): T {
    if (this.#database === null) throw new IndexRebuilding();
    try {
      return question(this.#database);
    } catch (cause) {
      // What is no JSON was damaged as well: all of it was written by us.
      if (!(cause instanceof IndexBroken || cause instanceof SyntaxError)) throw cause;
      this.#isReady = false;
      this.#broken = cause;
      this.#stopLooking.abort();
      throw new IndexRebuilding({ cause });
    }
  }

  #positions(): { base: number; now: number } | null {
    try {
      return this.ask(positionsOf);
    } catch (error) {
      if (error instanceof IndexRebuilding) return null;
      throw error;
    }
  }

  async #followSurroundings(signal: AbortSignal): Promise<void> {
    await this.#surroundings.follow(
      signal,
      () => this.#feed.isFollowed,
      (error) => {
        this.#warn({ error }, 'how the services are cannot be read');
      },
    );
  }

  /** @param worked called once everything is in it. @throws IndexBroken */
  async #follow(database: Database, signal: AbortSignal, worked: () => void): Promise<void> {
    const journals = new JournalFollower(database, this.volumes, this.#warn);
    using hints = new Hints(this.volumes);
    let checkedAt = performance.now();
    while (!signal.aborted) {
      const hasLooked = await journals.step(signal);
      if (signal.aborted) return;
      await this.#surroundings.lookAtFiles(database, database.number('position'));
      if (hasLooked && !this.#isReady) {
        await this.#surroundings.looked();
        database.complete();
        worked();
        this.#isReady = true;
        this.#readiness.resolve();
      }
      const hadTexts = await readTexts(database, this.volumes);
      if (performance.now() - checkedAt > indexLimits.checkMs) {
        database.check();
        checkedAt = performance.now();
      }
      hints.listen(['inbox', 'outbox/invalid', 'runs', ...journals.hot().map((name) => join('runs', dirname(name)))]);
      if (!hadTexts) await hints.wait(this.#feed.isFollowed ? indexLimits.pollMs : indexLimits.quietPollMs, signal);
    }
  }
}

function positionsOf(database: Database): { base: number; now: number } {
  return { base: database.number('base'), now: database.number('position') };
}

function changedSince(database: Database, position: number): TaskRow[] | null {
  const rows = database.all(
    'SELECT record FROM tasks JOIN records USING (number) WHERE position > ? ORDER BY position LIMIT ?',
    position,
    indexLimits.behindTasks + 1,
  );
  return rows.length > indexLimits.behindTasks ? null : rows.map(({ record }) => rowOf(JSON.parse(record as string)));
}

function recordOf(database: Database, task: string): TaskRecord | null {
  const row = database.get('SELECT record FROM tasks JOIN records USING (number) WHERE id = ?', task);
  return row === undefined ? null : (JSON.parse(row['record'] as string) as TaskRecord);
}

function badLinesOf(database: Database): number {
  return Number(database.get('SELECT sum(bad_lines) AS bad FROM journals')?.['bad'] ?? 0);
}
