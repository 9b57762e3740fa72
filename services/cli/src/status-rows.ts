import { join } from 'node:path';
import type { StatusRow, TaskRecord } from '@countersign/contracts/task-record.ts';
import { isFinal, TaskStatus } from '@countersign/contracts/task-state.ts';
import { readHealth } from '@countersign/kit/health.ts';
import { refusedFiles, untakenFiles } from '@countersign/kit/queue-files.ts';

/** What asks a person comes first, then what a person must decide, then what waits, then what works, then what has ended. */
const order: readonly string[] = [
  'pending',
  'review',
  'interrupted',
  'queued',
  'approved',
  'planning',
  'running',
  'verifying',
  'rebasing',
  'merging',
] satisfies TaskStatus[];

/** One row for every task and for every file that is none yet or never was one; waiting ones first, then the newest. */
export async function statusRows(volumes: string, records: readonly TaskRecord[]): Promise<StatusRow[]> {
  const absence = await runnerAbsence(volumes);
  const taken = new Set(records.filter(({ state }) => state.status === 'queued').map(({ file }) => file));
  const known = new Set<string | null>(records.map(({ id }) => id));
  const rows = [
    ...records.map(rowOf),
    ...(await untakenFiles(volumes, taken)),
    ...(await refusedFiles(volumes)).filter(({ task }) => task === null || !known.has(task)),
  ];
  return rows.map((row) => withAbsence(row, absence)).sort(compare);
}

/** Why nothing moves, when the runner is not running; null when it is. */
export async function runnerAbsence(volumes: string): Promise<string | null> {
  const health = await readHealth(join(volumes, 'logs', 'runner'));
  if (health === null) return 'the runner is not running';
  return health.alive ? null : `the runner is not running (last seen ${health.report.ts})`;
}

function rowOf({ id, file, run, workspace, stage, state }: TaskRecord): StatusRow {
  const wait = 'wait' in state ? state.wait : null;
  return { task: id, file, run, workspace, stage, state: state.status, reason: state.reason, wait, since: state.since };
}

function withAbsence(row: StatusRow, absence: string | null): StatusRow {
  if (absence === null || hasEnded(row)) return row;
  return { ...row, reason: row.reason === '' ? absence : `${absence}; ${row.reason}` };
}

function hasEnded(row: StatusRow): boolean {
  const status = TaskStatus.safeParse(row.state);
  return status.success && isFinal(status.data);
}

function compare(a: StatusRow, b: StatusRow): number {
  const rank = (row: StatusRow) => {
    if (row.wait?.kind === 'answer') return -1;
    const place = order.indexOf(row.state);
    return place < 0 ? order.length : place;
  };
  if (rank(a) !== rank(b)) return rank(a) - rank(b);
  if (a.since !== b.since) return a.since < b.since ? 1 : -1;
  return (a.task ?? a.file) < (b.task ?? b.file) ? -1 : 1;
}
