import { join } from 'node:path';
import { expect, test } from 'vitest';
import { writeBlob, writeCommit, writeTree } from '../testing/bundle.ts';
import { commitFiles, makeRepository, plainGit } from '../testing/repository.ts';
import { scratchFolder } from '../testing/scratch.ts';
import { checkTreeBomb } from './tree-bomb.ts';

function begin(files: Readonly<Record<string, string>> = {}) {
  const { folder } = makeRepository(join(scratchFolder(), 'project'));
  return { folder, base: commitFiles(folder, files) };
}

/** A tree with `tree` in it under ten names, `levels` deep. */
function tenfold(folder: string, tree: string, levels: number): string {
  let above = tree;
  for (let level = 0; level < levels; level += 1) {
    const below = above;
    above = writeTree(
      folder,
      Array.from({ length: 10 }, (_, index) => ['40000', `d${index}`, below] as const),
    );
  }
  return above;
}

test('S079 ten thousand million files made of ten small trees are refused, soon', async () => {
  const { folder, base } = begin();
  const files = Array.from({ length: 10 }, (_, index) => ['100644', `f${index}`, writeBlob(folder, 'x')] as const);
  const tip = writeCommit(folder, tenfold(folder, writeTree(folder, files), 9), [base]);
  const began = performance.now();
  expect(await checkTreeBomb(folder, base, tip, 1_000)).toBe(
    'the result has more than 1002 files, 1000 more than what it began with',
  );
  expect(performance.now() - began).toBeLessThan(4_000);
});

test('S079 a bomb that a later commit takes back is refused as well', async () => {
  const { folder, base } = begin();
  const files = writeTree(folder, [['100644', 'x', writeBlob(folder, 'x')]]);
  const middle = writeCommit(folder, tenfold(folder, files, 5), [base]);
  const tip = writeCommit(folder, plainGit(folder, ['rev-parse', `${base}^{tree}`]), [middle]);
  expect(await checkTreeBomb(folder, base, tip, 1_000)).toContain('more than 1002 files');
});

test('S079 a bomb that is made of folders of the base is refused as well', async () => {
  const { folder, base } = begin(Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`lib/${index}`, 'x'])));
  const lib = plainGit(folder, ['rev-parse', `${base}:lib`]);
  const two = writeCommit(folder, tenfold(folder, lib, 1), [base]);
  expect(await checkTreeBomb(folder, base, two, 1_000)).toContain('more than 1202 files');
  expect(await checkTreeBomb(folder, base, two, 2_000)).toBeNull();
});

test('S079 a bomb of empty folders is one', async () => {
  const { folder, base } = begin();
  const tip = writeCommit(folder, tenfold(folder, writeTree(folder, []), 6), [base]);
  expect(await checkTreeBomb(folder, base, tip, 1_000)).toContain('more than');
});

test('an honest result passes, to the last file that is allowed', async () => {
  const { folder, base } = begin({ 'a/b/c.txt': 'x\n', 'a/d.txt': 'y\n' });
  const names = Array.from({ length: 50 }, (_, index) => [`new/${index % 7}/${index}.txt`, `${index}\n`] as const);
  commitFiles(folder, Object.fromEntries(names.slice(0, 20)));
  const tip = commitFiles(folder, Object.fromEntries(names));
  expect(await checkTreeBomb(folder, base, tip, 50)).toBeNull();
  expect(await checkTreeBomb(folder, base, tip, 49)).toBe(
    'the result has more than 53 files, 49 more than what it began with',
  );
});

test('folders that lie thousands deep are counted', async () => {
  const { folder, base } = begin();
  const stream = `commit refs/heads/deep\ncommitter A <a@example.org> 1 +0000\ndata 0\nM 100644 inline ${'d/'.repeat(2_000)}x\ndata 1\nx\n`;
  plainGit(folder, ['fast-import', '--quiet'], stream);
  const tip = writeCommit(folder, plainGit(folder, ['rev-parse', 'refs/heads/deep^{tree}']), [base]);
  expect(await checkTreeBomb(folder, base, tip, 10)).toBeNull();
}, 60_000);
