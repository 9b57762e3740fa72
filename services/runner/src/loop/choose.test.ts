import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { expect, test } from 'vitest';
import { makeRecord, since, states } from '../testing/record.ts';
import { type Capacity, choose } from './choose.ts';

const roomy: Capacity = { tasks: 4, perWorkspace: 1, perModel: null, perStage: new Map() };
const task = (id: string, workspace: string, changes: Partial<TaskRecord> = {}) =>
  makeRecord({ id, workspace, ...changes });
const running = (id: string, workspace: string) => task(id, workspace, { state: states.running });
const started = (choice: ReturnType<typeof choose>) => choice.start.map(({ id }) => id);

test('tasks of two workspaces start together', () => {
  const choice = choose([task('a1', 'a'), task('b1', 'b')], [], roomy);
  expect(started(choice)).toEqual(['a1', 'b1']);
  expect(choice.waits.size).toBe(0);
});

test('a second task of a workspace waits for the first and says so', () => {
  const choice = choose([task('a1', 'a'), task('a2', 'a')], [], roomy);
  expect(started(choice)).toEqual(['a1']);
  expect([...choice.waits]).toEqual([
    [
      'a2',
      {
        wait: { kind: 'workspace', on: ['a'] },
        reason: 'waits for workspace a, where one task may be at work at once',
      },
    ],
  ]);
});

test('a workspace that is busy holds up no other', () => {
  expect(started(choose([task('a2', 'a'), task('b1', 'b')], [running('a1', 'a')], roomy))).toEqual(['b1']);
});

test('when all slots are taken a task says so, in words that stay the same while others come and go', () => {
  const active = ['a', 'b', 'c', 'd'].map((name) => running(`${name}1`, name));
  const choice = choose([task('e1', 'e')], active, roomy);
  expect(choice.start).toEqual([]);
  expect(choice.waits.get('e1')).toEqual({
    wait: { kind: 'slot', on: [] },
    reason: 'waits for a slot; 4 tasks may be at work at once',
  });
});

test('the model’s own limit counts where there is one', () => {
  const choice = choose([task('a1', 'a'), task('b1', 'b'), task('c1', 'c')], [], { ...roomy, perModel: 2 });
  expect(started(choice)).toEqual(['a1', 'b1']);
  expect(choice.waits.get('c1')).toEqual({
    wait: { kind: 'model_slot', on: [] },
    reason: 'waits for the model, which serves 2 tasks at once',
  });
});

test('a workspace may be given more than one', () => {
  const waiting = [task('a1', 'a'), task('a2', 'a'), task('a3', 'a')];
  expect(started(choose(waiting, [], { ...roomy, perWorkspace: 2 }))).toEqual(['a1', 'a2']);
});

test.each<[string, TaskRecord, TaskRecord]>([
  [
    'approved before queued, whatever its priority',
    task('first', 'a', { state: states.approved, priority: -10 }),
    task('then', 'a', { priority: 10 }),
  ],
  ['interrupted before queued', task('first', 'a', { state: states.interrupted }), task('then', 'a')],
  [
    'a higher priority',
    task('first', 'a', { priority: 10, accepted_at: '2026-11-20T11:00:00.000Z' }),
    task('then', 'a'),
  ],
  ['the oldest of two workspaces', task('first', 'a', { accepted_at: '2026-11-20T09:59:59.999Z' }), task('then', 'b')],
])('%s goes first', (_name, first, then) => {
  for (const waiting of [
    [first, then],
    [then, first],
  ])
    expect(started(choose(waiting, [], { ...roomy, tasks: 1 }))).toEqual([first.id]);
});

test.each<[string, string[]]>([
  ['F45 of those of the same millisecond', [since, since, since]],
  ['F44 when the clock was set back an hour', [since, '2026-11-20T09:00:00.000Z', '2026-11-20T09:00:00.001Z']],
  ['F44 when the clock was ten years ahead for a while', ['2036-11-20T10:00:00.000Z', since, since]],
])('%s the first that was accepted goes first', (_name, times) => {
  const ids = ['z', 'y', 'x'];
  let waiting = ids.map((id, index) => task(id, 'a', { accepted_at: times[index] ?? since }));
  const order: string[] = [];
  while (waiting.length > 0) {
    const { start } = choose(waiting, [], roomy);
    order.push(...start.map(({ id }) => id));
    waiting = waiting.filter((record) => !start.includes(record));
  }
  expect(order).toEqual(ids);
});

test('nothing waits for ever while others come: the oldest of its workspace is always next', () => {
  let waiting = Array.from({ length: 6 }, (_, index) =>
    task(`t${index}`, index % 2 === 0 ? 'a' : 'b', { accepted_at: `2026-11-20T10:00:0${index}.000Z` }),
  );
  const order: string[] = [];
  while (waiting.length > 0) {
    const { start } = choose(waiting, [], { ...roomy, tasks: 1 });
    order.push(...start.map(({ id }) => id));
    waiting = waiting.filter((record) => !start.includes(record));
  }
  expect(order).toEqual(['t0', 't1', 't2', 't3', 't4', 't5']);
});

test('a workspace that has just had its turn lets the others go first, however old its tasks are', () => {
  const old = Array.from({ length: 5 }, (_, index) =>
    task(`a${index}`, 'a', { accepted_at: `2026-11-20T09:00:0${index}.000Z` }),
  );
  let waiting = [...old, task('b0', 'b'), task('c0', 'c')];
  const turns = new Map<string, number>();
  const order: string[] = [];
  for (let turn = 1; waiting.length > 0; turn += 1) {
    const [next] = choose(waiting, [], { ...roomy, tasks: 1 }, turns).start;
    if (next === undefined) break;
    turns.set(next.workspace, turn);
    order.push(next.id);
    waiting = waiting.filter(({ id }) => id !== next.id);
  }
  expect(order).toEqual(['a0', 'b0', 'c0', 'a1', 'a2', 'a3', 'a4']);
});

test('a priority goes before whose turn it is', () => {
  const waiting = [task('a0', 'a', { priority: 10 }), task('b0', 'b')];
  expect(started(choose(waiting, [], { ...roomy, tasks: 1 }, new Map([['a', 7]])))).toEqual(['a0']);
});

test('a stage with a limit that holds has no more tasks at work than that', () => {
  const waiting = [task('a0', 'a', { stage: 'staging' }), task('b0', 'b', { stage: 'staging' }), task('c0', 'c')];
  const choice = choose(waiting, [], { ...roomy, perStage: new Map([['staging', 1]]) });
  expect(started(choice)).toEqual(['a0', 'c0']);
  expect(choice.waits.get('b0')).toEqual({
    wait: { kind: 'stage', on: ['staging'] },
    reason: 'waits for stage staging, of which one task may be at work at once',
  });
});

test('the given lists stay as they are', () => {
  const waiting = [task('b1', 'b'), task('a1', 'a')];
  choose(waiting, [], roomy);
  expect(waiting.map(({ id }) => id)).toEqual(['b1', 'a1']);
});
