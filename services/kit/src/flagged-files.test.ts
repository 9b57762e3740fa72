import { expect, test } from 'vitest';
import { flaggedFiles } from './flagged-files.ts';
import { makeReviewTask } from './testing/review-task.ts';

test('of the changed files those that deserve eyes are told, with why in words', () => {
  const { index } = makeReviewTask({
    files: [{ path: 'a.ts' }, { path: '.github/workflows/x.yml', flags: ['ci', 'symlink'] }],
  });
  expect(flaggedFiles(index)).toEqual({
    files: [
      {
        repository: 'demo',
        path: '.github/workflows/x.yml',
        why: 'runs on a build server, or says who has to review; is or was a symbolic link',
      },
    ],
    unlisted: 0,
  });
});

test('those that the list had no room for are counted', () => {
  const { index } = makeReviewTask({ files: [{ path: 'a', flags: ['binary'] }] });
  const [demo] = index.repositories;
  if (demo === undefined) throw new Error('no repository');
  const totals = { ...demo.totals, flagged: 9 };
  expect(flaggedFiles({ ...index, repositories: [{ ...demo, totals }] }).unlisted).toBe(8);
});
