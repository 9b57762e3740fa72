import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { Context } from '../context.ts';
import { eventsOf, makeHome, openContext } from '../testing/home.ts';
import { makeRecord, states } from '../testing/record.ts';
import { Dispatch } from './dispatch.ts';

const ready = {
  launcher: { ok: true as const, profiles: new Map() },
  model: { ok: true as const, model: { kind: 'own' as const, name: 'small' }, contextLength: 4_096 },
  disk: { ok: true as const, freeBytes: 1 },
};
const profile = { name: 'default' } as never;

async function begin(missing: Partial<Record<keyof typeof ready, { ok: false; reason: string }>> = {}) {
  const home = makeHome();
  const opened = await openContext(home);
  const dependencies = {
    state: { ...ready, ...missing },
    profileFor: () => Promise.resolve({ ok: true, profile }),
  };
  const context = { ...opened, dependencies } as unknown as Context;
  const run = await opened.runs.ofTheDay('project', opened.now());
  const add = async (id: string, changes: Partial<TaskRecord> = {}) => {
    const record = makeRecord({ id, run, file: `${id}.md`, dropped_as: `${id}.md`, ...changes });
    mkdirSync(home.layout.task(run, id), { recursive: true });
    writeFileSync(join(home.layout.queue('inbox'), record.file), 'x');
    await opened.tasks.create(record, { event: 'task_accepted', phase: 'queue', agent_role: 'runner', summary: 'x' });
    return record;
  };
  const dispatch = new Dispatch(context);
  const choose = async (adopting: string | null = null, active: readonly TaskRecord[] = []) => {
    const waiting = opened.tasks.open().filter(({ id }) => !active.some((one) => one.id === id));
    const { start, blocked } = await dispatch.choose(waiting, active, adopting);
    return { start: start.map(({ record }) => record.id), blocked };
  };
  const waitOf = (id: string) => {
    const state = opened.tasks.get(id)?.state;
    return state !== undefined && 'wait' in state ? [state.wait?.kind, state.wait?.on, state.reason] : null;
  };
  return { context, add, choose, waitOf, events: () => eventsOf(home.layout.runJournal(run)) };
}

test('what nothing holds up begins', async () => {
  const { add, choose } = await begin();
  await add('one');
  expect(await choose()).toEqual({ start: ['one'], blocked: null });
});

test.each([
  ['launcher', 'launcher', 'no answer', 'waits for the launcher: no answer'],
  ['disk', 'disk', 'it is full', 'waits for room on the disk: it is full'],
] as const)('without the %s everything waits for it', async (missing, kind, reason, words) => {
  const { add, choose, waitOf } = await begin({ [missing]: { ok: false, reason } });
  await add('one');
  await add('two', { state: states.verifying });
  expect(await choose()).toEqual({ start: [], blocked: words });
  expect(waitOf('one')).toEqual([kind, [], words]);
  expect(waitOf('two')).toEqual([kind, [], words]);
});

test('without the model only what needs none begins', async () => {
  const { add, choose, waitOf } = await begin({ model: { ok: false, reason: 'no model' } });
  await add('one');
  await add('two', { workspace: 'other', state: states.verifying });
  expect(await choose()).toEqual({ start: ['two'], blocked: 'no model' });
  expect(waitOf('one')).toEqual(['model', ['small'], 'waits for the server of model small: no model']);
});

test('nothing begins before the sandboxes of the runner before us are dealt with', async () => {
  const { add, choose, waitOf } = await begin();
  await add('one');
  expect(await choose('not yet')).toEqual({ start: [], blocked: 'waits for the launcher: not yet' });
  expect(waitOf('one')).toEqual(['launcher', [], 'waits for the launcher: not yet']);
});

test('a paused queue begins nothing, and a task says who paused it', async () => {
  const { context, add, choose, waitOf } = await begin();
  await add('one');
  await context.queue.pause({ command: 'command-000000000009', by: 'op', reason: 'new disk' });
  expect((await choose()).start).toEqual([]);
  expect(waitOf('one')).toEqual(['paused', ['op'], 'waits for the queue, which is paused by op: new disk']);
  await context.queue.resume({ command: 'command-000000000010', by: 'op', reason: '' });
  expect((await choose()).start).toEqual(['one']);
});

