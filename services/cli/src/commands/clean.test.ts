import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { OperatorHome } from '../testing/operator-home.ts';

let home: OperatorHome;
let log: string;
beforeEach(async () => {
  home = await OperatorHome.make();
  const since = '2026-01-01T10:00:00.000Z';
  const record = await home.addTask('ended', { status: 'cancelled', since, reason: 'x' });
  const folder = join(home.path, 'runs', record.run, 'tasks', record.id, 'attempts/1');
  await mkdir(folder, { recursive: true });
  log = join(folder, 'stdout.log');
  await writeFile(log, 'x'.repeat(2_000_000));
  await writeFile(join(folder, 'handoff.yaml'), 'version: 1\n');
});
afterEach(() => home[Symbol.asyncDispose]());

test('what may go is shown with its size, and nothing is removed or asked for', async () => {
  const { code, stdout } = await home.type(['clean']);
  expect(code).toBe(0);
  expect(stdout).toMatch(/2\.0 MB {2}1 × raw output/);
  expect(stdout).toContain('attempts/1/stdout.log');
  expect(stdout).toContain('Nothing was removed.');
  expect(await home.spooled()).toEqual([]);
  expect((await readFile(log)).length).toBe(2_000_000);
});

test('as JSON, with paths and bytes', async () => {
  const { stdout } = await home.type(['clean', '--json', '--older-than', '10d']);
  expect(JSON.parse(stdout)).toMatchObject({
    older_than_days: 10,
    removable: [{ kind: 'output', task: 'ended', bytes: expect.any(Number) }],
    kept: [],
  });
});

test('with --apply the runner is asked, and this removes nothing itself', async () => {
  const { code } = await home.type(['clean', '--apply', '--older-than', '60', '--no-wait']);
  expect(code).toBe(0);
  expect(await home.spooled()).toMatchObject([{ kind: 'clean', subject: { older_than_days: 60 } }]);
  expect((await readFile(log)).length).toBe(2_000_000);
});

test.each(['-1', 'soon', '1e3', '99999', ''])('--older-than %j is not understood', async (days) => {
  const { code, stderr } = await home.type(['clean', `--older-than=${days}`]);
  expect(code).toBe(2);
  expect(stderr).toMatch(/number of days/);
});
