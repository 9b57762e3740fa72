import { readFile } from 'node:fs/promises';
import { runLimits } from '@countersign/contracts/limits.ts';
import type { RunId } from '@countersign/contracts/names.ts';
import { describeRun } from '@countersign/contracts/run.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { writeFileAtomic } from '@countersign/kit/files.ts';
import type { Layout } from './layout.ts';
import type { RunStore } from './run-store.ts';
import { runText } from './run-text.ts';
import type { TaskStore } from './task-store.ts';

/**
 * Keeps each `run.yaml` as its tasks are, behind the work and for many changes at once. It is derived: what was not written before a
 * death is written by the next runner, and what cannot be written fails no task.
 */
export class RunViews implements AsyncDisposable {
  readonly #layout: Layout;
  readonly #runs: Pick<RunStore, 'get'>;
  readonly #tasks: Pick<TaskStore, 'all'>;
  readonly #onProblem: (problem: string) => void;
  readonly #rewriteMs: number;
  readonly #changed = new Set<RunId>();
  #timer: NodeJS.Timeout | null = null;
  #writing: Promise<void> = Promise.resolve();

  constructor(
    layout: Layout,
    runs: Pick<RunStore, 'get'>,
    tasks: Pick<TaskStore, 'all'>,
    onProblem: (problem: string) => void,
    rewriteMs: number = runLimits.rewriteMs,
  ) {
    this.#layout = layout;
    this.#runs = runs;
    this.#tasks = tasks;
    this.#onProblem = onProblem;
    this.#rewriteMs = rewriteMs;
  }

  /** Never throws, never waits. */
  follow({ run }: Pick<TaskRecord, 'run'>): void {
    this.#changed.add(run);
    this.#timer ??= setTimeout(() => void this.write(), this.#rewriteMs).unref();
  }

  /** Writes now what is due. */
  write(): Promise<void> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#writing = this.#writing.then(() => this.#writeChanged());
    return this.#writing;
  }

  async #writeChanged(): Promise<void> {
    const due = new Map<RunId, TaskRecord[]>([...this.#changed].map((run) => [run, []]));
    this.#changed.clear();
    for (const record of this.#tasks.all()) due.get(record.run)?.push(record);
    for (const [run, records] of due) await this.#writeOne(run, records);
  }

  async #writeOne(id: RunId, records: readonly TaskRecord[]): Promise<void> {
    const run = this.#runs.get(id);
    if (run === undefined) return;
    const path = this.#layout.runFile(id);
    const text = runText(describeRun(run, records));
    try {
      if ((await readFile(path, 'utf8')) !== text) await writeFileAtomic(path, text);
    } catch (error) {
      this.#onProblem(`runs/${id}/run.yaml: ${error instanceof Error ? error.message : String(error)}`);
      this.follow({ run: id });
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.write();
    if (this.#timer !== null) clearTimeout(this.#timer);
  }
}
