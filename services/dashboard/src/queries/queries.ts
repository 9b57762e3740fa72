import { RunId, TaskId } from '@countersign/contracts/names.ts';
import {
  type Approvals,
  type Charts,
  type Choices,
  type CommandAnswer,
  type Configuration,
  type LogLines,
  type Now,
  type Portfolio,
  pageLimits,
  type RunList,
  type SearchResults,
  type Services,
  type TaskDetail,
  type TaskList,
  type TaskQuery,
} from '@countersign/contracts/page-api.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { TaskStatus } from '@countersign/contracts/task-state.ts';
import { z } from 'zod';
import { ArtifactName } from '../files/attempt-folder.ts';
import { LineLimit, linesAfter, linesBefore, logEnd, logFiles, ServiceName } from '../files/log-files.ts';
import { isAtWork } from '../index/attempt-row.ts';
import type { Database } from '../index/database.ts';
import { type Index, IndexRebuilding } from '../index/index.ts';
import { awaitsAnswer, rowOf } from '../rows/task-row.ts';
import { approvalOf } from './approval-facts.ts';
import { type OpenedArtifact, openArtifact } from './artifact.ts';
import { charts } from './charts.ts';
import { readStages, workspaceNames } from './choices.ts';
import { readConfiguration } from './configuration.ts';
import { queryLimits } from './limits.ts';
import { QueryError } from './query-error.ts';
import { reviewOf } from './review.ts';
import { counts, listRuns, portfolio } from './roll-up.ts';
import { search } from './search.ts';
import { knownTask, taskDetail } from './task-detail.ts';
import { listTasks, recordsIn } from './task-lists.ts';

export type { OpenedArtifact } from './artifact.ts';

export type QueriesOptions = {
  readonly index: Index;
  /** The folder that holds `inbox/`, `outbox/`, `runs/` and `logs/`. */
  readonly volumes: string;
  /** The folder of the configuration's files. */
  readonly configs: string;
  readonly now?: () => Date;
};

/** Names and numbers as they stood in a request's address: none of them is trusted, all are parsed here. */
export type RunsAsked = { readonly after?: unknown; readonly limit?: unknown };
export type LogsAsked = {
  readonly service: unknown;
  /** Lines that end before this place; without `before` and `after`, the last ones. */
  readonly before?: unknown;
  /** Lines that begin at this place or behind it. */
  readonly after?: unknown;
  readonly limit?: unknown;
};
export type ArtifactAsked = {
  readonly task: unknown;
  readonly attempt: unknown;
  readonly name: unknown;
  /** Of the bytes the first, from the end where it is negative, and how many. */
  readonly start?: unknown;
  readonly bytes?: unknown;
};

const place = z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER).optional();
const RunsQuery = z.object({
  after: RunId.optional(),
  limit: z.coerce.number().int().min(1).max(pageLimits.runs).default(pageLimits.runs),
});
const LogsQuery = z.object({ service: ServiceName, before: place, after: place, limit: LineLimit });
const ArtifactQuery = z.object({
  task: TaskId,
  attempt: z.coerce.number().int().min(1).max(1_000_000),
  name: ArtifactName,
  start: z.coerce.number().int().min(-Number.MAX_SAFE_INTEGER).max(Number.MAX_SAFE_INTEGER).default(0),
  bytes: z.coerce.number().int().min(1).max(pageLimits.fileBytes).default(pageLimits.fileBytes),
});
const Days = z.coerce.number().int().min(1).max(queryLimits.days.most).default(queryLimits.days.usual);
const Words = z.string().trim().max(pageLimits.queryCharacters);
const CommandId = z.string().regex(/^[A-Za-z0-9_-]{16,64}$/, 'not a command’s id');

/** What the page asks; one method for each answer of `page-api.ts`. All of them throw `QueryError`. */
export class Queries {
  readonly #index: Index;
  readonly #volumes: string;
  readonly #configs: string;
  readonly #now: () => Date;

  constructor({ index, volumes, configs, now = () => new Date() }: QueriesOptions) {
    this.#index = index;
    this.#volumes = volumes;
    this.#configs = configs;
    this.#now = now;
  }