/** A breaker that has opened, and whose time has come. */
async function openBreaker({ queue }: Context): Promise<void> {
  for (const id of ['f1', 'f2', 'f3']) {
    const running = makeRecord({ id, state: states.running });
    queue.told(running);
    queue.told({ ...running, state: states.failed });
    await queue.settled();
  }
}

function letBreakerTime(): void {
  vi.useFakeTimers({ now: Date.now() + 600_001, toFake: ['Date'] });
  onTestFinished(() => void vi.useRealTimers());
}

test('of the tasks behind a breaker whose time has come one begins, and the others say whose turn it is', async () => {
  const { context, add, choose, waitOf } = await begin();
  await openBreaker(context);
  await add('one');
  await add('two');
  context.config.agent.MAX_TASKS_PER_WORKSPACE = 4;
  expect((await choose()).start).toEqual([]);
  expect(waitOf('one')?.slice(0, 2)).toEqual(['breaker', ['project', 'agent']]);
  letBreakerTime();
  expect((await choose()).start).toEqual(['one']);
  expect(waitOf('two')?.[2]).toContain('one tries whether it goes again');
});

test('where there is room for one alone, the others wait for the probe and not for that room', async () => {
  const { context, add, choose, waitOf } = await begin();
  await openBreaker(context);
  await add('one');
  await add('two');
  letBreakerTime();
  expect((await choose()).start).toEqual(['one']);
  expect(waitOf('two')?.[2]).toContain('one tries whether it goes again');
});

test('a probe of a turn that comes to nothing, for the disk takes no reason, holds up nobody', async () => {
  const { context, add, choose } = await begin();
  await openBreaker(context);
  await add('one');
  await add('two');
  letBreakerTime();
  vi.spyOn(context.tasks, 'wait').mockRejectedValueOnce(new Error('no space left on device'));
  await expect(choose()).rejects.toThrow('no space');
  expect((await choose()).start).toEqual(['one']);
});

test('a task that waits for another lets those behind it pass', async () => {
  const { add, choose, waitOf } = await begin();
  await add('one', { depends_on: ['zero'], priority: 10 });
  await add('two');
  expect((await choose()).start).toEqual(['two']);
  expect(waitOf('one')?.slice(0, 2)).toEqual(['dependency', ['zero']]);
});

test('thousands hear of a reason bit by bit, so that a turn stays short, and each hears of it once', async () => {
  const { add, choose, waitOf, events } = await begin({ disk: { ok: false, reason: 'no room' } });
  const ids = Array.from({ length: 620 }, (_, index) => `t${String(index).padStart(3, '0')}`);
  await Promise.all(ids.map((id) => add(id)));
  const told = () => ids.filter((id) => waitOf(id)?.[2] === 'waits for room on the disk: no room').length;
  await choose();
  expect(told()).toBe(500);
  await choose();
  await choose();
  expect(told()).toBe(620);
  expect(events().filter(({ event }) => event === 'task_waiting')).toHaveLength(620);
}, 60_000);

test('more tasks of a stage than it advises begin all the same, and the journal says so', async () => {
  const { context, add, choose, events } = await begin();
  Object.assign(context.config.stages.stages['dev'] ?? {}, { max_tasks: 1 });
  await add('one');
  await add('two', { workspace: 'other' });
  expect((await choose()).start).toEqual(['one', 'two']);
  expect(events().filter(({ event }) => event === 'governance_advice')).toMatchObject([
    { summary: '2 tasks of stage dev are at work now, and it advises 1', data: { advised: 1, seen: 2 } },
  ]);
});

test('where the limit of a stage holds, more of its tasks wait', async () => {
  const { context, add, choose, waitOf } = await begin();
  Object.assign(context.config.stages.stages['dev'] ?? {}, { max_tasks: 1, governance: 'hard' });
  await add('one');
  await add('two', { workspace: 'other' });
  expect((await choose()).start).toEqual(['one']);
  expect(waitOf('two')?.slice(0, 2)).toEqual(['stage', ['dev']]);
});
