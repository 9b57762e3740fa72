import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RunId, Timestamp, WorkspaceName } from '@countersign/contracts/names.ts';
import { isMissing, syncFolder, writeFileAtomic } from '@countersign/kit/files.ts';
import { Journal } from '@countersign/kit/journal.ts';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import type { Layout } from './layout.ts';

const Run = z.strictObject({ version: z.literal(1), id: RunId, workspace: WorkspaceName, created_at: Timestamp });
type Run = z.infer<typeof Run>;

/** Runs and their journals. A run is a workspace's work of one day (UTC), unless a task file names another. */
export class RunStore implements AsyncDisposable {
  readonly #layout: Layout;
  readonly #runs = new Map<RunId, Run>();
  readonly #journals = new Map<RunId, Promise<Journal>>();

  private constructor(layout: Layout) {
    this.#layout = layout;
  }

  static async open(layout: Layout): Promise<RunStore> {
    const store = new RunStore(layout);
    for (const name of await readdir(layout.runs)) {
      if (!RunId.safeParse(name).success) continue;
      const text = await readFile(join(layout.run(name), 'run.yaml'), 'utf8').catch((error: unknown) => {
        if (isMissing(error)) return null;
        throw error;
      });
      // A folder without its run.yaml was being made when something died; its number stays taken.
      if (text !== null) store.#runs.set(name, Run.parse(parse(text)));
    }
    return store;
  }

  ids(): readonly RunId[] {
    return [...this.#runs.keys()].sort();
  }

  get(id: RunId): Run | undefined {
    return this.#runs.get(id);
  }

  /** The workspace's run of the day, made when there is none. */
  async ofTheDay(workspace: WorkspaceName, now: Date): Promise<RunId> {
    const day = now.toISOString().slice(0, 10).replaceAll('-', '');
    const known = [...this.#runs.values()].find(
      (run) => run.workspace === workspace && run.id.startsWith(`RUN-${day}-`),
    );
    return known?.id ?? this.#make(workspace, day, now);
  }

  async #make(workspace: WorkspaceName, day: string, now: Date): Promise<RunId> {
    const prefix = `RUN-${day}-`;
    const numbers = (await readdir(this.#layout.runs))
      .filter((name) => name.startsWith(prefix) && RunId.safeParse(name).success)
      .map((name) => Number(name.slice(prefix.length)));
    const id = `${prefix}${String(Math.max(0, ...numbers) + 1).padStart(3, '0')}`;
    const run: Run = { version: 1, id, workspace, created_at: now.toISOString() };
    await mkdir(this.#layout.tasks(id), { recursive: true });
    await writeFileAtomic(join(this.#layout.run(id), 'run.yaml'), stringify(run));
    await syncFolder(this.#layout.runs);
    this.#runs.set(id, run);
    const journal = await this.journal(id);
    await journal.append({
      run_id: id,
      phase: 'queue',
      agent_role: 'runner',
      event: 'run_created',
      summary: `run of workspace ${workspace}`,
    });
    return id;
  }

  /** The run's journal, opened once. @throws JournalError */
  journal(id: RunId): Promise<Journal> {
    let journal = this.#journals.get(id);
    if (journal === undefined) {
      journal = Journal.open(this.#layout.runJournal(id));
      this.#journals.set(id, journal);
    }
    return journal;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const journal of this.#journals.values()) await (await journal).close();
  }
}
