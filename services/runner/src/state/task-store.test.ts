import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NewState, TaskState } from '@countersign/contracts/task-record.ts';
import { folderOf, type TaskStatus, transitions } from '@countersign/contracts/task-state.ts';
import type { WaitKind } from '@countersign/contracts/wait.ts';
import { expect, test } from 'vitest';
import { eventsOf, filesIn, makeHome, openContext } from '../testing/home.ts';
import { makeRecord, states } from '../testing/record.ts';
import { RunStore } from './run-store.ts';
import { type EventDetail, TaskStore } from './task-store.ts';

const detail: EventDetail = { event: 'task_waiting', phase: 'queue', agent_role: 'runner', summary: 'because' };
const text = 'workspace: project\n\nsay hello\n';

/** A task that stands in a state, with its file where that state has it. */
const turn = { kind: 'turn' as const, on: [], since: '2026-11-20T10:00:00.000Z' };

async function begin(state: TaskState = states.queued, changes: Parameters<typeof makeRecord>[0] = {}) {
  const home = makeHome();
  const context = await openContext(home);
  const { layout } = home;
  const run = await context.runs.ofTheDay('project', context.now());
  const record = makeRecord({ run, state, ...changes });
  const add = async (more: typeof record) => {
    mkdirSync(layout.task(run, more.id), { recursive: true });
    writeFileSync(join(layout.task(run, more.id), 'task.md'), text);
    writeFileSync(layout.fileOf(more), text);
    await context.tasks.create(more, detail);
  };
  await add(record);
  const taskJson = join(layout.task(run, record.id), 'task.json');
  return { ...home, context, tasks: context.tasks, run, record, add, taskJson };
}

/** What the next runner makes of the disk. */
async function recover({ layout, context }: Awaited<ReturnType<typeof begin>>) {
  await context.close();
  await using runs = await RunStore.open(layout);
  return await TaskStore.recover(layout, runs);
}

const stateOf = (path: string) => JSON.parse(readFileSync(path, 'utf8')).state.status;
const pairs = Object.entries(transitions).flatMap(([from, following]) =>
  following.map((to) => [from as TaskStatus, to] as const),
);

test.each(pairs)('%s to %s: event, file and record say the same', async (from, to) => {
  const ground = await begin(states[from]);
  const { layout, tasks, record, run, taskJson } = ground;
  const after = await tasks.transition(record.id, states[to], detail);
  expect(tasks.get(record.id)).toEqual(after);
  expect(filesIn(layout, folderOf[to])).toContain('x.md');
  if (folderOf[from] !== folderOf[to]) expect(filesIn(layout, folderOf[from])).not.toContain('x.md');
  expect(stateOf(taskJson)).toBe(to);
  expect(eventsOf(layout.runJournal(run)).at(-1)).toMatchObject({
    status: to,
    task_id: record.id,
    data: { record: after },
  });
  const { mended, store } = await recover(ground);
  expect(mended).toEqual([]);
  expect(store.get(record.id)).toEqual(after);
});

test('as long as the file of a task lies in the inbox, it is taken for no other one', async () => {
  const { layout, tasks, record } = await begin();
  const moved = tasks.transition(record.id, states.running, detail);
  let looks = 0;
  while (existsSync(layout.fileOf(record))) {
    expect(tasks.isQueued(record.file)).toBe(true);
    looks += 1;
    await new Promise(setImmediate);
  }
  await moved;
  expect(looks).toBeGreaterThan(1);
  expect(tasks.isQueued(record.file)).toBe(false);
});

test('F22 the file of a task that has ended follows as soon as the disk allows', async () => {
  const { layout, tasks, record } = await begin(states.pending);
  const target = layout.queue('outbox/rejected');
  renameSync(target, `${target}.away`);
  writeFileSync(target, 'in the way');
  await expect(tasks.transition(record.id, states.rejected, detail)).rejects.toThrow();
  expect(tasks.get(record.id)?.state.status).toBe('rejected');
  expect(tasks.unfinished()).toEqual([record.id]);
  rmSync(target);
  renameSync(`${target}.away`, target);
  await tasks.catchUp(record.id);
  expect(tasks.unfinished()).toEqual([]);
  expect(filesIn(layout, 'outbox/rejected')).toEqual(['x.md']);
});

test.each(pairs.flatMap(([from, to]) => ['rename', 'task.json'].map((missing) => [from, to, missing] as const)))(
  '%s to %s: a death before the %s is made good',
  async (from, to, missing) => {
    const ground = await begin(states[from]);
    const { layout, tasks, record, taskJson } = ground;
    const before = readFileSync(taskJson);
    const after = await tasks.transition(record.id, states[to], detail);
    writeFileSync(taskJson, before);
    if (missing === 'rename' && layout.fileOf(record) !== layout.fileOf(after))
      renameSync(layout.fileOf(after), layout.fileOf(record));

    const { mended, store } = await recover(ground);
    expect(mended).toEqual([record.id]);
    expect(store.get(record.id)).toEqual(after);
    expect(filesIn(layout, folderOf[to])).toContain('x.md');
    if (folderOf[from] !== folderOf[to]) expect(filesIn(layout, folderOf[from])).not.toContain('x.md');
    expect(stateOf(taskJson)).toBe(to);

    const again = await recover(ground);
    expect(again.mended).toEqual([]);
    expect([...again.store.all()]).toEqual([...store.all()]);
  },
);

