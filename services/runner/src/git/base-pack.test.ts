import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { sha256OfFile } from '@countersign/kit/digest.ts';
import { expect, test } from 'vitest';
import { checkoutPack, commitFiles, makeRepository, plainGit } from '../testing/repository.ts';
import { scratchFolder } from '../testing/scratch.ts';
import { basePack } from './base-pack.ts';
import { GitError } from './git.ts';

function withHistory() {
  const folder = scratchFolder();
  const repository = makeRepository(join(folder, 'project'));
  commitFiles(repository.folder, { 'secret.txt': 'hunter2-in-history\n' }, 'a secret');
  const secret = plainGit(repository.folder, ['rev-parse', 'HEAD:secret.txt']);
  rmSync(join(repository.folder, 'secret.txt'));
  const head = commitFiles(repository.folder, { 'src/new.ts': 'export const x = 1;\n' }, 'the secret is gone');
  return { folder, repository, secret, head, cache: join(folder, 'cache') };
}

test('S070 the pack gives the true commit and its files, and nothing of the history', async () => {
  const { folder, repository, secret, head, cache } = withHistory();
  const pack = await basePack(cache, repository, head);
  const sandbox = checkoutPack(folder, pack.path, head);

  expect(plainGit(sandbox, ['rev-parse', 'HEAD'])).toBe(head);
  expect(plainGit(sandbox, ['status', '--porcelain'])).toBe('');
  expect(plainGit(sandbox, ['ls-files']).split('\n')).toEqual(['README.md', 'src/main.ts', 'src/new.ts']);
  expect(plainGit(sandbox, ['rev-list', '--count', 'HEAD'])).toBe('1');
  const objects = plainGit(sandbox, ['cat-file', '--batch-all-objects', '--batch-check=%(objectname)']).split('\n');
  expect(objects).not.toContain(secret);
  expect(objects).not.toContain(repository.head);
  expect(plainGit(sandbox, ['fsck', '--full'])).toBe('');
});

test('size and digest are of the file that is sent', async () => {
  const { repository, head, cache } = withHistory();
  const pack = await basePack(cache, repository, head);
  expect(pack.bytes).toBe(statSync(pack.path).size);
  expect(pack.sha256).toBe(await sha256OfFile(pack.path));
});

test('a second task of the same commit takes the pack that is there', async () => {
  const { repository, head, cache } = withHistory();
  const first = await basePack(cache, repository, head);
  const made = statSync(first.path).ino;
  expect(await basePack(cache, repository, head)).toEqual(first);
  expect(statSync(first.path).ino).toBe(made);
});

test('a commit that does not exist leaves nothing in the cache', async () => {
  const { repository, cache } = withHistory();
  await expect(basePack(cache, repository, '1'.repeat(40))).rejects.toThrow(GitError);
  expect(readdirSync(cache)).toEqual([]);
});

test('an operator’s shallow clone gives the same pack', async () => {
  const { folder, repository, head, cache } = withHistory();
  const clone = mkdtempSync(join(folder, 'shallow-'));
  plainGit(folder, ['clone', '-q', '--depth', '1', `file://${repository.folder}`, clone]);
  const pack = await basePack(cache, { name: 'shallow', path: 'shallow', folder: clone }, head);
  expect(plainGit(checkoutPack(folder, pack.path, head), ['rev-parse', 'HEAD'])).toBe(head);
});

test('a submodule in the base is no obstacle', async () => {
  const { folder, repository, cache } = withHistory();
  plainGit(repository.folder, ['update-index', '--add', '--cacheinfo', `160000,${'2'.repeat(40)},vendor`]);
  plainGit(repository.folder, ['commit', '-q', '-m', 'a submodule']);
  const head = plainGit(repository.folder, ['rev-parse', 'HEAD']);
  const pack = await basePack(cache, repository, head);
  expect(plainGit(checkoutPack(folder, pack.path, head), ['ls-tree', '--name-only', 'HEAD'])).toContain('vendor');
});
