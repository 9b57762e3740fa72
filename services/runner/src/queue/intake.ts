import { randomInt } from 'node:crypto';
import { mkdir, readdir, rename } from 'node:fs/promises';
import { basename, join } from 'node:path';
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
import type { Context } from '../context.ts';
import { demandsApproval } from '../gate/governance.ts';
import { checkTask } from './check-task.ts';
import { refusedName } from './file-name.ts';
import { type FileObserver, readIfPresent } from './observe.ts';

/**
 * Takes new files out of `inbox/`: each becomes a task, or goes to `outbox/invalid/` with the reason beside it. Nothing is lost
 * and nothing blocks: what is no regular file is moved without being opened.
 */
export class Intake {
  readonly #context: Context;
  readonly #observer: FileObserver;
  /** Refused, and still there: another user's folder, for instance, cannot be moved. */
  readonly #immovable = new Set<string>();

  constructor(context: Context, observer: FileObserver) {
    this.#context = context;
    this.#observer = observer;
  }

  /** Looks at every file of the inbox once. Returns whether some of them must be looked at again soon. */
  async scan(): Promise<boolean> {
    const { layout, tasks } = this.#context;
    const accepted = new Set(
      [...tasks.all()].filter((record) => record.state.status === 'queued').map((record) => record.file),
    );
    let taken = 0;
    let unsettled = false;
    for (const entry of await readdir(layout.queue('inbox'), { encoding: 'buffer' })) {
      const name = entry.toString('utf8');
      if (!isTaskFileName(name) || accepted.has(name) || this.#immovable.has(entry.toString('latin1'))) continue;
      if (taken >= inboxLimits.batch) return true;
      const path = Buffer.concat([Buffer.from(`${layout.queue('inbox')}/`), entry]);
      try {
        if (await this.#take(path, name)) taken += 1;
        else unsettled = true;
      } catch (error) {
        this.#context.troubles.say(`inbox/${name}`, error);
      }
    }
    return unsettled;
  }

  async #take(path: Buffer, name: string): Promise<boolean> {
    const seen = await this.#observer.observe(path);
    if (seen.kind === 'missing') return true;
    if (seen.kind === 'special') {
      await this.refuse(path, name, [{ line: 1, message: `${seen.what}; a task is a regular text file` }]);
      return true;
    }
    if (this.#context.tasks.isLeftBehind(path.toString(), seen.stamp)) return true;
    if (!seen.settled) return false;
    if (!path.equals(Buffer.from(`${this.#context.layout.queue('inbox')}/${name}`))) {
      await this.refuse(path, name, [{ line: 1, message: 'the file name is not UTF-8' }]);
      return true;
    }
    const read = await readIfPresent(path);
    if (read === null) return true;
    if (!read.ok) {
      await this.refuse(path, name, [{ line: 1, message: read.reason }]);
      return true;
    }
    const parsed = parseTaskFile(read.bytes);
    const problems = parsed.ok ? await checkTask(this.#context, parsed.file) : parsed.problems;
    if (parsed.ok && problems.length === 0) await this.#accept(name, read.bytes, parsed.file);
    else await this.refuse(path, name, problems);
    return true;
  }

  async #accept(name: string, bytes: Buffer, file: TaskFile): Promise<void> {
    const { layout, tasks, runs, now } = this.#context;
    const run = file.header.run ?? (await runs.ofTheDay(file.header.workspace, now()));
    const id = file.header.id ?? this.#newId();
    const accepted_at = now().toISOString();
    const record: TaskRecord = {
      version: 2,
      id,
      run,
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
    await mkdir(layout.task(run, id), { recursive: true });
    await writeFileAtomic(join(layout.task(run, id), 'task.md'), bytes);
    await tasks.create(record, {
      event: 'task_accepted',
      phase: 'queue',
      agent_role: 'runner',
      summary: `${name} is task ${id}`,
    });
  }

  /** Moves what cannot be a task aside and says why, beside it. */
  async refuse(path: Buffer, name: string, problems: readonly Problem[]): Promise<void> {
    const { layout, journal, logger } = this.#context;
    const id = this.#newId();
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
    await rename(path, join(folder, target)).catch((error: unknown) => {
      if (isMissing(error)) return;
      this.#immovable.add(basename(path.toString('latin1')));
      logger.error({ file: name, task: id, error: String(error) }, 'a refused file cannot be moved and stays');
    });
    await syncFolder(folder);
    logger.info({ file: name, task: id }, 'a file was refused');
  }

  /** Writes why a file was not accepted, beside it. */
  async explain(file: string, problems: readonly Problem[], task: TaskId): Promise<void> {
    const path = join(this.#context.layout.queue('outbox/invalid'), errorFileName(file));
    await writeFileAtomic(path, formatRefusal({ task, file, problems }), 0o644);
  }

  #newId(): TaskId {
    for (;;) {
      const id = Array.from({ length: taskIdLength }, () => taskIdAlphabet[randomInt(taskIdAlphabet.length)]).join('');
      if (!this.#context.tasks.has(id)) return id;
    }
  }
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