test('a death before the event leaves everything as it was', async () => {
  const ground = await begin();
  const { store, mended } = await recover(ground);
  expect(mended).toEqual([]);
  expect(store.get(ground.record.id)).toEqual(ground.record);
  expect(filesIn(ground.layout, 'inbox')).toEqual(['x.md']);
});

test('a death after the event of a new task, before its task.json, is made good', async () => {
  const ground = await begin();
  rmSync(ground.taskJson);
  const { store, mended } = await recover(ground);
  expect(mended).toEqual([ground.record.id]);
  expect(store.get(ground.record.id)).toEqual(ground.record);
  expect(stateOf(ground.taskJson)).toBe('queued');
  expect(filesIn(ground.layout, 'inbox')).toEqual(['x.md']);
});

test.each(['', '{', 'null', '{"version":2}'])('a task.json that holds %j is written anew', async (content) => {
  const ground = await begin(states.pending);
  writeFileSync(ground.taskJson, content);
  expect((await recover(ground)).store.get(ground.record.id)).toEqual(ground.record);
  expect(stateOf(ground.taskJson)).toBe('pending');
});

test('a half-written event counts as never written', async () => {
  const ground = await begin();
  const path = ground.layout.runJournal(ground.run);
  writeFileSync(path, `${readFileSync(path, 'utf8')}{"ts":"2026`);
  expect((await recover(ground)).store.get(ground.record.id)?.state.status).toBe('queued');
});

test('folders that nobody accepted, and what a file manager leaves, are no obstacle', async () => {
  const ground = await begin();
  mkdirSync(join(ground.layout.tasks(ground.run), 'orphan'));
  writeFileSync(join(ground.layout.tasks(ground.run), '.DS_Store'), 'x');
  writeFileSync(join(ground.layout.runs, '.DS_Store'), 'x');
  mkdirSync(join(ground.layout.runs, 'RUN-20261120-077'));
  expect([...(await recover(ground)).store.all()]).toEqual([ground.record]);
});

test('a record in the journal that cannot be read stops the runner instead of losing the task', async () => {
  const ground = await begin();
  const journal = await ground.context.runs.journal(ground.run);
  await journal.append({ ...detail, data: { record: { id: 'other', version: 2 } } });
  await expect(recover(ground)).rejects.toThrow();
});

test('of a file that was removed at the very end, the saved copy is kept', async () => {
  const { tasks, record, layout } = await begin();
  rmSync(layout.fileOf(record));
  expect((await tasks.transition(record.id, states.cancelled, detail)).state.status).toBe('cancelled');
  expect(filesIn(layout, 'outbox/cancelled')).toEqual(['x.md']);
});

test('a name that is taken where a file goes gets the task’s id, and nothing is overwritten', async () => {
  const { tasks, record, layout } = await begin();
  writeFileSync(join(layout.queue('outbox/failed'), 'x.md'), 'of somebody else');
  const failed = await tasks.transition(record.id, states.failed, detail);
  expect(failed).toMatchObject({ file: 'x.abcde.md', dropped_as: 'x.md' });
  expect(readFileSync(join(layout.queue('outbox/failed'), 'x.md'), 'utf8')).toBe('of somebody else');
  expect(readFileSync(join(layout.queue('outbox/failed'), 'x.abcde.md'), 'utf8')).toBe(text);
});

test('a name gets back to what it was where it is free again', async () => {
  const { tasks, record, layout } = await begin();
  writeFileSync(join(layout.queue('inbox/pending'), 'x.md'), 'of somebody else');
  expect((await tasks.transition(record.id, states.planning, detail)).file).toBe('x.abcde.md');
  expect((await tasks.transition(record.id, states.pending, detail)).file).toBe('x.abcde.md');
  expect((await tasks.transition(record.id, states.rejected, detail)).file).toBe('x.md');
  expect(filesIn(layout, 'outbox/rejected')).toEqual(['x.md']);
});

test('two tasks of one file name both end, side by side', async () => {
  const { tasks, record, add, layout } = await begin(states.running);
  await add({ ...record, id: 'fghij', state: states.queued });
  await tasks.transition(record.id, states.done, detail);
  await tasks.transition('fghij', states.running, detail);
  await tasks.transition('fghij', states.done, detail);
  expect(filesIn(layout, 'outbox/done')).toEqual(['x.fghij.md', 'x.md']);
});

test('a transition that the table does not have is our own error and changes nothing', async () => {
  const { tasks, record, layout, run } = await begin(states.done);
  const before = readFileSync(layout.runJournal(run));
  await expect(tasks.transition(record.id, states.running, detail)).rejects.toThrow('done may not become running');
  expect(readFileSync(layout.runJournal(run))).toEqual(before);
  expect(tasks.get(record.id)).toEqual(record);
});

