import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { EventBody } from '@countersign/contracts/event.ts';
import { type TaskRecord, taskFolder } from '@countersign/contracts/task-record.ts';
import { Journal } from '@countersign/kit/journal.ts';
import { onTestFinished, vi } from 'vitest';
import { Index } from '../index/index.ts';
import { Queries } from '../queries/queries.ts';

// What is waited for below comes when a busy machine gets to it.
vi.setConfig({ testTimeout: 60_000 });

/** An operator's folder with the runner's side of its journals, and an index and its questions beside it. */
export class DashboardGround {
  readonly #root = mkdtempSync(join(tmpdir(), 'countersign-dashboard-'));
  readonly volumes = join(this.#root, 'volumes');
  readonly configs = join(this.#root, 'configs');
  readonly indexPath = join(this.#root, 'index/index.db');
  readonly warnings: string[] = [];
  readonly #journals = new Map<string, Promise<Journal>>();
  #stop = new AbortController();
  #running: Promise<void> = Promise.resolve();

  constructor() {
    for (const folder of ['inbox/pending', 'inbox/running', 'outbox/invalid', 'runs', 'logs'])
      mkdirSync(join(this.volumes, folder), { recursive: true });
    mkdirSync(this.configs);
    onTestFinished(async () => {
      this.#stop.abort();
      await this.#running;
      await this.closeJournals();
      rmSync(this.#root, { recursive: true });
    });
  }

  /** Begins to follow; ready when everything is in it. */
  async open(): Promise<{ index: Index; queries: Queries }> {
    this.#stop = new AbortController();
    const index = new Index({
      path: this.indexPath,
      volumes: this.volumes,
      warn: (_fields, message) => this.warnings.push(message),
    });
    this.#running = index.run(this.#stop.signal);
    await index.ready();
    const { volumes, configs } = this;
    return {
      index,
      queries: new Queries({ index, volumes, configs, now: () => new Date('2026-11-20T12:00:00.000Z') }),
    };
  }

  /** Ends it, as when its container stops. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** Appends to the journal of a run, or to that of no run. */
  async append(run: string | null, body: Partial<EventBody> & Pick<EventBody, 'event'>): Promise<void> {
    const path = this.journalPath(run);
    mkdirSync(dirname(path), { recursive: true });
    const opened = this.#journals.get(path) ?? Journal.open(path);
    this.#journals.set(path, opened);
    await (await opened).append({ phase: 'run', agent_role: 'runner', summary: '', ...body });
  }

  /** What the runner says when a task has come into a state. */
  async says(event: EventBody['event'], record: TaskRecord, detail: Partial<EventBody> = {}): Promise<void> {
    await this.append(record.run, {
      event,
      run_id: record.run,
      task_id: record.id,
      ...(record.attempts > 0 ? { attempt: record.attempts } : {}),
      status: record.state.status,
      ...detail,
      data: { ...detail.data, record },
    });
  }

  async closeJournals(): Promise<void> {
    for (const journal of this.#journals.values()) await (await journal).close();
    this.#journals.clear();
  }

  journalPath(run: string | null): string {
    return join(this.volumes, 'runs', run ?? '', 'telemetry.jsonl');
  }

  /** A file in a task's folder. */
  write(record: TaskRecord, name: string, content: string | Uint8Array): string {
    const path = join(this.volumes, taskFolder(record), name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    return path;
  }
}

/** Asks until it is so; what it throws meanwhile is no answer. */
export async function until<T>(ask: () => T | Promise<T>, isSo: (answer: T) => boolean, waitMs = 30_000): Promise<T> {
  const end = performance.now() + waitMs;
  let last: unknown;
  while (performance.now() < end) {
    try {
      const answer = await ask();
      if (isSo(answer)) return answer;
      last = answer;
    } catch (error) {
      last = error;
    }
    await sleep(20);
  }
  throw new Error(`it did not become so; the last answer was ${JSON.stringify(last) ?? String(last)} ${String(last)}`);
}
