import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { EventBody } from '@countersign/contracts/event.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { Journal } from '@countersign/kit/journal.ts';
import { onTestFinished } from 'vitest';

/** The runner's side of the journals below `volumes/`; closed when the test has finished. */
export class TestJournals {
  readonly #volumes: string;
  readonly #open = new Map<string, Promise<Journal>>();

  constructor(volumes: string) {
    this.#volumes = volumes;
    onTestFinished(() => this.close());
  }

  /** Appends to the journal of a run, or to that of no run. */
  async append(run: string | null, body: Partial<EventBody> & Pick<EventBody, 'event'>): Promise<void> {
    const path = this.pathOf(run);
    mkdirSync(dirname(path), { recursive: true });
    const opened = this.#open.get(path) ?? Journal.open(path);
    this.#open.set(path, opened);
    const journal = await opened;
    await journal.append({ phase: 'gate', agent_role: 'runner', summary: '', ...body });
  }

  /** What the runner says when a task has come into a state. */
  async says(event: EventBody['event'], record: TaskRecord, command?: string): Promise<void> {
    const data = { record, ...(command === undefined ? {} : { command_id: command }) };
    await this.append(record.run, { event, task_id: record.id, run_id: record.run, data });
  }

  async close(): Promise<void> {
    for (const journal of this.#open.values()) await (await journal).close();
    this.#open.clear();
  }

  pathOf(run: string | null): string {
    return join(this.#volumes, 'runs', run ?? '', 'telemetry.jsonl');
  }
}
