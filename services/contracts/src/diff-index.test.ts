import { expect, test } from 'vitest';
import { flagText } from './diff-flag-text.ts';
import { DiffFlag, DiffIndex, diffIndexLimits } from './diff-index.ts';

const oid = 'a'.repeat(40);
const file = {
  path: 'src/a.ts',
  status: 'modified',
  old_mode: '100644',
  new_mode: '100644',
  old_oid: oid,
  new_oid: 'b'.repeat(40),
  insertions: 1,
  deletions: 0,
  bytes: 12,
  flags: ['bidi-control'],
};
const repository = {
  name: 'project',
  branch: 'main',
  base_head: oid,
  head: 'b'.repeat(40),
  patch: { file: 'project.patch', bytes: 100, sha256: 'c'.repeat(64) },
  totals: { files: 1, insertions: 1, deletions: 0, flagged: 1 },
  flags: ['bidi-control'],
  files: [file],
  files_left_out: 0,
};

test('an index is taken as it is', () => {
  const index = { version: 1, repositories: [repository] };
  expect(DiffIndex.parse(index)).toEqual(index);
});

test.each<[string, unknown]>([
  ['an unknown key', { version: 1, repositories: [], more: 1 }],
  ['another version', { version: 2, repositories: [] }],
  ['a flag that nobody knows', { version: 1, repositories: [{ ...repository, flags: ['nice'] }] }],
  [
    'a patch in another folder',
    { version: 1, repositories: [{ ...repository, patch: { ...repository.patch, file: '../project.patch' } }] },
  ],
  [
    'more files than are listed',
    { version: 1, repositories: [{ ...repository, files: Array(diffIndexLimits.files + 1).fill(file) }] },
  ],
  ['an endless path', { version: 1, repositories: [{ ...repository, files: [{ ...file, path: 'x'.repeat(5_000) }] }] }],
])('an index with %s is refused', (_name, index) => {
  expect(DiffIndex.safeParse(index).success).toBe(false);
});

test('every flag has one line for people, and no two say the same', () => {
  const texts = DiffFlag.options.map((flag) => flagText[flag]);
  expect(texts.every((text) => /^[^\n]{10,100}$/.test(text))).toBe(true);
  expect(new Set(texts).size).toBe(DiffFlag.options.length);
});
