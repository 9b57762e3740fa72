import { expect, test } from 'vitest';
import { noBudget } from './budget.ts';
import { describeRun, listedTasks, Run, RunHeader, RunStatus, runStatus } from './run.ts';
import type { TaskRecord, TaskState } from './task-record.ts';
import { isFinal, TaskStatus } from './task-state.ts';

const since = '2026-11-20T10:00:00.000Z';
const header = { id: 'RUN-20261120-001', workspace: 'project', created_at: since };

function record(id: string, status: TaskStatus, change: Partial<TaskRecord> = {}, at = since): TaskRecord {
  return {
    version: 2,
    id,
    run: header.id,
    file: `${id}.md`,
    dropped_as: `${id}.md`,
    task_file: 'f'.repeat(64),
    workspace: 'project',
    action: 'run',
    stage: 'dev',
    gate: false,
    title: id,
    tool: 'agent',
    priority: 0,
    timeout_sec: 60,
    accepted_at: since,
    attempts: 0,
    interruptions: 0,
    model: null,
    bases: null,
    memory_task: null,
    depends_on: [],
    budget: noBudget,
    cancellation: null,
    retries: 0,
    state: { status, since: at, reason: '' } as TaskState,
    ...change,
  };
}

/** Every multiset of states up to three, and each state beside all the others. */
function* multisets(): Generator<TaskStatus[]> {
  const all = TaskStatus.options;
  yield [];
  yield [...all];
  for (const [a, first] of all.entries()) {
    yield [first];
    yield all.filter((status) => status !== first);
    for (const [b, second] of all.entries()) {
      if (b < a) continue;
      yield [first, second];
      for (const third of all.slice(b)) yield [first, second, third];
    }
  }
}

test('every run has one state, whatever states its tasks are in and in which order they are looked at', () => {
  let count = 0;
  for (const statuses of multisets()) {
    count += 1;
    const status = runStatus(statuses);
    expect(RunStatus.options).toContain(status);
    expect(runStatus(statuses.toReversed()), statuses.join()).toBe(status);
    // More of what it has already changes nothing.
    expect(runStatus([...statuses, ...statuses]), statuses.join()).toBe(status);
    const ended = statuses.length > 0 && statuses.every(isFinal);
    expect(['completed', 'cancelled', 'error'].includes(status), statuses.join()).toBe(ended);
  }
  expect(count).toBeGreaterThan(900);
});

test.each<[TaskStatus[], RunStatus]>([
  [[], 'pending'],
  [['queued', 'queued'], 'pending'],
  [['pending'], 'pending'],
  [['review'], 'pending'],
  [['queued', 'running'], 'running'],
  [['queued', 'done'], 'running'],
  [['done', 'done'], 'completed'],
  [['done', 'cancelled'], 'completed'],
  [['done', 'failed'], 'error'],
  [['invalid'], 'error'],
  [['cancelled', 'rejected', 'expired'], 'cancelled'],
])('tasks that are %j make a run that is %s', (statuses, expected) => {
  expect(runStatus(statuses)).toBe(expected);
});

test('a run is described by its tasks: counts, the newest first, and who was last at work', () => {
  const records = [
    record('first', 'done', { accepted_at: '2026-11-20T10:00:00.000Z', attempts: 1 }, '2026-11-20T10:05:00.000Z'),
    record('second', 'pending', { accepted_at: '2026-11-20T10:01:00.000Z', attempts: 2 }, '2026-11-20T10:04:00.000Z'),
    record('third', 'running', { accepted_at: '2026-11-20T10:02:00.000Z', attempts: 1 }, '2026-11-20T10:06:00.000Z'),
  ];
  const run = describeRun(header, records);
  expect(Run.parse(run)).toEqual(run);
  expect(run).toMatchObject({
    version: 2,
    ...header,
    status: 'running',
    phase: 'run',
    agent_role: 'coder',
    counts: { done: 1, pending: 1, running: 1 },
    summary: '1 done, 1 pending, 1 running',
  });
  expect(run.tasks).toEqual([
    { task_id: 'third', status: 'running', attempts: 1 },
    { task_id: 'second', status: 'pending', attempts: 2 },
    { task_id: 'first', status: 'done', attempts: 1 },
  ]);
  expect(records.map(({ id }) => id)).toEqual(['first', 'second', 'third']);
});

test('every state of a task gives a run its phase and role', () => {
  for (const status of TaskStatus.options) {
    const run = describeRun(header, [record('one', status)]);
    expect(Run.parse(run).counts).toEqual({ [status]: 1 });
  }
});

test('an empty run says so, and one of very many tasks lists the newest', () => {
  expect(Run.parse(describeRun(header, []))).toMatchObject({ status: 'pending', tasks: [], summary: 'no task yet' });
  const many = Array.from({ length: listedTasks + 5 }, (_none, count) =>
    record(`t${count}`, 'queued', { accepted_at: new Date(Date.parse(since) + count).toISOString() }),
  );
  const run = describeRun(header, many);
  expect(run.tasks).toHaveLength(listedTasks);
  expect(run.tasks[0]?.task_id).toBe(`t${listedTasks + 4}`);
  expect(run.counts).toEqual({ queued: listedTasks + 5 });
});

test('of a run.yaml only what is not derived is read back; version 1 had nothing else', () => {
  expect(RunHeader.parse({ version: 1, ...header })).toEqual({ version: 2, ...header });
  const run = describeRun(header, [record('one', 'done')]);
  expect(RunHeader.parse({ ...run, status: 'of another make', tasks: null })).toEqual({ version: 2, ...header });
  expect(RunHeader.safeParse({ ...run, version: 3 }).error?.issues[0]?.message).toContain('newer Countersign');
});
