import { EventEmitter, once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { outputNames, type Purpose } from '@countersign/contracts/attempt-files.ts';
import { TaskId } from '@countersign/contracts/names.ts';
import { pageLimits, type StreamBatch, type TaskRow } from '@countersign/contracts/page-api.ts';
import { type TaskRecord, taskFolder } from '@countersign/contracts/task-record.ts';
import type { TaskStatus } from '@countersign/contracts/task-state.ts';
import { ByteTail } from '../files/byte-tail.ts';
import { ServiceName } from '../files/log-files.ts';
import { LogTail } from '../files/log-tail.ts';
import { indexLimits } from './limits.ts';

/** What a stream wants to hear beside the tasks that change. */
export type Following = {
  /** Position of the last batch that was heard; null for one that begins: it is told what changes from now on. */
  readonly after: string | null;
  /** Ids of tasks whose output is followed, from a little before where it ends now. */
  readonly tasks: readonly string[];
  /** Names of services whose logs are followed from where they end now. */
  readonly services: readonly string[];
};

/** `reset`: what was missed cannot be told any more, or the index was made anew; everything is to be asked for again. */
export type Told =
  /** Without a position where the index is being made: then it holds no more than what needs no index. */
  | { readonly kind: 'batch'; readonly position: string | null; readonly batch: StreamBatch }
  | { readonly kind: 'reset'; readonly position: string };

export type Listener = (told: Told) => void;

/** What batches are made from. All of it is as it is now; null where the index is being made. */
export type FeedSource = {
  readonly volumes: string;
  /** Between the two all changes can be told. */
  readonly positions: () => { readonly base: number; readonly now: number } | null;
  /** Tasks that changed behind a position; null where they are too many. */
  readonly changed: (position: number) => TaskRow[] | null;
  readonly record: (task: string) => TaskRecord | null;
  /** Each value is another object when it is another one. */
  readonly surroundings: () => Surroundings;
};

/** What is told beside the tasks. */
type Surroundings = Pick<StreamBatch, 'files' | 'queue' | 'troubles'>;

type Subscriber = {
  readonly listener: Listener;
  readonly outputs: readonly OutputTail[];
  readonly logs: readonly { readonly service: string; readonly tail: LogTail }[];
  /** Null until the index is there. */
  position: number | null;
  surroundings: Surroundings;
};

/** Tells streams what changed, each at most every 100 ms; what one of them throws ends it alone. */
export class Feed {
  readonly #source: FeedSource;
  readonly #subscribers = new Set<Subscriber>();
  readonly #arrivals = new EventEmitter<{ arrival: [] }>();

  constructor(source: FeedSource) {
    this.#source = source;
  }

  subscribe({ after, tasks, services }: Following, listener: Listener): () => void {
    const named = <T>(names: readonly string[], schema: { safeParse(name: string): { data?: T | undefined } }) =>
      [...new Set(names)].flatMap((name) => schema.safeParse(name).data ?? []).slice(0, indexLimits.followed);
    const now = this.#source.positions()?.now ?? null;
    const subscriber: Subscriber = {
      listener,
      outputs: named(tasks, TaskId).map((task) => new OutputTail(this.#source, task)),
      logs: named(services, ServiceName).map((service) => ({
        service,
        tail: new LogTail(this.#source.volumes, service),
      })),
      position: after === null ? now : Number(after),
      // Who begins while the index is being made could not ask for them.
      surroundings: after === null && now !== null ? this.#source.surroundings() : {},
    };
    this.#subscribers.add(subscriber);
    this.#arrivals.emit('arrival');
    return () => this.#subscribers.delete(subscriber);
  }

  /** Whether anybody is told. */
  get isFollowed(): boolean {
    return this.#subscribers.size > 0;
  }

  /** Until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (!this.isFollowed) await once(this.#arrivals, 'arrival', { signal }).catch(() => undefined);
      const due = sleep(pageLimits.batchMs, undefined, { signal }).catch(() => undefined);
      await this.tick();
      await due;
    }
  }

  /** Everybody is told what is new to him. */
  async tick(): Promise<void> {
    const rows = new Map<number, TaskRow[] | null>();
    await Promise.all([...this.#subscribers].map((subscriber) => this.#tell(subscriber, rows)));
  }

  async #tell(subscriber: Subscriber, known: Map<number, TaskRow[] | null>): Promise<void> {
    try {
      const told = await this.#toldTo(subscriber, known);
      if (told !== null && this.#subscribers.has(subscriber)) subscriber.listener(told);
    } catch {
      // The index broke while it was asked: what is missing is told when it is there again.
    }
  }

  async #toldTo(subscriber: Subscriber, known: Map<number, TaskRow[] | null>): Promise<Told | null> {
    const positions = this.#source.positions();
    const surroundings = this.#source.surroundings();
    const news = newsIn(subscriber.surroundings, surroundings);
    if (positions === null) {
      subscriber.surroundings = surroundings;
      return isEmpty(news) ? null : { kind: 'batch', position: null, batch: { ...noBatch, ...news } };
    }
    const { base, now } = positions;
    const from = subscriber.position;
    if (from === null || !(from >= base && from <= now)) {
      subscriber.position = now;
      return { kind: 'reset', position: String(now) };
    }
    let tasks = known.get(from);
    if (tasks === undefined) {
      tasks = from === now ? [] : this.#source.changed(from);
      known.set(from, tasks);
    }
    if (tasks === null) {
      subscriber.position = now;
      return { kind: 'reset', position: String(now) };
    }
    const output = (await Promise.all(subscriber.outputs.map((tail) => readable(tail.read())))).flat();
    const log: StreamBatch['log'] = [];
    for (const { service, tail } of subscriber.logs)
      for (const line of await readable(tail.read(pageLimits.logLines))) log.push({ service, ...line });
    // What is thrown before this is told the next time.
    subscriber.position = now;
    subscriber.surroundings = surroundings;
    if (tasks.length + output.length + log.length === 0 && isEmpty(news)) return null;
    return { kind: 'batch', position: String(now), batch: { tasks, output, log, ...news } };
  }
}

const noBatch: StreamBatch = { tasks: [], output: [], log: [] };

function newsIn(before: Surroundings, now: Surroundings): Surroundings {
  return Object.fromEntries(
    Object.entries(now).filter(([name, value]) => before[name as keyof Surroundings] !== value),
  );
}

function isEmpty(news: Surroundings): boolean {
  return Object.keys(news).length === 0;
}

/** Of a file that cannot be read now there is nothing to tell: what tasks came to is told all the same. */
async function readable<T>(pieces: Promise<T[]>): Promise<T[]> {
  return await pieces.catch(() => []);
}

const partOf: Partial<Record<TaskStatus, Purpose>> = {
  planning: 'plan',
  running: 'run',
  verifying: 'postconditions',
  rebasing: 'rebase',
};

/** Follows both outputs of what is at work on a task, from one part of its attempts to the next. */
class OutputTail {
  readonly #source: FeedSource;
  readonly #task: string;
  #part = '';
  #tails: readonly {
    readonly attempt: number;
    readonly part: Purpose;
    readonly stream: 'stdout' | 'stderr';
    readonly tail: ByteTail;
  }[] = [];

  constructor(source: FeedSource, task: string) {
    this.#source = source;
    this.#task = task;
  }

  async read(): Promise<StreamBatch['output']> {
    const record = this.#source.record(this.#task);
    const part = record === null ? undefined : partOf[record.state.status];
    if (record !== null && part !== undefined && `${record.attempts} ${part}` !== this.#part) {
      // What came last of the part before is told with the next one.
      const before = await this.#pieces();
      this.#begin(record, part);
      return [...before, ...(await this.#pieces())];
    }
    return await this.#pieces();
  }

  #begin(record: TaskRecord, part: Purpose): void {
    this.#part = `${record.attempts} ${part}`;
    const folder = join(this.#source.volumes, taskFolder(record), 'attempts', String(record.attempts));
    const { followBytes: pieceBytes, tailBytes } = indexLimits;
    this.#tails = (['stdout', 'stderr'] as const).map((stream) => ({
      attempt: record.attempts,
      part,
      stream,
      tail: new ByteTail(join(folder, outputNames[part][stream]), this.#source.volumes, { pieceBytes, tailBytes }),
    }));
  }

  async #pieces(): Promise<StreamBatch['output']> {
    const pieces: StreamBatch['output'] = [];
    for (const { tail, ...of } of this.#tails) {
      const piece = await tail.read();
      if (piece !== null) pieces.push({ task: this.#task, ...of, ...piece });
    }
    return pieces;
  }
}
