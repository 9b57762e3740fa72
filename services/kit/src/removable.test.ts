import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { findRemovable, isRemovablePath } from './removable.ts';
import { makeRecord } from './testing/waiting-task.ts';

const now = new Date('2026-11-20T10:00:00.000Z');
const longAgo = '2026-10-01T10:00:00.000Z';

function begin() {
  const volumes = mkdtempSync(join(tmpdir(), 'removable-'));
  onTestFinished(() => rmSync(volumes, { recursive: true, force: true }));
  const put = (path: string, time?: Date) => {
    mkdirSync(dirname(join(volumes, path)), { recursive: true });
    writeFileSync(join(volumes, path), 'x'.repeat(5_000));
    if (time !== undefined) utimesSync(join(volumes, path), time, time);
  };
  return { volumes, put };
}

const ended = (since: string, status: 'cancelled' | 'queued' = 'cancelled') =>
  makeRecord(status === 'queued' ? { status, wait: null, since, reason: 'x' } : { status, since, reason: 'x' }, {
    id: 'abcde',
    run: 'RUN-20261001-001',
  });
const attempt = 'runs/RUN-20261001-001/tasks/abcde/attempts/1';
const work = [
  'handoff.yaml',
  'agent-summary.md',
  'plan.md',
  'context.md',
  'diffs/web.patch',
  'diffs/index.json',
  'artifacts/0',
];

test('raw output and leftovers of a task that ended long ago go, and nothing that is work', async () => {
  const { volumes, put } = begin();
  for (const name of [...work, 'stdout.log', 'postconditions.stderr.log', 'incoming/0.bundle'])
    put(`${attempt}/${name}`);
  const { removable, kept } = await findRemovable(volumes, [ended(longAgo)], 30, now);
  expect(removable.map(({ path }) => path).sort()).toEqual(
    ['incoming', 'postconditions.stderr.log', 'stdout.log'].map((name) => `${attempt}/${name}`),
  );
  expect(removable.every(({ bytes }) => bytes >= 4_096)).toBe(true);
  expect(kept).toEqual([]);
  expect(removable.every(({ path }) => isRemovablePath(path))).toBe(true);
});

test.each([
  ['a task that ended lately', ended('2026-11-19T10:00:00.000Z')],
  ['a task that has not ended', ended(longAgo, 'queued')],
])('of %s nothing goes', async (_what, record) => {
  const { volumes, put } = begin();
  for (const name of ['handoff.yaml', 'stdout.log']) put(`${attempt}/${name}`);
  expect((await findRemovable(volumes, [record], 30, now)).removable).toEqual([]);
});

test('the output of an attempt without a handoff is all that there is of it, and stays', async () => {
  const { volumes, put } = begin();
  put(`${attempt}/stdout.log`);
  const { removable, kept } = await findRemovable(volumes, [ended(longAgo)], 30, now);
  expect(removable).toEqual([]);
  expect(kept).toMatchObject([{ path: `${attempt}/stdout.log`, reason: 'the attempt left no handoff' }]);
});

test('a pack of today stays whatever is asked for, for it may be on its way into a sandbox', async () => {
  const { volumes, put } = begin();
  put('runs/.cache/packs/web-1.pack', new Date('2026-11-20T09:00:00.000Z'));
  put('runs/.cache/packs/web-2.pack', new Date(longAgo));
  const { removable } = await findRemovable(volumes, [], 0, now);
  expect(removable.map(({ path }) => path)).toEqual(['runs/.cache/packs/web-2.pack']);
});

test.each([
  'runs/RUN-20261001-001/telemetry.jsonl',
  `${attempt}/handoff.yaml`,
  `${attempt}/diffs`,
  `${attempt}/../../task.json`,
  `${attempt}/incoming/../../../task.md`,
  'workspaces/web',
  'runs/.cache/packs/../../heads.jsonl',
  '/etc/passwd',
  '',
])('%j is never removed', (path) => {
  expect(isRemovablePath(path)).toBe(false);
});
