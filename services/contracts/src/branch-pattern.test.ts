import { expect, test } from 'vitest';
import { BranchPattern, isNamed } from './branch-pattern.ts';

test.each<[branch: string, patterns: string[], named: boolean]>([
  ['main', ['main'], true],
  ['main', ['*'], true],
  ['release/1.0', ['release/*'], true],
  ['release/1.0/hotfix', ['release/*'], true],
  ['release', ['release/*'], false],
  ['mainline', ['main'], false],
  ['domain', ['main'], false],
  ['feature/main', ['main'], false],
  ['v1x0', ['v1.0'], false],
  ['v1.0', ['v1.0'], true],
  ['Main', ['main'], true],
  ['topic', [], false],
  ['topic', ['main', 'to*c'], true],
])('branch %s of %j: %s', (branch, patterns, named) => {
  expect(isNamed(branch, patterns)).toBe(named);
});

test.each(['', '-x', '/x', 'a b', 'a\nb', 'a[bc]', 'a?', '(a)', 'a'.repeat(201)])('%j is no pattern', (text) => {
  expect(BranchPattern.safeParse(text).success).toBe(false);
});
