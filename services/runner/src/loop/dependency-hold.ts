import type { TaskId } from '@countersign/contracts/names.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { isFinal } from '@countersign/contracts/task-state.ts';
import type { Hold } from './queue-control.ts';

/** Why a task that depends on others has to wait, or null when all of them are done. Pure. */
export function dependencyHold(
  { depends_on: needed, state }: TaskRecord,
  find: (id: TaskId) => TaskRecord | undefined,
): Hold | null {
  // Once it was begun, what it was begun upon is fixed.
  if (state.status !== 'queued') return null;
  const open = needed.filter((id) => find(id)?.state.status !== 'done');
  if (open.length === 0) return null;
  return {
    wait: { kind: 'dependency', on: open },
    reason: `waits for ${open.map((id) => words(id, find(id))).join(', ')}`,
  };
}

function words(id: TaskId, record: TaskRecord | undefined): string {
  if (record === undefined) return `${id}, which nobody has dropped yet`;
  const { status } = record.state;
  return isFinal(status)
    ? `${id}, which is ${status}: it goes on when that one is done after all`
    : `${id}, which is ${status}`;
}

/**
 * Whether a new task would wait for itself, by way of others. Returns the way, from the new task back to it, or null. Pure.
 * @param id the new task's own name, where its file gives it one: nobody can wait for another
 */
export function findCircle(
  id: TaskId | undefined,
  needed: readonly TaskId[],
  find: (id: TaskId) => Pick<TaskRecord, 'depends_on'> | undefined,
): readonly TaskId[] | null {
  if (id === undefined) return null;
  const seen = new Set<TaskId>();
  const ways: TaskId[][] = needed.map((first) => [id, first]);
  for (const way of ways) {
    const last: TaskId = way.at(-1) ?? id;
    if (last === id) return way;
    if (seen.has(last)) continue;
    seen.add(last);
    for (const next of find(last)?.depends_on ?? []) ways.push([...way, next]);
  }
  return null;
}
