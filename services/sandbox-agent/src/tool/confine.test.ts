import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { confine } from './confine.ts';

let folder = '';
let root = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'confine-'));
  root = join(folder, 'workspace');
  mkdirSync(join(root, 'sub/.git'), { recursive: true });
  writeFileSync(join(folder, 'outside.txt'), '');
  writeFileSync(join(root, 'file.txt'), '');
  symlinkSync('..', join(root, 'up'));
  symlinkSync('../outside.txt', join(root, 'out-link'));
  symlinkSync('file.txt', join(root, 'in-link'));
  symlinkSync('/nowhere/at/all', join(root, 'dangling'));
  symlinkSync('loop', join(root, 'loop'));
  symlinkSync('sub/.git', join(root, 'innocent'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it.each(['.', 'file.txt', './sub/../file.txt', 'in-link', 'new/deep/file', '..gitignore', '.gitignore'])(
  'lets %s in',
  async (path) => {
    await expect(confine(root, path, 'write')).resolves.toMatch(new RegExp(`^${root}`));
  },
);

it('takes an absolute path for what it is', async () => {
  expect(await confine(root, join(root, 'file.txt'), 'read')).toBe(join(root, 'file.txt'));
  await expect(confine(root, '/etc/passwd', 'read')).rejects.toThrow('outside');
});

it.each([
  ['..', 'outside'],
  ['../outside.txt', 'outside'],
  ['up/outside.txt', 'outside'],
  ['up/new.txt', 'outside'],
  ['out-link', 'outside'],
  ['../workspace-sibling', 'outside'],
  ['dangling', 'does not exist'],
  ['dangling/below', 'does not exist'],
  ['loop', 'cannot be used'],
  ['file.txt/below', 'cannot be used'],
])('keeps %s out', async (path, message) => {
  await expect(confine(root, path, 'read')).rejects.toThrow(message);
});

it.each(['.git', '.git/config', 'sub/.git/hooks/x', '.GIT/config', 'innocent/config'])(
  'keeps writes out of %s',
  async (path) => {
    await expect(confine(root, path, 'write')).rejects.toThrow('belongs to git');
    await expect(confine(root, path, 'read')).resolves.toMatch(/git/i);
  },
);

it('keeps a NUL byte out', async () => {
  await expect(confine(root, 'a\0b', 'read')).rejects.toThrow('NUL');
});
