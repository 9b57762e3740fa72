import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { NotRegularError, readFileEnd, readFileStart } from './regular-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'countersign-regular-'));

test('the beginning of a file, and its size', async () => {
  const path = join(folder, 'a');
  writeFileSync(path, 'abcdef');
  const { bytes, size } = await readFileStart(path, 4);
  expect([bytes.toString(), size]).toEqual(['abcd', 6]);
});

test('the end of a file, and all of one that is no longer', async () => {
  const path = join(folder, 'b');
  writeFileSync(path, 'abcdef');
  expect((await readFileEnd(path, 4)).bytes.toString()).toBe('cdef');
  expect((await readFileEnd(path, 40)).bytes.toString()).toBe('abcdef');
});

test('S067, S069 no link is followed, at its name or above it, no pipe waited for, no folder read', async () => {
  mkdirSync(join(folder, 'real/inner'), { recursive: true });
  writeFileSync(join(folder, 'real/inner/file'), 'x');
  symlinkSync(join(folder, 'real/inner/file'), join(folder, 'link'));
  symlinkSync(join(folder, 'real'), join(folder, 'linked'));
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  await expect(readFileStart(join(folder, 'link'), 10)).rejects.toThrow(NotRegularError);
  await expect(readFileStart(join(folder, 'linked/inner/file'), 10, folder)).rejects.toThrow(NotRegularError);
  await expect(readFileStart(join(folder, 'pipe'), 10)).rejects.toThrow(NotRegularError);
  await expect(readFileStart(join(folder, 'real'), 10)).rejects.toThrow(NotRegularError);
  expect((await readFileStart(join(folder, 'real/inner/file'), 10, folder)).size).toBe(1);
});
