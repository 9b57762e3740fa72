import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ApprovalViewError, readApprovalView } from './approval-view.ts';
import { makeWaitingTask, writeWaitingTask } from './testing/waiting-task.ts';

let volumes: string;
beforeEach(async () => {
  volumes = await mkdtemp(join(tmpdir(), 'countersign-approval-'));
});
afterEach(() => rm(volumes, { recursive: true }));

const plan = '1. Do it ü🙂\r\n';

async function failure(action: Promise<unknown>): Promise<ApprovalViewError> {
  const error = await action.catch((reason: unknown) => reason);
  if (!(error instanceof ApprovalViewError)) throw new Error(`no ApprovalViewError: ${String(error)}`);
  return error;
}

test('what an approval would bind is read to the byte', async () => {
  const task = makeWaitingTask(plan);
  await writeWaitingTask(volumes, task);
  expect(await readApprovalView(volumes, task.record)).toEqual(task.view);
});

test.each(['bundle.json', 'attempts/1/plan.md'])('A07 any other byte in %s is noticed', async (name) => {
  const task = makeWaitingTask(plan);
  const path = join(await writeWaitingTask(volumes, task), name);
  const bytes = await readFile(path);
  for (let at = 0; at < bytes.length; at += Math.max(1, Math.floor(bytes.length / 40))) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ 1;
    await writeFile(path, changed);
    const error = await failure(readApprovalView(volumes, task.record));
    expect(error.code, `byte ${at}`).toBe('changed');
    expect(error.message).toContain(`runs/RUN-20261120-001/tasks/gated/${name}`);
  }
  await writeFile(path, bytes.subarray(0, -1));
  expect((await failure(readApprovalView(volumes, task.record))).code).toBe('changed');
});

test.each(['bundle.json', 'attempts/1/plan.md'])('%s that is gone cannot be read', async (name) => {
  const task = makeWaitingTask(plan);
  await rm(join(await writeWaitingTask(volumes, task), name));
  expect(await failure(readApprovalView(volumes, task.record))).toMatchObject({
    code: 'unreadable',
    message: expect.stringContaining('cannot be read'),
  });
});

test('another task’s bundle is none, though its digest be right', async () => {
  const { view } = makeWaitingTask(plan, { id: 'other' });
  const { record } = makeWaitingTask(plan);
  const mixed = { ...record, state: { ...record.state, digest: view.digest } };
  await writeWaitingTask(volumes, { record: mixed, view });
  expect((await failure(readApprovalView(volumes, mixed))).code).toBe('changed');
});

test('more than a plan can be is not read', async () => {
  const task = makeWaitingTask('x'.repeat(65_537));
  await writeWaitingTask(volumes, task);
  expect((await failure(readApprovalView(volumes, task.record))).message).toContain('65537 bytes, more than the 65536');
});
