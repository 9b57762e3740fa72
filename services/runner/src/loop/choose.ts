import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { needsModel } from '@countersign/contracts/task-state.ts';

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

/** Without names of tasks: a reason that changed with each task that ends would be an event for every one that waits. */
function whyNot(record: TaskRecord, busy: readonly TaskRecord[], capacity: Capacity): string | null {
  const here = busy.filter((other) => other.workspace === record.workspace);
  if (here.length >= capacity.perWorkspace)
    return `waits for workspace ${record.workspace}, where ${tasks(capacity.perWorkspace)} may be at work at once`;
  if (busy.length >= capacity.tasks) return `waits for a slot; ${tasks(capacity.tasks)} may be at work at once`;
  if (capacity.perModel !== null && usesModel(record) && busy.filter(usesModel).length >= capacity.perModel)
    return `waits for the model, which serves ${tasks(capacity.perModel)} at once`;
  return null;
}

function usesModel({ state }: TaskRecord): boolean {
  return needsModel(state.status);
}

function tasks(count: number): string {
  return count === 1 ? 'one task' : `${count} tasks`;
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
