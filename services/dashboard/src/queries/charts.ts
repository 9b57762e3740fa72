import type { Charts } from '@countersign/contracts/page-api.ts';
import type { TaskStatus } from '@countersign/contracts/task-state.ts';
import type { Database } from '../index/database.ts';

const dayMs = 86_400_000;

/** One entry for each of the last days in UTC, today's last. */
export function charts(database: Database, days: number, now: Date): Charts {
  const names = Array.from({ length: days }, (_, index) =>
    new Date(now.getTime() - (days - 1 - index) * dayMs).toISOString().slice(0, 10),
  );
  const first = names[0] ?? '';
  const byDay = (sql: string) => Map.groupBy(database.all(sql, first), ({ day }) => day as string);
  const ended = byDay(
    `SELECT ended_day AS day, status, count(*) AS tasks FROM tasks WHERE ended_day IS NOT NULL AND ended_day >= ? GROUP BY 1, 2`,
  );
  const waits = byDay('SELECT day, median(wait_ms) AS median FROM gate_waits WHERE day >= ? GROUP BY day');
  const durations = byDay(
    'SELECT day, median(duration_ms) AS median FROM attempts WHERE day IS NOT NULL AND day >= ? GROUP BY day',
  );
  const tokens = byDay(
    `SELECT day, model, sum(prompt + completion) AS tokens FROM attempts
      WHERE day IS NOT NULL AND day >= ? AND prompt IS NOT NULL GROUP BY day, model`,
  );
  const median = (of: typeof waits, day: string) => {
    const value = of.get(day)?.[0]?.['median'];
    return typeof value === 'number' ? Math.round(value) : null;
  };
  return {
    days: names.map((day) => ({
      day,
      ended: Object.fromEntries(
        (ended.get(day) ?? []).map(({ status, tasks }) => [status as TaskStatus, tasks as number]),
      ),
      approval_wait_ms: median(waits, day),
      duration_ms: median(durations, day),
      tokens: Object.fromEntries(
        (tokens.get(day) ?? []).map(({ model, tokens: count }) => [(model as string) || 'none', count as number]),
      ),
    })),
  };
}
