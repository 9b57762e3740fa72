import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServiceRow, StreamBatch, TaskRow } from '@countersign/contracts/page-api.ts';
import type { QueueState } from '@countersign/contracts/queue-state.ts';
import { refusedFiles, untakenFiles } from '@countersign/kit/queue-files.ts';
import { readQueueState } from '@countersign/kit/queue-state.ts';
import { serviceRows } from '../rows/service-rows.ts';
import { rowOfFile } from '../rows/task-row.ts';
import type { Database } from './database.ts';
import { indexLimits } from './limits.ts';

/** What is told beside the tasks: files that are none, what holds up the queue, and how the services are. */
export class Surroundings {
  readonly #volumes: string;
  #files: readonly TaskRow[] = [];
  #refused: readonly TaskRow[] = [];
  #refusedStamp = '';
  #filesStamp = '';
  #queue: QueueState | null = null;
  #services: readonly ServiceRow[] = [];
  #troubles: readonly ServiceRow[] = [];
  readonly #firstLook = Promise.withResolvers<void>();

  constructor(volumes: string) {
    this.#volumes = volumes;
  }

  get files(): readonly TaskRow[] {
    return this.#files;
  }

  get services(): readonly ServiceRow[] {
    return this.#services;
  }

  /** Each is another object only when it says something else. */
  now(): Pick<StreamBatch, 'files' | 'queue' | 'troubles'> {
    return { files: this.#files as TaskRow[], queue: this.#queue, troubles: this.#troubles as ServiceRow[] };
  }

  /** Resolves when what needs no database was looked at once. */
  async looked(): Promise<void> {
    await this.#firstLook.promise;
  }

  /** What needs no database, until the signal: it is told also while there is none. */
  async follow(signal: AbortSignal, isFollowed: () => boolean, warn: (error: unknown) => void): Promise<void> {
    while (!signal.aborted) {
      await this.#look().catch(warn);
      this.#firstLook.resolve();
      const pauseMs = isFollowed() ? indexLimits.troublesMs : indexLimits.quietTroublesMs;
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }

  async #look(): Promise<void> {
    this.#queue = keep(this.#queue, await readQueueState(this.#volumes).catch(() => null));
    this.#services = keep(this.#services, await serviceRows(this.#volumes));
    this.#troubles = keep(
      this.#troubles,
      this.#services.filter(({ status }) => status !== 'ok'),
    );
  }

  /** @param position of the index: which files are tasks is known from it */
  async lookAtFiles(database: Database, position: number): Promise<void> {
    const refusedStamp = await stampOf(join(this.#volumes, 'outbox/invalid'));
    const stamp = `${position} ${refusedStamp} ${await stampOf(join(this.#volumes, 'inbox'))}`;
    if (stamp === this.#filesStamp) return;
    const queued = database.all(`SELECT file FROM tasks WHERE status = 'queued'`);
    const untaken = await untakenFiles(this.#volumes, new Set(queued.map(({ file }) => file as string)));
    if (refusedStamp !== this.#refusedStamp)
      this.#refused = (await refusedFiles(this.#volumes))
        .map(rowOfFile)
        .sort((a, b) => (a.since < b.since ? 1 : -1))
        .slice(0, indexLimits.files);
    const isTask = (id: string) => database.get('SELECT 1 FROM tasks WHERE id = ?', id) !== undefined;
    this.#files = keep(this.#files, [
      ...untaken.map(rowOfFile).slice(0, indexLimits.files),
      ...this.#refused.filter(({ task }) => task === null || !isTask(task)),
    ]);
    this.#refusedStamp = refusedStamp;
    this.#filesStamp = stamp;
  }
}

function keep<T>(before: T, now: T): T {
  return JSON.stringify(before) === JSON.stringify(now) ? before : now;
}

async function stampOf(folder: string): Promise<string> {
  return await stat(folder).then(
    ({ mtimeMs, ino }) => `${mtimeMs} ${ino}`,
    () => '',
  );
}
