import { lstatSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { filesIn, makeHome, openContext } from '../testing/home.ts';
import { makeRecord, states } from '../testing/record.ts';
import { cancelTask } from './cancel-task.ts';

async function begin() {
  const home = makeHome();
  const context = await openContext(home);
  const run = await context.runs.ofTheDay('project', context.now());
  const record = makeRecord({ run, state: states.queued });
  mkdirSync(context.layout.task(run, record.id), { recursive: true });
  writeFileSync(join(context.layout.task(run, record.id), 'task.md'), 'saved');
  await context.tasks.create(record, { event: 'task_accepted', phase: 'queue', agent_role: 'runner', summary: 'x' });
  return { context, record, path: context.layout.fileOf(record) };
}

test('the saved copy lies with the cancelled ones, and nothing where the file was', async () => {
  const { context, record } = await begin();
  await cancelTask(context, record);
  expect(filesIn(context.layout, 'outbox/cancelled')).toEqual(['x.md']);
  expect(filesIn(context.layout, 'inbox')).toEqual([]);
  expect(readFileSync(join(context.layout.queue('outbox/cancelled'), 'x.md'), 'utf8')).toBe('saved');
  expect(context.tasks.get(record.id)?.state.status).toBe('cancelled');
});

test.each<[string, (path: string) => void]>([
  ['a folder', (path) => mkdirSync(path)],
  ['a link', (path) => symlinkSync('/etc/passwd', path)],
])('%s in its place is moved, and the copy gets the task’s id', async (_name, make) => {
  const { context, record, path } = await begin();
  rmSync(path, { force: true });
  make(path);
  await cancelTask(context, record);
  expect(filesIn(context.layout, 'outbox/cancelled')).toEqual(['x.abcde.md', 'x.md']);
  expect(lstatSync(join(context.layout.queue('outbox/cancelled'), 'x.md')).isFile()).toBe(false);
  expect(readFileSync(join(context.layout.queue('outbox/cancelled'), 'x.abcde.md'), 'utf8')).toBe('saved');
});
