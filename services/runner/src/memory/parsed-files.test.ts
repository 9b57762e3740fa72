import { mkdtempSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, test, vi } from 'vitest';
import { ParsedFiles } from './parsed-files.ts';

let folder = '';
/** Of what decides whether times have settled. */
let now = 0;
const parse = vi.fn((bytes: Uint8Array) => Buffer.from(bytes).toString('utf8'));
const at = (name: string) => join(folder, name);
const put = (name: string, text: string) => writeFileSync(at(name), text);
const files = (mostBytes = 100) => new ParsedFiles(parse, 10, mostBytes, () => now);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-'));
  put('a', 'one');
  now = Date.now() + 10_000;
  parse.mockClear();
});

test('a file that stays what it is is parsed once', async () => {
  const known = files();
  for (let time = 0; time < 3; time += 1) expect(await known.read(at('a'))).toEqual({ status: 'read', value: 'one' });
  expect(parse).toHaveBeenCalledTimes(1);
});

test.each([
  ['other bytes', 'two', () => put('a', 'two')],
  [
    'other bytes of the same age and length',
    'two',
    () => {
      put('a', 'two');
      utimesSync(at('a'), 1, 1);
    },
  ],
  [
    'another file in its place',
    'two',
    () => {
      put('b', 'two');
      renameSync(at('b'), at('a'));
    },
  ],
])('after a change it is parsed anew: %s', async (_, text, change) => {
  utimesSync(at('a'), 1, 1);
  const known = files();
  await known.read(at('a'));
  change();
  expect(await known.read(at('a'))).toEqual({ status: 'read', value: text });
});

test('a file that is gone is gone, and one that may not be read is none', async () => {
  const known = files();
  await known.read(at('a'));
  rmSync(at('a'));
  expect(await known.read(at('a'))).toEqual({ status: 'missing' });
  put('b', 'two');
  symlinkSync('b', at('a'));
  expect(await known.read(at('a'))).toMatchObject({ status: 'unfit' });
  put('b', '12345678901');
  expect(await known.read(at('b'))).toMatchObject({ status: 'unfit' });
  expect(parse).toHaveBeenCalledTimes(1);
});

test('what cannot even be looked at is none that can be read', async () => {
  symlinkSync('loop', at('loop'));
  expect(await files().read(at('loop/a'))).toMatchObject({ status: 'unfit' });
});

test('what was changed a moment ago could be changed once more without a trace: it is parsed again', async () => {
  now = Date.now();
  const known = files();
  for (let time = 0; time < 2; time += 1) await known.read(at('a'));
  expect(parse).toHaveBeenCalledTimes(2);
});

test('what changes while it is parsed is not remembered', async () => {
  const known = files();
  parse.mockImplementationOnce((bytes) => {
    put('a', 'other');
    return Buffer.from(bytes).toString('utf8');
  });
  expect(await known.read(at('a'))).toEqual({ status: 'read', value: 'one' });
  expect(await known.read(at('a'))).toEqual({ status: 'read', value: 'other' });
});

test('of more than may be remembered, what was not asked for longest is forgotten', async () => {
  for (const name of ['b', 'c']) put(name, 'two');
  now = Date.now() + 10_000;
  const known = files(6);
  for (const name of ['a', 'b', 'a', 'c', 'a', 'b']) await known.read(at(name));
  // All but the two of `a` that follow its first.
  expect(parse).toHaveBeenCalledTimes(4);
});
