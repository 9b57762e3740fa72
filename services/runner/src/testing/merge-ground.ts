import { createHash } from 'node:crypto';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { MergeTarget } from '../merge/merge-target.ts';
import { commitFiles, plainGit } from './repository.ts';

/**
 * A repository with `base` on `main`, which is checked out, and a result of a task that descends from it.
 * @param change changes the work tree into what the result shall be
 */
export function makeTarget(
  parent: string,
  name: string,
  base: Readonly<Record<string, string>>,
  change: (folder: string) => void,
): MergeTarget {
  const folder = join(parent, name);
  mkdirSync(folder, { recursive: true });
  plainGit(folder, ['init', '-q', '-b', 'main']);
  return addResult({ name, path: name, folder }, commitFiles(folder, base, 'base'), change);
}

/** Makes a result out of a checkout of `base` and leaves the checkout as it was. */
export function addResult(
  repository: MergeTarget['repository'],
  base: string,
  change: (folder: string) => void,
): MergeTarget {
  const { folder } = repository;
  change(folder);
  plainGit(folder, ['add', '-A']);
  const tree = plainGit(folder, ['write-tree']);
  const head = plainGit(folder, ['commit-tree', '-p', base, '-m', 'result', tree]);
  plainGit(folder, ['update-ref', 'refs/agentic/RUN-20260101-001/task', head]);
  plainGit(folder, ['reset', '-q', '--hard', base]);
  plainGit(folder, ['clean', '-q', '-ffdx']);
  return { repository, branch: 'main', base, head };
}

/** Every file below a folder, git's own too: kind, mode, time, content. */
export function snapshot(folder: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true, encoding: 'utf8' })) {
    const path = join(entry.parentPath, entry.name);
    const { mode, mtimeNs } = lstatSync(path, { bigint: true });
    const content = entry.isSymbolicLink()
      ? readlinkSync(path)
      : entry.isFile()
        ? createHash('sha256').update(readFileSync(path)).digest('hex')
        : '';
    found[path.slice(folder.length + 1)] = `${mode} ${entry.isDirectory() ? '' : mtimeNs} ${content}`;
  }
  return found;
}

/** What every merge and every refusal has to leave: no lock, nothing of a merge, sound objects. */
export function expectTidy({ repository }: MergeTarget): void {
  const names = readdirSync(join(repository.folder, '.git'), { recursive: true, encoding: 'utf8' });
  expect(names.filter((name) => name.endsWith('.lock') || name.startsWith('countersign-merge'))).toEqual([]);
  expect(plainGit(repository.folder, ['fsck', '--no-dangling', '--no-progress'])).toBe('');
}

export function expectMerged(target: MergeTarget): void {
  const { folder } = target.repository;
  expectTidy(target);
  expect(plainGit(folder, ['rev-parse', `refs/heads/${target.branch}`])).toBe(target.head);
  expect(plainGit(folder, ['status', '--porcelain', '--untracked-files=all'])).toBe('');
}

export function expectUnmoved(target: MergeTarget): void {
  expectTidy(target);
  expect(plainGit(target.repository.folder, ['rev-parse', `refs/heads/${target.branch}`])).toBe(target.base);
  expect(existsSync(join(target.repository.folder, '.git', 'countersign-kept'))).toBe(false);
}
