import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { eventsOf, makeHome } from '../testing/home.ts';
import type { Layout } from './layout.ts';
import { RunStore } from './run-store.ts';

const morning = new Date('2026-11-20T00:00:00.000Z');
const night = new Date('2026-11-20T23:59:59.999Z');
const tomorrow = new Date('2026-11-21T00:00:00.000Z');

async function open(layout: Layout): Promise<RunStore> {
  const store = await RunStore.open(layout);
  onTestFinished(() => store[Symbol.asyncDispose]());
  return store;
}

test('a workspace has one run a day, by UTC', async () => {
  const { layout } = makeHome();
  const store = await open(layout);
  expect(await store.ofTheDay('project', morning)).toBe('RUN-20261120-001');
  expect(await store.ofTheDay('project', night)).toBe('RUN-20261120-001');
  expect(await store.ofTheDay('project', tomorrow)).toBe('RUN-20261121-001');
  expect(eventsOf(layout.runJournal('RUN-20261120-001'))).toMatchObject([{ event: 'run_created' }]);
});

test('each workspace has its own', async () => {
  const store = await open(makeHome().layout);
  expect(await store.ofTheDay('one', morning)).toBe('RUN-20261120-001');
  expect(await store.ofTheDay('two', morning)).toBe('RUN-20261120-002');
  expect(await store.ofTheDay('one', night)).toBe('RUN-20261120-001');
  expect(store.ids()).toEqual(['RUN-20261120-001', 'RUN-20261120-002']);
  expect(store.get('RUN-20261120-002')?.workspace).toBe('two');
});

test('a restarted runner goes on with the run of the day', async () => {
  const { layout } = makeHome();
  const id = await (await open(layout)).ofTheDay('project', morning);
  const again = await open(layout);
  expect(await again.ofTheDay('project', night)).toBe(id);
  expect(again.get(id)).toEqual({ version: 2, id, workspace: 'project', created_at: '2026-11-20T00:00:00.000Z' });
});

test.each([
  ['RUN-20261120-007', 'RUN-20261120-008'],
  ['RUN-20261120-999', 'RUN-20261120-1000'],
  ['RUN-20261120-1000', 'RUN-20261120-1001'],
  ['RUN-20261119-050', 'RUN-20261120-001'],
  ['RUN-20261120-backup', 'RUN-20261120-001'],
])('after a folder %s comes %s', async (present, next) => {
  const { layout } = makeHome();
  mkdirSync(join(layout.runs, present));
  const store = await open(layout);
  expect(await store.ofTheDay('project', morning)).toBe(next);
  expect(readFileSync(join(layout.run(next), 'run.yaml'), 'utf8')).toContain('workspace: project');
});

test('what is no run among the runs is passed over', async () => {
  const { layout } = makeHome();
  writeFileSync(join(layout.runs, 'heads.jsonl'), '');
  writeFileSync(join(layout.runs, '.DS_Store'), '');
  mkdirSync(join(layout.runs, 'notes'));
  expect((await open(layout)).ids()).toEqual([]);
});

test('a run whose description is not one stops the runner', async () => {
  const { layout } = makeHome();
  mkdirSync(layout.run('RUN-20261120-001'));
  writeFileSync(join(layout.run('RUN-20261120-001'), 'run.yaml'), 'version: 2\n');
  await expect(RunStore.open(layout)).rejects.toThrow();
});

test('F47 at midnight (UTC) the next run begins, and what was accepted before stays in its own', async () => {
  const { layout } = makeHome();
  const first = await (await open(layout)).ofTheDay('project', night);
  const store = await open(layout);
  expect(await store.ofTheDay('project', tomorrow)).toBe('RUN-20261121-001');
  expect(await store.ofTheDay('project', new Date('2026-11-21T23:59:59.999Z'))).toBe('RUN-20261121-001');
  expect(store.get(first)?.created_at).toBe(night.toISOString());
});

test.each([
  ['F44 back an hour, over midnight', new Date('2026-11-19T23:00:00.000Z'), 'RUN-20261119-001'],
  ['F44 on an hour', new Date('2026-11-20T01:00:00.000Z'), 'RUN-20261120-001'],
  ['F44 on ten years', new Date('2036-11-20T00:00:00.000Z'), 'RUN-20361120-001'],
])('a clock that is set %s makes no run a second time', async (_name, then, expected) => {
  const { layout } = makeHome();
  const store = await open(layout);
  const before = await store.ofTheDay('project', morning);
  expect(await store.ofTheDay('project', then)).toBe(expected);
  expect(await store.ofTheDay('project', morning)).toBe(before);
  expect(await (await open(layout)).ofTheDay('project', morning)).toBe(before);
  expect(store.ids()).toHaveLength(expected === before ? 1 : 2);
});

test('many who ask at once for the run of the day get the same one', async () => {
  const store = await open(makeHome().layout);
  const asked = await Promise.all(Array.from({ length: 20 }, () => store.ofTheDay('project', morning)));
  expect(new Set(asked).size).toBe(1);
  expect(store.ids()).toHaveLength(1);
});

test('F47 past 999 runs a day the workspace’s own is found again', async () => {
  const { layout } = makeHome();
  mkdirSync(join(layout.runs, 'RUN-20261120-999'));
  const id = await (await open(layout)).ofTheDay('project', morning);
  expect(id).toBe('RUN-20261120-1000');
  const again = await open(layout);
  expect(await again.ofTheDay('project', night)).toBe(id);
  expect(await again.ofTheDay('other', night)).toBe('RUN-20261120-1001');
});
