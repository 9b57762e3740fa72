import { join } from 'node:path';
import { inboxLimits } from '@countersign/contracts/limits.ts';
import { parseTaskFile } from '@countersign/contracts/task-file/parse.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { sha256 } from '@countersign/kit/digest.ts';
import { writeFileAtomic } from '@countersign/kit/files.ts';
import type { Context } from '../context.ts';
import { checkTask } from '../queue/check-task.ts';
import { factsOf, type Intake } from '../queue/intake.ts';
import { type FileObserver, type ReadFile, readIfPresent } from '../queue/observe.ts';
import type { Activity } from '../work/attempt.ts';
import { cancelTask } from '../work/cancel-task.ts';

const slices = 20;

/** What the work loop needs to know of a task's file before it may start the task. */
export type Standing = 'unchanged' | 'changing' | 'gone';

/**
 * Watches the files of tasks that were accepted: a changed byte before the end makes the task begin anew, a removed file cancels
 * it. Both are decided only when the file stood still, for editors remove and write again.
 */
export class QueueKeeper {
  readonly #context: Context;
  readonly #observer: FileObserver;
  readonly #intake: Intake;
  readonly #stamps = new Map<string, string>();
  readonly #missingSince = new Map<string, number>();
  /** When the file of a task was found unchanged; another record of the task is looked at anew. */
  readonly #unchangedAt = new WeakMap<TaskRecord, number>();
  #slice = 0;

  constructor(context: Context, observer: FileObserver, intake: Intake) {
    this.#context = context;
    this.#observer = observer;
    this.#intake = intake;
  }

  /** Looks at one task's file, unless that was done lately and nothing is at work on it, and acts on what it finds. */
  async check(record: TaskRecord, activity: Activity | undefined): Promise<Standing> {
    // What somebody approved is looked at before each beginning; what is at work is looked at all the time.
    const { status } = record.state;
    const isUrgent = activity !== undefined || status === 'approved' || status === 'interrupted';
    if (!isUrgent && this.#isFresh(record)) return 'unchanged';
    const standing = await this.#look(record, activity);
    if (standing !== 'unchanged') return standing;
    // Tasks that came together are spread over the time in which each has its turn.
    this.#slice = (this.#slice + 1) % slices;
    const early = this.#unchangedAt.has(record) ? 0 : (this.#everyMs * this.#slice) / slices;
    this.#unchangedAt.set(record, this.#context.now().getTime() - early);
    return standing;
  }

  get #everyMs(): number {
    return (this.#context.tasks.openCount / inboxLimits.looksPerSecond) * 1_000;
  }

  /** With many tasks each is looked at by turns: a turn that looked at 10,000 files would do nothing else. */
  #isFresh(record: TaskRecord): boolean {
    const at = this.#unchangedAt.get(record);
    if (at === undefined) return false;
    const age = this.#context.now().getTime() - at;
    return this.#everyMs > 1_000 && age >= 0 && age < this.#everyMs;
  }

  async #look(record: TaskRecord, activity: Activity | undefined): Promise<Standing> {
    await this.#context.tasks.catchUp(record.id);
    // What was begun here is finished: where the file is gone meanwhile, the saved copy is filed in the end.
    if (record.state.status === 'merging') return 'unchanged';
    const path = this.#context.layout.fileOf(record);
    const seen = await this.#observer.observe(path);
    if (seen.kind !== 'file') return this.#missing(record, activity);
    this.#missingSince.delete(record.id);
    // The work is saved: what is verified and merged is that, by the conditions that were accepted with it. The file's bytes no
    // longer matter.
    if (['verifying', 'review', 'rebasing'].includes(record.state.status)) return 'unchanged';
    const key = `${path} ${seen.stamp}`;
    if (this.#stamps.get(record.id) === key) return 'unchanged';
    if (!seen.settled && activity === undefined) return 'changing';
    const read = await readIfPresent(path);
    if (read === null) return 'changing';
    if (read.ok && sha256(read.bytes) === record.task_file) {
      if (seen.settled) this.#stamps.set(record.id, key);
      return 'unchanged';
    }
    if (activity !== undefined) activity.stop('file_changed');
    else if (seen.settled) await this.#reconsider(record, read);
    return 'changing';
  }

  async #missing(record: TaskRecord, activity: Activity | undefined): Promise<Standing> {
    const now = this.#context.now().getTime();
    const since = this.#missingSince.get(record.id) ?? now;
    this.#missingSince.set(record.id, since);
    if (now - since < this.#context.paces.settleMs) return 'changing';
    if (activity !== undefined) {
      activity.stop('file_removed');
      return 'gone';
    }
    await cancelTask(this.#context, record);
    this.#missingSince.delete(record.id);
    return 'gone';
  }

  async #reconsider(record: TaskRecord, read: ReadFile): Promise<void> {
    const { tasks, layout, now } = this.#context;
    const since = now().toISOString();
    const waiting =
      record.state.status === 'queued'
        ? record
        : await tasks.transition(
            record.id,
            { status: 'queued', since, reason: 'the task file changed; it begins anew' },
            {
              event: 'task_requeued',
              phase: 'gate',
              agent_role: 'operator',
              summary: 'the task file changed; what was asked for or approved is void',
            },
            { bases: null },
          );
    const parsed = read.ok
      ? parseTaskFile(read.bytes)
      : { ok: false as const, problems: [{ line: 1, message: read.reason }] };
    const problems = parsed.ok ? await checkTask(this.#context, withoutId(parsed.file)) : parsed.problems;
    if (!parsed.ok || problems.length > 0 || !read.ok || parsed.file.header.workspace !== record.workspace) {
      const said =
        problems.length > 0
          ? problems
          : [{ line: 1, message: `workspace: it was ${record.workspace}; drop another file for another workspace` }];
      await this.#refuse(waiting, said);
      return;
    }
    await writeFileAtomic(join(layout.task(record.run, record.id), 'task.md'), read.bytes);
    await tasks.update(record.id, factsOf(this.#context, read.bytes, parsed.file, record.dropped_as), {
      event: 'task_changed',
      phase: 'queue',
      agent_role: 'operator',
      summary: 'the task file was changed and read again',
    });
  }

  async #refuse(record: TaskRecord, problems: readonly { line: number; message: string }[]): Promise<void> {
    const ended = await this.#context.tasks.transition(
      record.id,
      {
        status: 'invalid',
        since: this.#context.now().toISOString(),
        reason: problems[0]?.message.slice(0, 2_000) ?? 'not acceptable',
      },
      { event: 'task_ended', phase: 'queue', agent_role: 'runner', summary: 'the changed task file is not acceptable' },
    );
    await this.#intake.explain(ended.file, problems, record.id);
  }
}

/** A task keeps its own id when its file is read again. */
function withoutId<T extends { readonly header: { id?: string | undefined } }>(file: T): T {
  const { id: _id, ...header } = file.header;
  return { ...file, header };
}
