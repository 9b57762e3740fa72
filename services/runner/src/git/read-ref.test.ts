import { mkdirSync, mkdtempSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { readHead, readLooseHead, readLooseRef } from './read-ref.ts';

const head = '3a4cc2132320d547b284126a01a39f6810dde7a1';
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-'));
  mkdirSync(join(folder, '.git/refs/heads/feature'), { recursive: true });
});
const put = (name: string, text: string) => writeFileSync(join(folder, '.git', name), text);

test('a ref in a file of its own is what the file says', async () => {
  put('refs/heads/feature/one', `${head}\n`);
  expect(await readLooseRef(folder, 'refs/heads/feature/one')).toBe(head);
});

test.each([
  ['there is none', null],
  ['it names another one', 'ref: refs/heads/other\n'],
  ['it is cut off', head],
  ['it is shorter', `${head.slice(1)}\n`],
  ['it is an object of another kind of names', `${head}${head.slice(0, 24)}\n`],
  ['it has a second line', `${head}\n${head}\n`],
  ['it is empty', ''],
])('only git can tell of a ref when %s', async (_, text) => {
  if (text !== null) put('refs/heads/one', text);
  expect(await readLooseRef(folder, 'refs/heads/one')).toBeNull();
});

test.each(['refs/heads/../../ORIG_HEAD', 'refs/heads/one.lock', 'refs/heads/.hidden', 'refs/heads/one.lock/two'])(
  'S078 %s is the name of no ref, whatever lies there',
  async (ref) => {
    put('ORIG_HEAD', `${head}\n`);
    put('refs/heads/one.lock', `${head}\n`);
    put('refs/heads/.hidden', `${head}\n`);
    expect(await readLooseRef(folder, ref)).toBeNull();
  },
);

test('S075 no link is followed, of the file or of a folder above it', async () => {
  put('refs/heads/feature/one', `${head}\n`);
  symlinkSync('feature/one', join(folder, '.git/refs/heads/link'));
  expect(await readLooseRef(folder, 'refs/heads/link')).toBeNull();
  renameSync(join(folder, '.git/refs/heads/feature'), join(folder, 'elsewhere'));
  symlinkSync('../../../elsewhere', join(folder, '.git/refs/heads/feature'));
  expect(await readLooseRef(folder, 'refs/heads/feature/one')).toBeNull();
});

test('a folder in the place of a ref is none', async () => {
  expect(await readLooseRef(folder, 'refs/heads/feature')).toBeNull();
});

test('of a branch whose commit lies in no file of its own only git can tell: it may be missing', async () => {
  put('refs/heads/main', `${head}\n`);
  expect(await readLooseHead(folder, 'main')).toBeNull();
  mkdirSync(join(folder, '.git/objects', head.slice(0, 2)), { recursive: true });
  put(`objects/${head.slice(0, 2)}/${head.slice(2)}`, 'x');
  expect(await readLooseHead(folder, 'main')).toBe(head);
  expect(await readLooseHead(folder, 'other')).toBeNull();
});

test.each([
  ['ref: refs/heads/main\n', 'main'],
  ['ref: refs/heads/feature/one.two_3\n', 'feature/one.two_3'],
  // Not in a file, and another name of one.
  ['ref: refs/heads/packed\n', null],
  ['ref: refs/heads/alias\n', null],
  ['ref: refs/heads/.invalid\n', null],
  ['ref: refs/tags/one\n', null],
  [`${head}\n`, null],
  ['ref: refs/heads/main', null],
  ['', null],
])('of %j the branch is %j', async (text, branch) => {
  for (const name of ['main', 'feature/one.two_3']) put(`refs/heads/${name}`, `${head}\n`);
  put('refs/heads/alias', 'ref: refs/heads/main\n');
  put('HEAD', text);
  expect(await readHead(folder)).toBe(branch);
});

test('without a HEAD no branch is known', async () => {
  expect(await readHead(folder)).toBeNull();
});
