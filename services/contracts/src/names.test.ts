import { expect, test } from 'vitest';
import { BranchName, RunId, SlotId, TaskId, Timestamp, WorkspaceName } from './names.ts';

test.each([
  [
    'task',
    TaskId,
    ['ab', 'a-b', '2026', 'x'.repeat(32)],
    ['a', 'A1', '-a', 'a_b', 'a.b', 'a/b', '..', 'ab\n', '', 'x'.repeat(33)],
  ],
  [
    'run',
    RunId,
    ['RUN-20261120-001', 'RUN-20261120-1000'],
    ['RUN-20261120-01', 'run-20261120-001', 'RUN-20261120-001\n', 'RUN-20261120-001/..'],
  ],
  [
    'workspace',
    WorkspaceName,
    ['a', 'A.b-c_1', '_x'],
    ['.', '..', '.git', 'a..b', 'a.lock', 'a.', '-a', 'a/b', 'a b', 'ü', '', 'a'.repeat(65)],
  ],
  [
    'branch',
    BranchName,
    ['main', 'feature/x.y-1', '_x'],
    [
      '-x',
      '/x',
      'x/',
      'x//y',
      'x..y',
      'x.',
      '.x',
      'a/.x',
      'x.lock',
      'x.lock/y',
      'x y',
      'x~1',
      'x^',
      'x:y',
      'x@{1}',
      '',
    ],
  ],
  ['slot', SlotId, ['0'.repeat(32)], ['0'.repeat(31), 'G'.repeat(32), `${'0'.repeat(32)}/`]],
  [
    'time stamp',
    Timestamp,
    ['2026-11-20T23:00:00.000Z'],
    ['2026-11-20T23:00:00Z', '2026-11-20', '2026-13-20T23:00:00.000Z'],
  ],
])('a %s', (_name, schema, good, bad) => {
  expect(good.filter((text) => !schema.safeParse(text).success)).toEqual([]);
  expect(bad.filter((text) => schema.safeParse(text).success)).toEqual([]);
});
