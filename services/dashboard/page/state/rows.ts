import type { TaskRow } from '@countersign/contracts/page-api.ts';

/** Every task that the page knows, by its id; a file that the runner has not taken goes by its name. */
export type Rows = ReadonlyMap<string, TaskRow>;

export type Group = 'running' | 'attention' | 'waiting' | 'ended';

/** What a task goes by in the store. */
export function rowKey({ task, file }: Pick<TaskRow, 'task' | 'file'>): string {
  return task ?? `file:${file}`;
}

/** The rows with newer ones put in their places. A file that was taken is its task from then on. Pure. */
export function withRows(rows: Rows, newer: readonly TaskRow[]): Rows {
  if (newer.length === 0) return rows;
  const next = new Map(rows);
  for (const row of newer) {
    if (row.task !== null) next.delete(rowKey({ task: null, file: row.file }));
    next.set(rowKey(row), row);
  }
  return next;
}

/** The rows with the files of the queue that are no tasks as they are now; those that are gone go. Pure. */
export function withFiles(rows: Rows, files: readonly TaskRow[]): Rows {
  return withRows(new Map([...rows].filter(([, { task }]) => task !== null)), files);
}

const groups = {
  planning: 'running',
  running: 'running',
  verifying: 'running',
  rebasing: 'running',
  merging: 'running',
  pending: 'attention',
  review: 'attention',
  queued: 'waiting',
  approved: 'waiting',
  interrupted: 'waiting',
  'waiting-for-runner': 'waiting',
  done: 'ended',
  failed: 'ended',
  cancelled: 'ended',
  invalid: 'ended',
  rejected: 'ended',
  expired: 'ended',
} as const satisfies Record<TaskRow['status'], Group>;

/** Whether its tool waits for a person's words. */
export function isAsking({ actions }: Pick<TaskRow, 'actions'>): boolean {
  return actions.includes('answer');
}

/** Where a task stands on the first page: what waits for its turn or for a person is not at work, whatever it is in the middle of. */
export function groupOf(row: Pick<TaskRow, 'status' | 'wait' | 'actions'>): Group {
  if (isAsking(row)) return 'attention';
  const { status, wait } = row;
  const group = groups[status];
  return group === 'running' && wait !== null ? 'waiting' : group;
}

/** The rows of one group: what runs and what waits for a person oldest first, what waits by its turn, what ended newest first. Pure. */
export function rowsOf(rows: Rows, group: Group): TaskRow[] {
  const found = [...rows.values()].filter((row) => groupOf(row) === group);
  if (group === 'ended') return found.toSorted((a, b) => compare(b.since, a.since));
  if (group === 'waiting') return found.toSorted((a, b) => b.priority - a.priority || compare(a.since, b.since));
  return found.toSorted((a, b) => compare(a.since, b.since));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
