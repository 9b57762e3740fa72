import type { TaskRecord } from '@countersign/contracts/task-record.ts';

export type Capacity = { readonly tasks: number; readonly perWorkspace: number; readonly perModel: number | null };
export type Choice = { readonly start: readonly TaskRecord[]; readonly waits: ReadonlyMap<string, string> };

/**
 * Which waiting tasks start now, and why the others do not. Pure. Approved work goes first, then by priority, then the oldest;
 * a task that has to wait for its workspace lets others pass.
 * @param waiting tasks that nothing but their turn holds up
 * @param active tasks that have a sandbox now
 */
export function choose(waiting: readonly TaskRecord[], active: readonly TaskRecord[], capacity: Capacity): Choice {
  const start: TaskRecord[] = [];
  const waits = new Map<string, string>();
  const busy = [...active];
  for (const record of [...waiting].sort(byTurn)) {
    const reason = whyNot(record, busy, capacity);
    if (reason === null) {
      start.push(record);
      busy.push(record);
    } else waits.set(record.id, reason);
  }
  return { start, waits };
}

function whyNot(record: TaskRecord, busy: readonly TaskRecord[], capacity: Capacity): string | null {
  const ids = (records: readonly TaskRecord[]) => records.map((other) => other.id).join(', ');
  const here = busy.filter((other) => other.workspace === record.workspace);
  if (here.length >= capacity.perWorkspace)
    return `waits for workspace ${record.workspace}, where ${ids(here)} is at work`;
  if (busy.length >= capacity.tasks) return `waits for a slot; all ${capacity.tasks} are taken by ${ids(busy)}`;
  if (capacity.perModel !== null && busy.length >= capacity.perModel)
    return `waits for the model, which serves ${ids(busy)}`;
  return null;
}

function byTurn(a: TaskRecord, b: TaskRecord): number {
  return (
    rank(a) - rank(b) ||
    b.priority - a.priority ||
    a.accepted_at.localeCompare(b.accepted_at) ||
    a.id.localeCompare(b.id)
  );
}

function rank(record: TaskRecord): number {
  return record.state.status === 'queued' ? 1 : 0;
}
