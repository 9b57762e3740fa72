import { expect, test } from 'vitest';
import { checkTarget } from './changed-links.ts';

test.each([
  ['a/b/link', '../../README.md'],
  ['a/b/link', '../..'],
  ['a/link', '..'],
  ['node_modules/.bin/tsc', '../typescript/bin/tsc'],
  ['link', '.gitignore'],
])('%s may point to %s', (name, target) => {
  expect(checkTarget(name, target)).toBeNull();
});

test.each([
  ['link', '..'],
  ['a/link', '../..'],
  ['a/b/link', '../../../x'],
  ['a/link', './.././../x'],
  ['a/link', 'up/../x'],
  ['a/link', '../.git'],
  ['a/link', '../.GIT/hooks/pre-commit'],
  ['a/link', '../git~1/config'],
  ['link', '\\\\server\\share'],
  ['link', 'a\0b'],
])('%s may not point to %j', (name, target) => {
  expect(checkTarget(name, target)).toContain('the link');
});
