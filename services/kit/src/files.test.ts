import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isMissing, isTemporary, replaceFile, writeFileAtomic } from './files.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'countersign-files-'));
});
afterEach(() => rm(folder, { recursive: true }));

test('a file is made and replaced, with its bits, and nothing else is left in the folder', async () => {
  const path = join(folder, 'x');
  await writeFileAtomic(path, 'one', 0o600);
  await writeFileAtomic(path, Buffer.from([0, 255]), 0o644);
  expect(await readFile(path)).toEqual(Buffer.from([0, 255]));
  expect((await stat(path)).mode & 0o777).toBe(0o644);
  expect(await readdir(folder)).toEqual(['x']);
});

test.each(['x'.repeat(255), '漢'.repeat(85), '🙂'.repeat(63)])(
  'the longest names a file system takes: %s',
  async (name) => {
    await writeFileAtomic(join(folder, name), 'x');
    expect(await readdir(folder)).toEqual([name]);
  },
);

test('when it cannot be replaced, what was there stays, and no temporary file does', async () => {
  const path = join(folder, 'taken');
  await writeFile(join(folder, 'other'), 'x');
  await rm(path, { force: true });
  const target = join(path, 'x');
  await expect(writeFileAtomic(target, 'x')).rejects.toSatisfy(isMissing);
  // A folder cannot be replaced by a file.
  await expect(writeFileAtomic(folder, 'x')).rejects.toThrow();
  expect(await readdir(folder)).toEqual(['other']);
});

test('readers see the old bytes or the new ones, never a mixture', async () => {
  const path = join(folder, 'x');
  const versions = ['a', 'b'].map((letter) => letter.repeat(200_000));
  await writeFileAtomic(path, versions[0] ?? '');
  let writing = true;
  const seen = new Set<string>();
  const reader = (async () => {
    while (writing) seen.add(await readFile(path, 'utf8'));
  })();
  for (let round = 0; round < 20; round += 1) await writeFileAtomic(path, versions[round % 2] ?? '');
  writing = false;
  await reader;
  for (const text of seen) expect(versions).toContain(text);
});

test('missing is only what does not exist', async () => {
  expect(await stat(join(folder, 'no')).catch(isMissing)).toBe(true);
  await writeFile(join(folder, 'x'), '');
  expect(await stat(join(folder, 'x/y')).catch(isMissing)).toBe(true);
  expect(await readFile(folder).catch(isMissing)).toBe(false);
  expect(isMissing('ENOENT')).toBe(false);
});

test('what can be made again is replaced as a whole as well', async () => {
  const path = join(folder, 'x');
  await replaceFile(path, 'one', 0o600);
  await replaceFile(path, 'two');
  expect(await readFile(path, 'utf8')).toBe('two');
  expect(await readdir(folder)).toEqual(['x']);
});

test.each([
  [`.${'0a'.repeat(12)}.tmp`, true],
  [`.${'0a'.repeat(12)}.tmp.md`, false],
  [`.${'0A'.repeat(12)}.tmp`, false],
  ['.x.md.tmp', false],
  ['x.tmp', false],
])('%s is what a death leaves of a write: %s', (name, expected) => {
  expect(isTemporary(name)).toBe(expected);
});
