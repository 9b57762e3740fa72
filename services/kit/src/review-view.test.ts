import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DiffViewError } from './diff-view.ts';
import { readHandoff, readReviewView } from './review-view.ts';
import { makeReviewTask, writeReviewTask } from './testing/review-task.ts';

let volumes: string;
beforeEach(async () => {
  volumes = await mkdtemp(join(tmpdir(), 'countersign-review-'));
});
afterEach(() => rm(volumes, { recursive: true }));

test('what a merge would bring is read with what the agent said of it', async () => {
  const task = makeReviewTask({ patches: { web: 'a', api: 'b' }, agent: { what: 'ü🙂' } });
  await writeReviewTask(volumes, task);
  expect(await readReviewView(volumes, task.record, task.result)).toEqual({ index: task.index, handoff: task.handoff });
});

test('W27 what is there is not shown under another digest', async () => {
  const task = makeReviewTask();
  await writeReviewTask(volumes, task);
  const other = { ...task.result, digest: '0'.repeat(64) };
  await expect(readReviewView(volumes, task.record, other)).rejects.toThrow(DiffViewError);
});

test.each([
  ['none', null],
  ['no YAML', '{'],
  ['nothing of ours', 'what: done\n'],
  ['one of another task', { task: 'other' }],
  ['more than any can be', 'x'.repeat(1024 * 1024 + 1)],
])('a handoff that is %s hinders nothing, and is none', async (_, text) => {
  const task = makeReviewTask({ agent: { what: 'done' } });
  const path = join(await writeReviewTask(volumes, task), 'attempts/1/handoff.yaml');
  if (text === null) await rm(path);
  else await writeFile(path, typeof text === 'string' ? text : JSON.stringify({ ...task.handoff, ...text }));
  expect(await readReviewView(volumes, task.record, task.result)).toEqual({ index: task.index, handoff: null });
});

test('a handoff is read as it lies there; one that is not there is null', async () => {
  const task = makeReviewTask({ agent: null });
  const path = join(await writeReviewTask(volumes, task), 'attempts/1/handoff.yaml');
  await writeFile(path, 'a: 1\n');
  expect(await readHandoff(volumes, task.record, 1)).toMatchObject({ text: 'a: 1\n', parsed: null });
  expect(await readHandoff(volumes, task.record, 2)).toBeNull();
});
