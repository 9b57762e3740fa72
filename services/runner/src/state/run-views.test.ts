import { readFileSync, writeFileSync } from 'node:fs';
import { Run } from '@countersign/contracts/run.ts';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { makeHome, openContext } from '../testing/home.ts';
import { makeRecord, states } from '../testing/record.ts';
import { RunViews } from './run-views.ts';
import type { EventDetail } from './task-store.ts';

const detail: EventDetail = { event: 'task_accepted', phase: 'queue', agent_role: 'runner', summary: 'x' };

async function begin() {
  const home = makeHome();
  const context = await openContext(home);
  const { layout, runs, tasks } = context;
  const run = await runs.ofTheDay('project', context.now());
  const problems: string[] = [];
  const views = new RunViews(layout, runs, tasks, (problem) => problems.push(problem), 3_600_000);
  tasks.observe((record) => views.follow(record));
  const read = () => Run.parse(parse(readFileSync(layout.runFile(run), 'utf8')));
  return { layout, tasks, views, problems, read, run };
}

test('a new run says that it has no task yet', async () => {
  const { read, run } = await begin();
  expect(read()).toMatchObject({ id: run, status: 'pending', tasks: [], summary: 'no task yet' });
});

test('many changes are written once, and what is written is what the tasks are', async () => {
  const { tasks, views, read, run } = await begin();
  for (const id of ['1e3', 'null', 'abc']) await tasks.create(makeRecord({ id, run, file: `${id}.md` }), detail);
  expect(read().tasks).toEqual([]);
  await views.write();
  expect(read()).toMatchObject({ status: 'pending', counts: { queued: 3 } });
  expect(
    read()
      .tasks.map(({ task_id: task }) => task)
      .sort(),
  ).toEqual(['1e3', 'abc', 'null']);
  await tasks.transition('abc', states.running, detail);
  await views[Symbol.asyncDispose]();
  expect(read()).toMatchObject({ status: 'running', counts: { queued: 2, running: 1 }, agent_role: 'coder' });
});

test('what somebody wrote into a run.yaml does not last', async () => {
  const { layout, tasks, views, read, run } = await begin();
  writeFileSync(layout.runFile(run), `${readFileSync(layout.runFile(run), 'utf8')}status: completed\n`);
  await tasks.create(makeRecord({ run }), detail);
  await views.write();
  expect(read().status).toBe('pending');
});
