import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Run } from '@countersign/contracts/run.ts';
import { TaskRecord } from '@countersign/contracts/task-record.ts';
import { Journal } from '@countersign/kit/journal.ts';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { scratchFolder } from '../testing/scratch.ts';
import { Layout } from './layout.ts';
import { RunStore } from './run-store.ts';
import { RunViews } from './run-views.ts';
import { TaskStore } from './task-store.ts';

/** As version 1 left it: one task each that waits, is asked about, is reviewed, is done and has failed. */
const fixture = join(import.meta.dirname, '../../../../test/fixtures/home-version-1');
const run = 'RUN-20261120-001';

function olderHome(): Layout {
  const home = scratchFolder();
  cpSync(fixture, home, { recursive: true });
  return new Layout(home);
}

test('a home of version 1 is taken over: every task where it was, every record and run.yaml of this version', async () => {
  const layout = olderHome();
  await using runs = await RunStore.open(layout);
  const { store, findings, swept } = await TaskStore.recover(layout, runs);
  expect(findings).toEqual([]);
  expect(swept).toEqual({ removed: [], unknown: [] });
  expect([...store.all()].map(({ id, state }) => [id, state.status])).toEqual([
    ['waits', 'queued'],
    ['asked', 'pending'],
    ['seen', 'review'],
    ['ended', 'done'],
    ['lost', 'failed'],
  ]);
  const views = new RunViews(layout, runs, store, () => undefined);
  store.observe((record) => views.follow(record));
  await views[Symbol.asyncDispose]();
  const described = Run.parse(parse(readFileSync(layout.runFile(run), 'utf8')));
  expect(described).toMatchObject({ status: 'running', workspace: 'project', created_at: '2026-11-20T10:00:00.000Z' });
  for (const { id } of store.all()) {
    const written = JSON.parse(readFileSync(join(layout.task(run, id), 'task.json'), 'utf8'));
    expect(written).toMatchObject({ version: 2, depends_on: [], cancellation: null });
    expect(written).toEqual(store.get(id));
  }
});

test('it goes on with them', async () => {
  const layout = olderHome();
  {
    await using runs = await RunStore.open(layout);
    const { store } = await TaskStore.recover(layout, runs);
    await store.transition(
      'waits',
      { status: 'cancelled', since: '2026-11-21T10:00:00.000Z', reason: 'no longer wanted' },
      { event: 'task_ended', phase: 'queue', agent_role: 'operator', summary: 'cancelled' },
    );
  }
  await using runs = await RunStore.open(layout);
  const { store, findings } = await TaskStore.recover(layout, runs);
  expect(findings).toEqual([]);
  expect(store.get('waits')?.state.status).toBe('cancelled');
});

test('a record that a newer version wrote stops the runner, which says so', async () => {
  const layout = olderHome();
  const record = { ...JSON.parse(readFileSync(join(layout.task(run, 'ended'), 'task.json'), 'utf8')), version: 3 };
  const journal = await Journal.open(layout.runJournal(run));
  await journal.append({ phase: 'run', agent_role: 'runner', event: 'task_ended', summary: 'x', data: { record } });
  await journal.close();
  await using runs = await RunStore.open(layout);
  await expect(TaskStore.recover(layout, runs)).rejects.toThrow(
    /telemetry\.jsonl:\d+: .*version 3 was written by a newer Countersign/s,
  );
});

test('a run.yaml that a newer version wrote stops the runner, which says so', async () => {
  const layout = olderHome();
  const text = readFileSync(layout.runFile(run), 'utf8');
  writeFileSync(layout.runFile(run), text.replace('version: 1', 'version: 3'));
  await expect(RunStore.open(layout)).rejects.toThrow(
    `runs/${run}/run.yaml: version 3 was written by a newer Countersign than this one, which knows 2`,
  );
});

test('the fixture is of version 1', () => {
  const written = JSON.parse(readFileSync(join(fixture, 'runs', run, 'tasks/seen/task.json'), 'utf8'));
  expect(written.version).toBe(1);
  expect(TaskRecord.parse(written)).toMatchObject({ version: 2, id: 'seen', state: { status: 'review' } });
});
