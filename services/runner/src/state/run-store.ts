import { mkdir, readdir, readFile } from 'node:fs/promises';
import { RunId, type WorkspaceName } from '@countersign/contracts/names.ts';
import { describeRun, RunHeader } from '@countersign/contracts/run.ts';
import type { ChainOptions } from '@countersign/kit/chain-file.ts';
import { isMissing, syncFolder, writeFileAtomic } from '@countersign/kit/files.ts';
import type { Journal } from '@countersign/kit/journal.ts';
import { parse } from 'yaml';
import { JournalHeads } from './journal-heads.ts';
import type { Layout } from './layout.ts';
import { runText } from './run-text.ts';

/** Runs and their journals. A run is a workspace's work of one day (UTC), unless a task file names another. */
export class RunStore implements AsyncDisposable {
  readonly heads: JournalHeads;
  readonly #layout: Layout;
  readonly #runs = new Map<RunId, RunHeader>();
  /** By workspace and day. */
  readonly #ofDays = new Map<string, Promise<RunId>>();
  readonly #journals = new Map<RunId, Promise<Journal>>();

  private constructor(layout: Layout, heads: JournalHeads) {
    this.heads = heads;
    this.#layout = layout;
  }

  /** @param options of every journal's writing */
  static async open(layout: Layout, options: ChainOptions = {}): Promise<RunStore> {
    const store = new RunStore(layout, await JournalHeads.open(layout.heads, options));
    for (const name of (await readdir(layout.runs)).sort(byNumber)) {
      if (!RunId.safeParse(name).success) continue;
      const text = await readFile(layout.runFile(name), 'utf8').catch((error: unknown) => {
        if (isMissing(error)) return null;
        throw error;
      });
      // A folder without its run.yaml was being made when something died; its number stays taken.
      if (text !== null) store.#add(readHeader(name, text));
    }
    return store;
  }

  ids(): readonly RunId[] {
    return [...this.#runs.keys()].sort();
  }

  get(id: RunId): RunHeader | undefined {
    return this.#runs.get(id);
  }

  /** The workspace's run of the day, made when there is none. */
  ofTheDay(workspace: WorkspaceName, now: Date): Promise<RunId> {
    const day = now.toISOString().slice(0, 10).replaceAll('-', '');
    const key = `${day} ${workspace}`;
    const known = this.#ofDays.get(key);
    if (known !== undefined) return known;
    const made = this.#make(workspace, day, now);
    this.#ofDays.set(key, made);
    made.catch(() => this.#ofDays.delete(key));
    return made;
  }

  #add(run: RunHeader): void {
    this.#runs.set(run.id, run);
    const key = `${run.id.slice('RUN-'.length, 'RUN-YYYYMMDD'.length)} ${run.workspace}`;
    if (!this.#ofDays.has(key)) this.#ofDays.set(key, Promise.resolve(run.id));
  }

  async #make(workspace: WorkspaceName, day: string, now: Date): Promise<RunId> {
    const prefix = `RUN-${day}-`;
    const numbers = (await readdir(this.#layout.runs))
      .filter((name) => name.startsWith(prefix) && RunId.safeParse(name).success)
      .map((name) => Number(name.slice(prefix.length)));
    const id = `${prefix}${String(Math.max(0, ...numbers) + 1).padStart(3, '0')}`;
    const run: RunHeader = { version: 2, id, workspace, created_at: now.toISOString() };
    await mkdir(this.#layout.tasks(id), { recursive: true });
    await writeFileAtomic(this.#layout.runFile(id), runText(describeRun(run, [])));
    await syncFolder(this.#layout.runs);
    this.#add(run);
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
      journal = this.heads.journal(id, this.#layout.runJournal(id));
      this.#journals.set(id, journal);
    }
    return journal;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const journal of this.#journals.values()) await (await journal).close();
    await this.heads[Symbol.asyncDispose]();
  }
}

/** @throws Error that names the file and says what is wrong with it, or that a newer version wrote it */
function readHeader(name: RunId, text: string): RunHeader {
  const header = RunHeader.safeParse(parse(text));
  if (header.success && header.data.id === name) return header.data;
  const what = header.success ? `it says that it is ${header.data.id}` : header.error.issues[0]?.message;
  throw new Error(`runs/${name}/run.yaml: ${what ?? 'not readable'}`);
}

/** As they were made: past 999 a day the number has a digit more. */
function byNumber(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : 1);
}
