import { randomInt } from 'node:crypto';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { budgetOf } from '@countersign/contracts/budget.ts';
import { inboxLimits } from '@countersign/contracts/limits.ts';
import { type TaskId, taskIdAlphabet, taskIdLength } from '@countersign/contracts/names.ts';
import type { Problem } from '@countersign/contracts/problem.ts';
import { formatRefusal, refusalSuffix } from '@countersign/contracts/refused-file.ts';
import { errorFileName, isTaskFileName } from '@countersign/contracts/task-file/file-name.ts';
import { parseTaskFile, type TaskFile } from '@countersign/contracts/task-file/parse.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { firstWait } from '@countersign/contracts/wait.ts';
import { sha256 } from '@countersign/kit/digest.ts';
import { exists, isMissing, syncFolder, writeFileAtomic } from '@countersign/kit/files.ts';
import { inParallel } from '@countersign/kit/in-parallel.ts';
import { isPassing } from '@countersign/kit/system-trouble.ts';
import type { Context } from '../context.ts';
import { demandsApproval } from '../gate/governance.ts';
import { findCircle } from '../loop/dependency-hold.ts';
import { toTenths } from '../work/stages.ts';
import { checkTask, type WorkspaceAnswers } from './check-task.ts';
import { refusedName } from './file-name.ts';
import { type FileObserver, readIfPresent } from './observe.ts';

/** A name in the inbox that may be a task's. `path` is in the file system's own bytes. */
type Candidate = { readonly path: Buffer; readonly name: string };
/** A refused file that still lies where it was; `stamp` as long as nobody puts another one there. */
type Refused = { readonly path: Buffer; readonly name: string; readonly target: string; readonly stamp: string };
type Acceptable = {
  readonly name: string;
  readonly bytes: Buffer;
  readonly file: TaskFile;
  /** What its way took until here, in milliseconds: until it was whole, and until it was read and checked. */
  readonly took: { readonly settled: number; readonly checked: number };
};

/**
 * Takes new files out of `inbox/`: each becomes a task, or goes to `outbox/invalid/` with the reason beside it. Nothing is lost
 * and nothing blocks: what is no regular file is moved without being opened. Files are taken in the order in which they came to
 * lie there; many that come at once are found once, looked at together and made durable together.
 */
export class Intake {
  readonly #context: Context;
  readonly #observer: FileObserver;
  /** Refused, and still there: another user's folder, for instance, cannot be moved. */
  readonly #immovable = new Set<string>();
  /** Refused, and still there because the machine could not move it a moment ago; by path. */
  readonly #unmoved = new Map<string, Refused>();
  readonly #move: typeof rename;
  /** Found whole and not taken yet, the oldest first. */
  #backlog: Candidate[] = [];

  /** @param move an override for tests of a disk that fails */
  constructor(context: Context, observer: FileObserver, move: typeof rename = rename) {
    this.#context = context;
    this.#observer = observer;
    this.#move = move;
  }

  /** Whether more files were found than one turn takes: the next turn is not to wait. */
  get hasMore(): boolean {
    return this.#backlog.length > 0;
  }

  /** Takes what is whole, as much as one turn may. Returns whether some files must be looked at again soon. */
  async scan(): Promise<boolean> {
    for (const refused of [...this.#unmoved.values()]) await this.#try(refused.name, () => this.#moveAside(refused));
    const unsettled = this.#backlog.length > 0 ? false : await this.#find();
    const batch = this.#backlog.slice(0, inboxLimits.batch);
    this.#backlog = this.#backlog.slice(batch.length);
    const answers: WorkspaceAnswers = new Map();
    let changing = false;
    for (let start = 0; start < batch.length; start += inboxLimits.together) {
      const examined = await inParallel(batch.slice(start, start + inboxLimits.together), inboxLimits.atOnce, (one) =>
        this.#try(one.name, () => this.#examine(one, answers)),
      );
      changing ||= examined.includes('changing');
      await this.#acceptAll(examined.filter((one) => typeof one === 'object' && one !== null));
    }
    return unsettled || changing || this.hasMore;
  }

  /** Fills the backlog with what is whole. Returns whether some files are not yet. */
  async #find(): Promise<boolean> {
    const { layout, tasks } = this.#context;
    const inbox = Buffer.from(`${layout.queue('inbox')}/`);
    const candidates: Candidate[] = [];
    for (const entry of await readdir(layout.queue('inbox'), { encoding: 'buffer' })) {
      const name = entry.toString('utf8');
      if (!isTaskFileName(name) || tasks.isQueued(name) || this.#immovable.has(entry.toString('latin1'))) continue;
      const path = Buffer.concat([inbox, entry]);
      if (!this.#unmoved.has(path.toString('latin1'))) candidates.push({ path, name });
    }
    let unsettled = false;
    const found = await inParallel(candidates, inboxLimits.atOnce, (candidate) =>
      this.#try(candidate.name, async () => {
        const seen = await this.#observer.observe(candidate.path);
        if (seen.kind === 'missing') return null;
        unsettled ||= seen.kind === 'file' && !seen.settled;
        return {
          candidate,
          isWhole: seen.kind === 'special' || seen.settled,
          at: seen.kind === 'file' ? seen.changed : 0n,
        };
      }),
    );
    this.#backlog = found
      .flatMap((one) => (one?.isWhole === true ? [one] : []))
      .sort((a, b) => compare(a.at, b.at) || Buffer.compare(a.candidate.path, b.candidate.path))
      .map(({ candidate }) => candidate);
    return unsettled;
  }

  /** What is wrong with one file holds up no other. */
  async #try<T>(name: string, work: () => Promise<T>): Promise<T | null> {
    try {
      return await work();
    } catch (error) {
      this.#context.troubles.say(`inbox/${name}`, error);
      return null;
    }
  }

