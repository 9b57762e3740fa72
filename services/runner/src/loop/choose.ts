import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { needsModel } from '@countersign/contracts/task-state.ts';
import type { Hold } from './queue-control.ts';

export type Capacity = {
  readonly tasks: number;
  readonly perWorkspace: number;
  readonly perModel: number | null;
  /** Of stages that have a limit which holds. */
  readonly perStage: ReadonlyMap<string, number>;
};
export type Choice = { readonly start: readonly TaskRecord[]; readonly waits: ReadonlyMap<string, Hold> };
/** When each workspace last had its turn: the larger, the later. */
export type Turns = ReadonlyMap<string, number>;

/**
 * Which waiting tasks start now, and why the others do not. Pure. Work that was begun goes first, then by priority; among equals
 * the workspace whose last turn is longest ago, and within one the oldest. A task that has to wait lets others pass.
 * @param waiting tasks that nothing but their turn holds up, in the order of their acceptance
 * @param active tasks that something is at work on now
 */
export function choose(
  waiting: readonly TaskRecord[],
  active: readonly TaskRecord[],
  capacity: Capacity,
  turns: Turns = new Map(),
): Choice {
  const start: TaskRecord[] = [];
  const waits = new Map<string, Hold>();
  const busy = [...active];
  const lastTurn = new Map(turns);
  let turn = Math.max(0, ...lastTurn.values());
  const lines = lineUp(waiting);
  for (let next = takeNext(lines, lastTurn); next !== null; next = takeNext(lines, lastTurn)) {
    const hold = whyNot(next, busy, capacity);
    if (hold !== null) {
      waits.set(next.id, hold);
      continue;
    }
    start.push(next);
    busy.push(next);
    turn += 1;
    lastTurn.set(next.workspace, turn);
  }
  return { start, waits };
}

/** Of each workspace, who is next in it; the next one stands last, where it is cheap to take. */
type Lines = Map<string, TaskRecord[]>;

function lineUp(waiting: readonly TaskRecord[]): Lines {
  const lines: Lines = new Map();
  for (const record of waiting) {
    const line = lines.get(record.workspace) ?? [];
    line.push(record);
    lines.set(record.workspace, line);
  }
  for (const line of lines.values()) line.sort(byUrgency).reverse();
  return lines;
}

function takeNext(lines: Lines, lastTurn: Turns): TaskRecord | null {
  let best: { record: TaskRecord; line: TaskRecord[] } | null = null;
  for (const line of lines.values()) {
    const record = line.at(-1);
    if (record !== undefined && (best === null || compare(record, best.record, lastTurn) < 0)) best = { record, line };
  }
  best?.line.pop();
  return best?.record ?? null;
}

function compare(a: TaskRecord, b: TaskRecord, lastTurn: Turns): number {
  return byUrgency(a, b) || (lastTurn.get(a.workspace) ?? 0) - (lastTurn.get(b.workspace) ?? 0) || byAge(a, b);
}

/** Without names of tasks: a reason that changed with each task that ends would be an event for every one that waits. */
function whyNot(record: TaskRecord, busy: readonly TaskRecord[], capacity: Capacity): Hold | null {
  const { workspace, stage } = record;
  const here = busy.filter((other) => other.workspace === workspace);
  if (here.length >= capacity.perWorkspace)
    return hold(
      'workspace',
      [workspace],
      `waits for workspace ${workspace}, where ${tasks(capacity.perWorkspace)} may be at work at once`,
    );
  if (busy.length >= capacity.tasks)
    return hold('slot', [], `waits for a slot; ${tasks(capacity.tasks)} may be at work at once`);
  const ofStage = capacity.perStage.get(stage);
  if (ofStage !== undefined && busy.filter((other) => other.stage === stage).length >= ofStage)
    return hold('stage', [stage], `waits for stage ${stage}, of which ${tasks(ofStage)} may be at work at once`);
  if (capacity.perModel !== null && usesModel(record) && busy.filter(usesModel).length >= capacity.perModel)
    return hold('model_slot', [], `waits for the model, which serves ${tasks(capacity.perModel)} at once`);
  return null;
}

function hold(kind: Hold['wait']['kind'], on: string[], reason: string): Hold {
  return { wait: { kind, on }, reason };
}

function usesModel({ state }: TaskRecord): boolean {
  return needsModel(state.status);
}

function tasks(count: number): string {
  return count === 1 ? 'one task' : `${count} tasks`;
}

function byUrgency(a: TaskRecord, b: TaskRecord): number {
  return rank(a) - rank(b) || b.priority - a.priority;
}

/** Of different workspaces; within one the order of acceptance counts, which no clock can change. */
function byAge(a: TaskRecord, b: TaskRecord): number {
  return a.accepted_at < b.accepted_at ? -1 : a.accepted_at > b.accepted_at ? 1 : 0;
}

function rank(record: TaskRecord): number {
  return record.state.status === 'queued' ? 1 : 0;
}