test('of two changes at the same time the second sees the first', async () => {
  const { tasks, record } = await begin(states.approved);
  const outcomes = await Promise.allSettled([
    tasks.transition(record.id, states.running, detail),
    tasks.transition(record.id, states.rejected, detail),
    tasks.wait(record.id, turn, 'waits for its turn'),
    tasks.update(record.id, { title: 'another' }, detail),
  ]);
  expect(outcomes.map((outcome) => outcome.status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'fulfilled']);
  expect(tasks.get(record.id)).toMatchObject({ title: 'another', state: states.running });
});

test('facts change without a move', async () => {
  const ground = await begin();
  const { tasks, record, taskJson, layout } = ground;
  const updated = await tasks.update(record.id, { title: 'another', priority: 5 }, detail);
  expect(updated).toMatchObject({ title: 'another', priority: 5, state: record.state });
  expect(JSON.parse(readFileSync(taskJson, 'utf8'))).toEqual(updated);
  expect(existsSync(layout.fileOf(updated))).toBe(true);
  expect((await recover(ground)).store.get(record.id)).toEqual(updated);
});

test('a reason to wait is written once, and again when it is another one', async () => {
  const ground = await begin();
  const { tasks, record, layout, run } = ground;
  for (const reason of ['the model is down', 'the model is down', 'waits for a slot'])
    await tasks.wait(record.id, turn, reason);
  expect(
    eventsOf(layout.runJournal(run))
      .map((event) => event.summary)
      .slice(2),
  ).toEqual(['the model is down', 'waits for a slot']);
  expect((await recover(ground)).store.get(record.id)?.state.reason).toBe('waits for a slot');
});

test('what it waits for is kept with when that began, and comes back', async () => {
  const ground = await begin();
  const { tasks, record } = ground;
  const at = (minute: number) => `2026-11-20T10:0${minute}:00.000Z`;
  const waits = async (kind: WaitKind, minute: number, reason: string) => {
    await tasks.wait(record.id, { kind, on: ['a'], since: at(minute) }, reason);
    const { state } = tasks.get(record.id) ?? record;
    return 'wait' in state ? state.wait : null;
  };
  expect(await waits('model', 1, 'it is down')).toEqual({ kind: 'model', on: ['a'], since: at(1) });
  expect(await waits('model', 2, 'it does not answer')).toEqual({ kind: 'model', on: ['a'], since: at(1) });
  expect(await waits('slot', 3, 'no room')).toEqual({ kind: 'slot', on: ['a'], since: at(3) });
  await tasks.wait(record.id, null, 'its preconditions are checked');
  expect((await recover(ground)).store.get(record.id)?.state).toMatchObject({ wait: null });
});

test.each<[NewState, WaitKind | undefined]>([
  [states.running, undefined],
  [{ status: 'planning', since: '2026-11-20T10:00:00.000Z', reason: 'x', attempt: 1, slot: null }, undefined],
])('a task that something is at work on waits for nothing: %o', async (state, kind) => {
  const { tasks, record } = await begin(state.status === 'running' ? states.approved : states.queued);
  const moved = await tasks.transition(record.id, state, detail);
  expect('wait' in moved.state ? moved.state.wait?.kind : undefined).toBe(kind);
});

test('a task that comes to its gate waits for an approval', async () => {
  const { tasks, record } = await begin(states.planning);
  const { wait: _wait, ...pending } = states.pending;
  expect((await tasks.transition(record.id, pending, detail)).state).toMatchObject({
    wait: { kind: 'approval', since: pending.since, on: [] },
  });
});

test('a reason of any length is cut, not refused', async () => {
  const ground = await begin();
  await ground.tasks.wait(ground.record.id, turn, 'x'.repeat(10_000));
  expect((await recover(ground)).store.get(ground.record.id)?.state.reason).toHaveLength(2_000);
});

test('a note changes nothing of the task', async () => {
  const ground = await begin();
  await ground.tasks.note(ground.record.id, { ...detail, event: 'result_imported' });
  expect(eventsOf(ground.layout.runJournal(ground.run)).at(-1)?.event).toBe('result_imported');
  expect((await recover(ground)).store.get(ground.record.id)).toEqual(ground.record);
});

test('only tasks that have not ended are open', async () => {
  const { tasks, record, add } = await begin();
  await add({ ...record, id: 'ended', file: 'y.md', dropped_as: 'y.md', state: states.done });
  expect(tasks.open().map(({ id }) => id)).toEqual([record.id]);
  expect(tasks.has('ended')).toBe(true);
});

test('no temporary file is left anywhere', async () => {
  const { tasks, record, layout, run } = await begin();
  await tasks.transition(record.id, states.running, detail);
  expect(readdirSync(layout.task(run, record.id)).sort()).toEqual(['task.json', 'task.md']);
});