  async now(): Promise<Now> {
    const { files, services, queue } = this.#index;
    return this.#ask((database) => {
      const newest = (statuses: readonly TaskStatus[], limit: number = pageLimits.tasks) =>
        recordsIn(database, statuses, { limit, oldest: false });
      const busy = newest(TaskStatus.options.filter(isAtWork));
      const isWaiting = ({ state }: TaskRecord) => 'wait' in state && state.wait !== null;
      const asked = recordsForPerson(database, pageLimits.tasks);
      const queued = recordsIn(database, ['queued', 'approved', 'interrupted'], {
        limit: pageLimits.tasks,
        oldest: true,
      });
      const refused = files.filter(({ status }) => status === 'invalid');
      return {
        position: String(database.number('position')),
        running: busy.filter((record) => !isWaiting(record) && !awaitsAnswer(record)).map(rowOf),
        attention: asked.map(rowOf),
        waiting: [
          ...busy.filter((record) => isWaiting(record) && !awaitsAnswer(record)).map(rowOf),
          ...queued.map(rowOf),
          ...files.filter(({ status }) => status !== 'invalid'),
        ].slice(0, pageLimits.tasks),
        ended: [...lastEnded(database), ...refused]
          .sort((a, b) => (a.since < b.since ? 1 : -1))
          .slice(0, queryLimits.ended),
        counts: counts(database),
        queue: queue ?? null,
        troubles: services.filter(({ status }) => status !== 'ok'),
      };
    });
  }

  async tasks(query: TaskQuery): Promise<TaskList> {
    return this.#ask((database) => listTasks(database, query));
  }

  async task(id: unknown): Promise<TaskDetail> {
    const task = parsed(TaskId, id, 'task');
    const known = this.#ask((database) => knownTask(database, task));
    if (known === null) throw noTask(task);
    return await taskDetail(this.#volumes, known, this.#now());
  }

  async approvals(): Promise<Approvals> {
    const records = this.#ask((database) => recordsForPerson(database, queryLimits.approvals));
    const approvals: Approvals['approvals'] = [];
    for (const record of records) {
      const approval = await approvalOf(this.#volumes, record, this.#now());
      approvals.push({ row: rowOf(record), approval, review: reviewOf(record) });
    }
    return { approvals };
  }

  async runs(asked: RunsAsked): Promise<RunList> {
    const { after, limit } = parsed(RunsQuery, asked, 'runs');
    return this.#ask((database) => listRuns(database, { after: after ?? null, limit }));
  }

  async portfolio(): Promise<Portfolio> {
    return this.#ask(portfolio);
  }

  /** @param days 1 to 366 */
  async charts(days: unknown): Promise<Charts> {
    const wanted = parsed(Days, days, 'days');
    return this.#ask((database) => charts(database, wanted, this.#now()));
  }

  async search(q: unknown): Promise<SearchResults> {
    const words = parsed(Words, q, 'q');
    return this.#ask((database) => search(database, words));
  }

  async logs(asked: LogsAsked): Promise<LogLines> {
    const { service, before, after, limit } = parsed(LogsQuery, asked, 'logs');
    const files = await logFiles(this.#volumes, service);
    if (files.length === 0) throw new QueryError('not_found', `${service} has written no log`);
    const to = logEnd(files);
    const found =
      after === undefined
        ? await linesBefore(this.#volumes, files, before ?? to, limit)
        : await linesAfter(this.#volumes, files, after, limit);
    return { service, from: 0, to, ...found };
  }

  async choices(): Promise<Choices> {
    return { workspaces: this.#ask(workspaceNames), stages: await readStages(this.#configs) };
  }

  async configuration(): Promise<Configuration> {
    return await readConfiguration(this.#configs);
  }

  /** What the services say of themselves; `container` is null and `launcher` too, for the launcher is asked by somebody else. */
  async services(): Promise<Services> {
    return { services: [...this.#index.services], launcher: null };
  }

  async artifact(asked: ArtifactAsked): Promise<OpenedArtifact> {
    const { task, attempt, name, start, bytes } = parsed(ArtifactQuery, asked, 'file');
    const known = this.#ask((database) => knownTask(database, task));
    if (known === null) throw noTask(task);
    return await openArtifact(this.#volumes, known.record, { attempt, name, start, bytes });
  }

  /** What came of a command; `waiting` for one that the runner has said nothing of. */
  async commandVerdict(id: unknown): Promise<CommandAnswer> {
    const command = parsed(CommandId, id, 'command');
    const row = this.#ask((database) => database.get('SELECT * FROM verdicts WHERE command = ?', command));
    if (row === undefined)
      return { id: command, verdict: 'waiting', message: 'the runner has not said anything of it yet' };
    return { id: command, verdict: row['accepted'] === 1 ? 'accepted' : 'refused', message: row['summary'] as string };
  }

  #ask<T>(question: (database: Database) => T): T {
    try {
      return this.#index.ask(question);
    } catch (cause) {
      if (cause instanceof IndexRebuilding) throw new QueryError('index_rebuilding', cause.message, { cause });
      throw cause;
    }
  }
}

/** What only a person moves on: first the tools that wait for an answer, for their time runs out. */
function recordsForPerson(database: Database, limit: number): TaskRecord[] {
  const asking = recordsIn(database, ['running'], { limit: pageLimits.tasks, oldest: true }).filter(awaitsAnswer);
  return [...asking, ...recordsIn(database, ['pending', 'review'], { limit, oldest: true })].slice(0, limit);
}

function lastEnded(database: Database) {
  return database
    .all(
      `SELECT record FROM tasks JOIN records USING (number) WHERE ended_day IS NOT NULL ORDER BY status_at DESC LIMIT ?`,
      queryLimits.ended,
    )
    .map(({ record }) => rowOf(JSON.parse(record as string)));
}

/** What stood in a request's address. */
function parsed<Schema extends z.ZodType>(schema: Schema, value: unknown, name: string): z.infer<Schema> {
  const outcome = schema.safeParse(value);
  if (outcome.success) return outcome.data;
  const [issue] = outcome.error.issues;
  throw new QueryError('bad_request', `${[name, ...(issue?.path ?? [])].join('.')}: ${issue?.message ?? 'not usable'}`);
}

function noTask(task: string): QueryError {
  return new QueryError('not_found', `there is no task ${task}`);
}
