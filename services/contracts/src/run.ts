import { z } from 'zod';
import { EventBody } from './event.ts';
import { RunId, TaskId, Timestamp, WorkspaceName } from './names.ts';
import type { TaskRecord } from './task-record.ts';
import { TaskStatus } from './task-state.ts';
import { versioned } from './versioned.ts';

export const RunStatus = z.enum(['pending', 'running', 'completed', 'cancelled', 'error']);
export type RunStatus = z.infer<typeof RunStatus>;

/** So many tasks of a run are listed in its `run.yaml`, the newest ones; all of them are folders beside it. */
export const listedTasks = 200;

/**
 * `runs/<run>/run.yaml`. What it says of its tasks is derived from them, for people and other programs; nothing reads it back
 * but `version`, `id`, `workspace` and `created_at`.
 */
export const Run = z.strictObject({
  version: z.literal(2),
  id: RunId,
  workspace: WorkspaceName,
  created_at: Timestamp,
  status: RunStatus,
  /** Of what was last at work in it. */
  phase: EventBody.shape.phase,
  agent_role: EventBody.shape.agent_role,
  /** How many tasks are in each state; states without one are left out. */
  counts: z.partialRecord(TaskStatus, z.int().positive()),
  tasks: z.array(z.strictObject({ task_id: TaskId, status: TaskStatus, attempts: z.int().nonnegative() })),
  summary: z.string(),
});
export type Run = z.infer<typeof Run>;

/** What is read back of a `run.yaml`; version 1 said no more than this. */
export const RunHeader = versioned(
  z.object({ version: z.literal(2), id: RunId, workspace: WorkspaceName, created_at: Timestamp }),
  2,
  { 1: (run) => run },
);
export type RunHeader = z.infer<typeof RunHeader>;

type Role = Pick<Run, 'phase' | 'agent_role'>;

const roles = {
  queued: { phase: 'queue', agent_role: 'runner' },
  planning: { phase: 'plan', agent_role: 'planner' },
  pending: { phase: 'gate', agent_role: 'operator' },
  approved: { phase: 'gate', agent_role: 'operator' },
  running: { phase: 'run', agent_role: 'coder' },
  verifying: { phase: 'verify', agent_role: 'runner' },
  interrupted: { phase: 'run', agent_role: 'coder' },
  review: { phase: 'review', agent_role: 'operator' },
  rebasing: { phase: 'review', agent_role: 'runner' },
  merging: { phase: 'merge', agent_role: 'runner' },
  done: { phase: 'run', agent_role: 'coder' },
  failed: { phase: 'run', agent_role: 'coder' },
  cancelled: { phase: 'queue', agent_role: 'operator' },
  invalid: { phase: 'queue', agent_role: 'runner' },
  rejected: { phase: 'gate', agent_role: 'operator' },
  expired: { phase: 'gate', agent_role: 'runner' },
} as const satisfies Record<TaskStatus, Role>;

const atWork: ReadonlySet<TaskStatus> = new Set(['planning', 'running', 'verifying', 'rebasing', 'merging']);
const ended: ReadonlySet<TaskStatus> = new Set(['done', 'failed', 'cancelled', 'invalid', 'rejected', 'expired']);

/** A run's state from its tasks' states: what one would say of all of them in a word. An empty run is pending. */
export function runStatus(statuses: Iterable<TaskStatus>): RunStatus {
  const all = [...statuses];
  if (all.some((status) => atWork.has(status))) return 'running';
  if (all.length === 0 || all.some((status) => !ended.has(status)))
    return all.some((status) => ended.has(status)) ? 'running' : 'pending';
  if (all.some((status) => status === 'failed' || status === 'invalid')) return 'error';
  return all.some((status) => status === 'done') ? 'completed' : 'cancelled';
}

/** Of ten thousand names, comparing code units is ten times as fast as what people expect of an alphabet. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** How many tasks of a run are in each state, in words. */
export function runSummary(counts: Run['counts']): string {
  const words = Object.entries(counts).map(([name, count]) => `${count} ${name}`);
  return words.length === 0 ? 'no task yet' : words.join(', ');
}

/** The whole of `run.yaml` as its tasks are now. Pure. */
export function describeRun(
  { id, workspace, created_at }: Omit<RunHeader, 'version'>,
  records: readonly TaskRecord[],
): Run {
  const newest = records.toSorted((a, b) => compare(b.accepted_at, a.accepted_at) || compare(a.id, b.id));
  const latest = records.reduce<TaskRecord | null>(
    (last, record) => (last === null || record.state.since >= last.state.since ? record : last),
    null,
  );
  const counts: Partial<Record<TaskStatus, number>> = {};
  for (const { state } of records) counts[state.status] = (counts[state.status] ?? 0) + 1;
  const status = runStatus(records.map(({ state }) => state.status));
  return {
    version: 2,
    id,
    workspace,
    created_at,
    status,
    ...(latest === null ? roles.queued : roles[latest.state.status]),
    counts,
    tasks: newest
      .slice(0, listedTasks)
      .map((record) => ({ task_id: record.id, status: record.state.status, attempts: record.attempts })),
    summary: runSummary(counts),
  };
}
