import { lstatSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { filesIn, makeHome } from '../testing/home.ts';
import { makeRecord, states } from '../testing/record.ts';
import { keepCopy } from './keep-copy.ts';

function begin() {
  const { layout } = makeHome();
  const record = makeRecord({ state: states.cancelled });
  mkdirSync(layout.task(record.run, record.id), { recursive: true });
  writeFileSync(join(layout.task(record.run, record.id), 'task.md'), 'saved');
  return { layout, record, path: layout.fileOf(record) };
}

test('the saved copy goes where a removed file would have gone', async () => {
  const { layout, record, path } = begin();
  await keepCopy(layout, record);
  expect(readFileSync(path, 'utf8')).toBe('saved');
});

test('a file that is there stays as it is', async () => {
  const { layout, record, path } = begin();
  writeFileSync(path, 'the operator’s');
  await keepCopy(layout, record);
  expect(readFileSync(path, 'utf8')).toBe('the operator’s');
});

test.each<[string, (path: string) => void]>([
  ['a folder', (path) => mkdirSync(path)],
  ['a link', (path) => symlinkSync('/etc/passwd', path)],
])('beside %s in its place the copy gets the task’s id', async (_name, make) => {
  const { layout, record, path } = begin();
  make(path);
  await keepCopy(layout, record);
  expect(filesIn(layout, 'outbox/cancelled')).toEqual(['x.abcde.md', 'x.md']);
  expect(lstatSync(path).isFile()).toBe(false);
});
