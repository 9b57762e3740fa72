import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Run } from '@countersign/contracts/run.ts';
import type { TaskState } from '@countersign/contracts/task-record.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { OperatorHome } from '../testing/operator-home.ts';

const since = '2026-11-20T10:00:00.000Z';
const done: TaskState = {
  status: 'done',
  since,
  reason: 'nothing to merge',
  result: null,
  merged: null,
  verification: { status: 'unverified' },
};
const queued: TaskState = { status: 'queued', wait: null, since, reason: 'waits for its turn' };

let home: OperatorHome;
beforeEach(async () => {
  home = await OperatorHome.make();
});
afterEach(() => home[Symbol.asyncDispose]());

async function addRun(id: string, text = `version: 1\nid: ${id}\nworkspace: demo\ncreated_at: ${since}\n`) {
  await mkdir(join(home.path, 'runs', id), { recursive: true });
  await writeFile(join(home.path, 'runs', id, 'run.yaml'), text);
}

test('an empty home has no runs', async () => {
  expect(await home.type(['runs'])).toMatchObject({ code: 0, stdout: 'no runs yet\n' });
});

test('lists runs by their tasks as they are now, the newest first', async () => {
  await addRun('RUN-20261120-001');
  await addRun('RUN-20261120-1000');
  await addRun('RUN-20261120-999');
  await addRun('RUN-20261121-001');
  await home.addTask('one', done);
  await home.addTask('two', queued);
  const { code, stdout } = await home.type(['runs']);
  expect(code).toBe(0);
  const lines = stdout.trimEnd().split('\n');
  expect(lines.map((line) => line.split(/ +/).slice(0, 2))).toEqual([
    ['RUN', 'STATE'],
    ['RUN-20261121-001', 'pending'],
    ['RUN-20261120-1000', 'pending'],
    ['RUN-20261120-999', 'pending'],
    ['RUN-20261120-001', 'running'],
  ]);
  expect(lines[4]).toMatch(/demo +queue +runner +2026-11-20T10:00:00Z +1 done, 1 queued$/);
  const runs = Run.array().parse(JSON.parse((await home.type(['runs', '--json'])).stdout));
  expect(runs.at(-1)).toMatchObject({ id: 'RUN-20261120-001', status: 'running', counts: { done: 1, queued: 1 } });
});

test('a run.yaml that a newer version wrote is named, and hides no other', async () => {
  await addRun('RUN-20261120-001');
  await addRun('RUN-20261120-002', 'version: 3\nid: RUN-20261120-002\n');
  await addRun('RUN-20261120-003', 'version: [\n');
  await mkdir(join(home.path, 'runs', 'RUN-20261120-004'));
  const { code, stdout, stderr } = await home.type(['runs', '--json']);
  expect(code).toBe(0);
  expect(JSON.parse(stdout).map(({ id }: Run) => id)).toEqual(['RUN-20261120-001']);
  expect(stderr).toContain('runs/RUN-20261120-002/run.yaml cannot be read: version: version 3 was written by a newer');
  expect(stderr).toContain('runs/RUN-20261120-003/run.yaml cannot be read');
});

test('show tells of one run what its tasks come to, and each of them', async () => {
  await addRun('RUN-20261120-001');
  await home.addTask('one', done);
  await home.addTask('two', queued, { file: 'second.md' });
  const { code, stdout } = await home.type(['show', 'RUN-20261120-001']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/^state +running$/m);
  expect(stdout).toMatch(/^two +queued +1 +second\.md +waits for its turn$/m);
  const shown = JSON.parse((await home.type(['show', 'RUN-20261120-001', '--json'])).stdout);
  expect(Run.parse(shown).tasks).toHaveLength(2);
});

test.each(['RUN-20261120-009', 'RUN-20261120-002'])(
  'show of %s, which is not there or cannot be read, is refused',
  async (id) => {
    await addRun('RUN-20261120-002', 'version: 3\n');
    const { code, stderr } = await home.type(['show', id]);
    expect(code).toBe(1);
    expect(stderr).toMatch(
      /there is no run RUN-20261120-009|RUN-20261120-002\/run\.yaml cannot be read: version: version 3/,
    );
  },
);
