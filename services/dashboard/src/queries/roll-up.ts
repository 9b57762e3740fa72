import { ErrorClass } from '@countersign/contracts/event.ts';
import { RunId, type WorkspaceName } from '@countersign/contracts/names.ts';
import type { Portfolio, RollUp, RunList, RunRow } from '@countersign/contracts/page-api.ts';
import { runStatus, runSummary } from '@countersign/contracts/run.ts';
import { TaskStatus } from '@countersign/contracts/task-state.ts';
import type { Database } from '../index/database.ts';
import { QueryError } from './query-error.ts';

type Group = Record<string, unknown>;

/** A page of the runs, the newest first. */
export function listRuns(
  database: Database,
  asked: { readonly after: string | null; readonly limit: number },
): RunList {
  const [day, number] = asked.after === null ? ['99999999', 0] : placeOf(asked.after);
  const rows = database.all(
    'SELECT * FROM runs WHERE (day, number) < (?, ?) ORDER BY day DESC, number DESC LIMIT ?',
    day,
    number,
    asked.limit + 1,
  );
  const page = rows.slice(0, asked.limit);
  const last = page.at(-1);
  return {
    runs: page.map((row) => runRow(database, row)),
    next: rows.length > page.length && last !== undefined ? (last['id'] as string) : null,
  };
}

function placeOf(cursor: string): [string, number] {
  const run = RunId.safeParse(cursor);
  if (!run.success) throw new QueryError('bad_request', 'after: not where a list of runs goes on');
  const [, day = '', number = ''] = run.data.split('-');
  return [day, Number(number)];
}

function runRow(database: Database, row: Group): RunRow {
  const groups = database.all('SELECT * FROM groups WHERE run = ? AND tasks > 0', row['id'] as string);
  const roll_up = rollUpOf(groups);
  return {
    id: row['id'] as string,
    workspace: row['workspace'] as WorkspaceName,
    created_at: row['created_at'] as string,
    status: runStatus(groups.map(({ status }) => status as TaskStatus)),
    summary: runSummary(roll_up.counts),
    roll_up,
  };
}

export function portfolio(database: Database): Portfolio {
  const by = (column: 'workspace' | 'tool' | 'model') => {
    const groups = database.all(
      `SELECT ${column} AS name, status, error_class, sum(tasks) AS tasks, sum(attempts) AS attempts, sum(duration_ms) AS duration_ms,
        sum(prompt) AS prompt, sum(completion) AS completion, sum(requests) AS requests, max(last_at) AS last_at
      FROM totals WHERE tasks > 0 AND ${column} <> '' GROUP BY ${column}, status, error_class ORDER BY ${column}`,
    );
    return [...Map.groupBy(groups, ({ name }) => name as string)];
  };
  const named = ([name, groups]: [string, Group[]]) => ({ name, roll_up: rollUpOf(groups) });
  return {
    workspaces: by('workspace').map(([name, groups]) => ({
      ...named([name, groups]),
      last_at:
        groups
          .map(({ last_at }) => last_at as string)
          .sort()
          .at(-1) ?? null,
    })),
    tools: by('tool').map(named),
    models: by('model').map(named),
  };
}

/** How many tasks are in each state. */
export function counts(database: Database): RollUp['counts'] {
  return rollUpOf(database.all('SELECT status, error_class, sum(tasks) AS tasks FROM totals GROUP BY status')).counts;
}

function rollUpOf(groups: readonly Group[]): RollUp {
  const sum = (column: string) => groups.reduce((total, group) => total + Number(group[column] ?? 0), 0);
  return {
    tasks: sum('tasks'),
    attempts: sum('attempts'),
    counts: countBy(groups, 'status', TaskStatus.options),
    duration_ms: sum('duration_ms'),
    tokens: { prompt: sum('prompt'), completion: sum('completion'), requests: sum('requests') },
    errors: countBy(groups, 'error_class', ErrorClass.options),
  };
}

/** In the order of the names, without those that there are none of. */
function countBy<Name extends string>(
  groups: readonly Group[],
  column: string,
  names: readonly Name[],
): Partial<Record<Name, number>> {
  const found = new Map<unknown, number>();
  for (const group of groups) found.set(group[column], (found.get(group[column]) ?? 0) + Number(group['tasks']));
  const counted = names.map((name) => [name, found.get(name) ?? 0] as const).filter(([, count]) => count > 0);
  return Object.fromEntries(counted) as Partial<Record<Name, number>>;
}