  /** What can be accepted; what cannot be is refused here. Null when that is all there is to do. */
  async #examine({ path, name }: Candidate, answers: WorkspaceAnswers): Promise<Acceptable | 'changing' | null> {
    const began = performance.now();
    const seen = await this.#observer.observe(path);
    if (seen.kind === 'missing') return null;
    if (seen.kind === 'special') {
      await this.refuse(path, name, [{ line: 1, message: `${seen.what}; a task is a regular text file` }]);
      return null;
    }
    if (this.#context.tasks.isLeftBehind(path.toString(), seen.stamp)) return null;
    if (!seen.settled) return 'changing';
    if (!path.equals(Buffer.from(`${this.#context.layout.queue('inbox')}/${name}`))) {
      await this.refuse(path, name, [{ line: 1, message: 'the file name is not UTF-8' }]);
      return null;
    }
    const read = await readIfPresent(path);
    if (read === null) return null;
    if (!read.ok) {
      await this.refuse(path, name, [{ line: 1, message: read.reason }]);
      return null;
    }
    const parsed = parseTaskFile(read.bytes);
    const problems = parsed.ok ? await checkTask(this.#context, parsed.file, answers) : parsed.problems;
    const took = { settled: seen.stoodMs, checked: performance.now() - began };
    if (parsed.ok && problems.length === 0) return { name, bytes: read.bytes, file: parsed.file, took };
    await this.refuse(path, name, problems);
    return null;
  }

  /**
   * Makes tasks of them, in this order: first their copies are durable, each in a folder of its own, and the names that they have in
   * the inbox; then their events, all by one wait for the disk.
   */
  async #acceptAll(acceptable: readonly Acceptable[]): Promise<void> {
    const { layout, tasks } = this.#context;
    const began = performance.now();
    const records = new Map<TaskId, Acceptable & { readonly record: TaskRecord }>();
    for (const one of acceptable) {
      const record = await this.#try(one.name, () =>
        this.#recordOf(one, (id) => records.get(id)?.record ?? tasks.get(id)),
      );
      if (record !== null) records.set(record.id, { ...one, record });
    }
    if (records.size === 0) return;
    const copied = await inParallel(records.values(), inboxLimits.atOnce, ({ name, bytes, record }) =>
      this.#try(name, async () => {
        const folder = layout.task(record.run, record.id);
        await mkdir(folder, { recursive: true });
        await writeFileAtomic(join(folder, 'task.md'), bytes);
        return record;
      }),
    );
    const kept = copied.filter((record) => record !== null);
    const folders = new Set([layout.queue('inbox'), ...kept.map(({ run, id }) => dirname(layout.task(run, id)))]);
    const durable = await this.#try('', () => inParallel(folders, inboxLimits.atOnce, syncFolder));
    await Promise.all(
      [...records.values()].map(({ name, record, took }) =>
        this.#try(name, async () => {
          const ms = { ...took, copied: performance.now() - began };
          if (durable !== null && kept.includes(record)) await this.#create(record, ms);
        }),
      ),
    );
    // What came to nothing, on a full disk for instance, is taken anew and leaves no folder behind.
    for (const { record } of records.values())
      if (!tasks.has(record.id)) await rm(layout.task(record.run, record.id), { recursive: true, force: true });
  }

  /** @param known tasks, and what becomes one with this file: only now it shows that two files go together, or cannot */
  async #recordOf(
    { name, bytes, file }: Acceptable,
    known: (id: TaskId) => TaskRecord | undefined,
  ): Promise<TaskRecord | null> {
    const { layout, runs, now } = this.#context;
    const problem = clashOf(file, known);
    if (problem !== null) {
      await this.refuse(Buffer.from(join(layout.queue('inbox'), name)), name, [problem]);
      return null;
    }
    const accepted_at = now().toISOString();
    return {
      version: 2,
      id: file.header.id ?? newId((id) => known(id) !== undefined),
      run: file.header.run ?? (await runs.ofTheDay(file.header.workspace, now())),
      file: name,
      dropped_as: name,
      workspace: file.header.workspace,
      accepted_at,
      attempts: 0,
      interruptions: 0,
      model: null,
      bases: null,
      cancellation: null,
      retries: 0,
      ...factsOf(this.#context, bytes, file, name),
      state: {
        status: 'queued',
        since: accepted_at,
        reason: 'waits for its turn',
        wait: firstWait('queued', accepted_at),
      },
    };
  }

  /** @param ms what each stage of its way took: one stands still, is checked, and has its copy made durable */
  #create(record: TaskRecord, ms: Acceptable['took'] & { readonly copied: number }): Promise<void> {
    return this.#context.tasks.create(record, {
      event: 'task_accepted',
      phase: 'queue',
      agent_role: 'runner',
      summary: `${record.file} is task ${record.id}`,
      data: { stages_ms: toTenths(ms) },
    });
  }

  /** Moves what cannot be a task aside and says why, beside it. */
  async refuse(path: Buffer, name: string, problems: readonly Problem[]): Promise<void> {
    const { layout, journal, logger } = this.#context;
    const id = newId((taken) => this.#context.tasks.has(taken));
    const folder = layout.queue('outbox/invalid');
    const plain = name.replaceAll('\uFFFD', '_');
    // A name of its own for both, the file and the text beside it.
    const isFree = errorFileName(plain) === `${plain}${refusalSuffix}` && !(await exists(join(folder, plain)));
    const target = isFree ? plain : refusedName(plain, id);
    await writeFileAtomic(
      join(folder, errorFileName(target)),
      formatRefusal({ task: id, file: name, problems }),
      0o644,
    );
    await journal.append({
      task_id: id,
      phase: 'queue',
      agent_role: 'runner',
      event: 'file_refused',
      status: 'invalid',
      summary: `${name}: ${problems[0]?.message ?? 'not accepted'}`.slice(0, 4_000),
      data: {
        file: target,
        problems: problems.slice(0, 50).map(({ line, message }) => ({ line, message: message.slice(0, 1_000) })),
      },
    });
    logger.info({ file: name, task: id }, 'a file was refused');
    await this.#moveAside({ path, name, target: join(folder, target), stamp: await this.#stampOf(path) });
  }

  /** Moves what was refused and said. What the machine cannot move now is moved in a later turn, unless it is another file by then. */
  async #moveAside(refused: Refused): Promise<void> {
    const { layout, logger } = this.#context;
    const { path, name, target, stamp } = refused;
    const key = path.toString('latin1');
    this.#unmoved.set(key, refused);
    if ((await this.#stampOf(path)) === stamp)
      await this.#move(path, target).catch((error: unknown) => {
        if (isMissing(error)) return;
        if (isPassing(error)) throw error;
        this.#immovable.add(basename(key));
        logger.error({ file: name, error: String(error) }, 'a refused file cannot be moved and stays');
      });
    await syncFolder(layout.queue('outbox/invalid'));
    await syncFolder(layout.queue('inbox'));
    this.#unmoved.delete(key);
  }

  async #stampOf(path: Buffer): Promise<string> {
    const seen = await this.#observer.observe(path);
    return seen.kind === 'file' ? seen.stamp : seen.kind;
  }

  /** Writes why a file was not accepted, beside it. */
  async explain(file: string, problems: readonly Problem[], task: TaskId): Promise<void> {
    const path = join(this.#context.layout.queue('outbox/invalid'), errorFileName(file));
    await writeFileAtomic(path, formatRefusal({ task, file, problems }), 0o644);
  }
}

