import type { SQLInputValue } from 'node:sqlite';
import type { TaskList, TaskQuery, TaskRow } from '@countersign/contracts/page-api.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import type { TaskStatus } from '@countersign/contracts/task-state.ts';
import type { Database } from '../index/database.ts';
import { rowOf } from '../rows/task-row.ts';
import { fullTextQuery } from './full-text.ts';
import { queryLimits } from './limits.ts';
import { QueryError } from './query-error.ts';

type Filter = { readonly sql: string; readonly values: readonly SQLInputValue[] };

/** A page of the tasks that a query names, the newest first. */
export function listTasks(database: Database, query: TaskQuery): TaskList {
  const after = query.after === undefined ? null : numberOf(query.after);
  const { numbers, total } =
    query.q === undefined || query.q === ''
      ? filtered(database, query, after)
      : searched(database, query, query.q, after);
  const page = numbers.slice(0, query.limit);
  const last = page.at(-1);
  return {
    tasks: rowsOf(database, page),
    total,
    next: numbers.length > page.length && last !== undefined ? String(last) : null,
  };
}

function rowsOf(database: Database, numbers: readonly number[]): TaskRow[] {
  return numbers.flatMap((number) => {
    const record = recordOf(database, number);
    return record === null ? [] : [rowOf(record)];
  });
}

export function recordOf(database: Database, number: number): TaskRecord | null {
  const row = database.get('SELECT record FROM records WHERE number = ?', number);
  return row === undefined ? null : (JSON.parse(row['record'] as string) as TaskRecord);
}

/** The records of tasks in some states; `oldest` first or the newest. */
export function recordsIn(
  database: Database,
  statuses: readonly TaskStatus[],
  { limit, oldest }: { readonly limit: number; readonly oldest: boolean },
): TaskRecord[] {
  const direction = oldest ? 'ASC' : 'DESC';
  const found = statuses.flatMap((status) =>
    database
      .all(`SELECT number FROM tasks WHERE status = ? ORDER BY number ${direction} LIMIT ?`, status, limit)
      .map(({ number }) => number as number),
  );
  const sorted = found.sort((a, b) => (oldest ? a - b : b - a)).slice(0, limit);
  return sorted.map((number) => recordOf(database, number)).filter((record) => record !== null);
}

type Found = { readonly numbers: readonly number[]; readonly total: number };

/** Of each state a page, and of these the newest: so each is read from its own index. */
function filtered(database: Database, query: TaskQuery, after: number | null): Found {
  const filter = filterOf(query, '');
  const statuses = query.status ?? [null];
  const numbers = statuses.flatMap((status) =>
    database
      .all(
        `SELECT number FROM tasks WHERE ${filter.sql}${status === null ? '' : ' AND status = ?'}${
          after === null ? '' : ' AND number < ?'
        } ORDER BY number DESC LIMIT ?`,
        ...filter.values,
        ...(status === null ? [] : [status]),
        ...(after === null ? [] : [after]),
        query.limit + 1,
      )
      .map(({ number }) => number as number),
  );
  const marks = statuses.map(() => '?').join(', ');
  const total = database.get(
    `SELECT sum(tasks) AS total FROM ${query.run === undefined ? 'totals' : 'groups'} WHERE ${filter.sql}${query.status === undefined ? '' : ` AND status IN (${marks})`}`,
    ...filter.values,
    ...(query.status ?? []),
  )?.['total'];
  return { numbers: numbers.sort((a, b) => b - a), total: Number(total ?? 0) };
}

/** Those in whose texts all words are, the newest first; counted up to some hundreds. */
function searched(database: Database, query: TaskQuery, words: string, after: number | null): Found {
  const asked = fullTextQuery(words);
  if (asked === null) return { numbers: [], total: 0 };
  const filter = filterOf(query, 'tasks.');
  const statuses = query.status === undefined ? '' : ` AND tasks.status IN (${query.status.map(() => '?').join(', ')})`;
  const rows = database.iterate(
    `SELECT tasks.number AS number FROM search CROSS JOIN tasks ON tasks.number = search.rowid / 4
      WHERE search MATCH ? AND ${filter.sql}${statuses} ORDER BY search.rowid DESC LIMIT ?`,
    asked.match,
    ...filter.values,
    ...(query.status ?? []),
    queryLimits.scanned,
  );
  const numbers: number[] = [];
  let total = 0;
  let last: unknown = null;
  for (const { number } of rows) {
    if (number === last) continue;
    last = number;
    total += 1;
    if (numbers.length <= query.limit && (after === null || (number as number) < after)) numbers.push(number as number);
    if (total >= queryLimits.counted && numbers.length > query.limit) break;
  }
  return { numbers, total: Math.min(total, queryLimits.counted) };
}

function filterOf({ workspace, run, tool }: TaskQuery, table: string): Filter {
  const wanted = Object.entries({ workspace, run, tool }).filter(([, value]) => value !== undefined);
  return {
    sql: ['1', ...wanted.map(([name]) => `${table}${name} = ?`)].join(' AND '),
    values: wanted.map(([, value]) => value as string),
  };
}

function numberOf(cursor: string): number {
  if (!/^\d{1,16}$/.test(cursor)) throw new QueryError('bad_request', 'after: not where a list of tasks goes on');
  return Number(cursor);
}
