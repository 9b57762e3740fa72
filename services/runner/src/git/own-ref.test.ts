import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { makeRepository, plainGit } from '../testing/repository.ts';
import { scratchFolder } from '../testing/scratch.ts';
import { GitError } from './git.ts';
import { setOwnRef } from './own-ref.ts';

const ref = 'refs/agentic/RUN-20261120-001/abcde';

test('F01 a lock that a killed git left on a ref of ours does not keep it from being set', async () => {
  const { folder, head } = makeRepository(join(scratchFolder(), 'project'));
  const lock = join(folder, '.git', `${ref}.lock`);
  mkdirSync(dirname(lock), { recursive: true });
  writeFileSync(lock, '');
  await setOwnRef(folder, ref, head, 'countersign: result');
  expect(plainGit(folder, ['rev-parse', ref])).toBe(head);
  expect(existsSync(lock)).toBe(false);
});

test('what else is in the way is told', async () => {
  const { folder } = makeRepository(join(scratchFolder(), 'project'));
  await expect(setOwnRef(folder, ref, 'a'.repeat(40), 'countersign: result')).rejects.toBeInstanceOf(GitError);
});
