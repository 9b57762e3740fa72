import { expect, test } from 'vitest';
import { errorFileName, isConflictCopy, isTaskFileName } from './file-name.ts';

const ignored =
  '.x.md|~x.md|x.md~|x.md.swp|4913|.#x.md|x.md.tmp|x.md.part|x.md.crdownload|.syncthing.x.md.tmp|~syncthing~x.md.tmp|.x.md.icloud|._x.md|.DS_Store|.x.md.AbC123|x.md.sb-1a2b-xyz|x.sb-1a2b-xyz.md|.x.md.swx|x.md.partial|x.md.download|.nfs01|.fuse_hidden01|x.sync-conflict-20261120-1.md|x (conflicted copy).md|x.txt|md|x.md.filepart'.split(
    '|',
  );
test.each(ignored)('F32 %s is no task yet', (name) => {
  expect(isTaskFileName(name)).toBe(false);
});

test('F32 conflict copies are told from what is still being written', () => {
  expect(ignored.filter(isConflictCopy)).toEqual(['x.sync-conflict-20261120-1.md', 'x (conflicted copy).md']);
  expect(isConflictCopy('x (Ada’s Conflicted Copy 2026-11-20).MD')).toBe(true);
  expect(['.x.sync-conflict-1.md', 'x.sync-conflict-1.md.tmp', 'x.sync-conflict-1.txt'].filter(isConflictCopy)).toEqual(
    [],
  );
});

test.each(['x.md', 'X.MD', 'a "b".md', 'a\nb.md', '🙂.md', '-rf.md', 'a..b.md', ' .md'])('%j is a task', (name) => {
  expect(isTaskFileName(name)).toBe(true);
});

test('an explanation’s name fits a file system, and no character is cut in two', () => {
  expect(errorFileName('x.md')).toBe('x.md.error.txt');
  const long = errorFileName(`${'🙂'.repeat(63)}.md`);
  expect(Buffer.byteLength(long)).toBeLessThanOrEqual(255);
  expect(long.isWellFormed()).toBe(true);
  expect(long.endsWith('.error.txt')).toBe(true);
});