function clashOf(
  { header, keyLines }: TaskFile,
  known: (id: TaskId) => Pick<TaskRecord, 'depends_on'> | undefined,
): Problem | null {
  const say = (key: 'id' | 'depends_on', message: string) => ({
    line: keyLines.get(key) ?? 1,
    message: `${key}: ${message}`,
  });
  if (header.id === undefined) return null;
  if (known(header.id) !== undefined) return say('id', `there is a task ${header.id} already`);
  const circle = findCircle(header.id, [header.depends_on ?? []].flat(), known);
  return circle === null ? null : say('depends_on', `${circle.join(' waits for ')}: none of them could ever begin`);
}

function newId(isTaken: (id: TaskId) => boolean): TaskId {
  for (;;) {
    const id = Array.from({ length: taskIdLength }, () => taskIdAlphabet[randomInt(taskIdAlphabet.length)]).join('');
    if (!isTaken(id)) return id;
  }
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** What a record takes from the bytes of its file; taken anew when they change. */
export function factsOf(context: Context, bytes: Buffer, file: TaskFile, name: string) {
  const { header, body } = file;
  const stage = context.config.stages.stages[header.stage];
  const priorities = { low: -10, normal: 0, high: 10 };
  return {
    task_file: sha256(bytes),
    action: header.action,
    stage: header.stage,
    // The stage decides; a task can ask for a gate and never take one away. A stage that nobody defined has one.
    gate: header.approval_required || demandsApproval(stage),
    title: (header.title ?? /^#*\s*(\S.*)$/m.exec(body)?.[1] ?? name).slice(0, 200),
    tool: header.tool,
    memory_task: header.task ?? null,
    depends_on: header.depends_on === undefined ? [] : [header.depends_on].flat(),
    budget: budgetOf(header.budget ?? {}),
    priority: typeof header.priority === 'number' ? header.priority : priorities[header.priority],
    timeout_sec: header.timeout_sec ?? context.config.tools.tools[header.tool]?.timeout_sec ?? 1,
  };
}
