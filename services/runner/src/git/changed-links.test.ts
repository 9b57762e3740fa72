import { mkdirSync, mkdtempSync, realpathSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { generator } from '../testing/random.ts';
import { scratchFolder } from '../testing/scratch.ts';
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
  ['link', 'a/up/../..'],
  ['link', 'a/..//../x'],
  ['link', '/'],
  ['link', '/proc/self/root'],
  ['link', '~/../../x'],
  ['a/link', '../.git'],
  ['a/link', '../.GIT/hooks/pre-commit'],
  ['a/link', '../git~1/config'],
  ['link', '\\\\server\\share'],
  ['link', 'a\0b'],
])('S061, S062, S064: %s may not point to %j', (name, target) => {
  expect(checkTarget(name, target)).toContain('the link');
});

test('S062 whatever links of a result lead through one another, none leads out', () => {
  const random = generator(20_261_129);
  const pick = (from: readonly string[]) => from[Math.floor(random() * from.length)] ?? '';
  const folders = ['.', 'a', 'a/b', 'c'];
  const steps = ['..', '..', '.', 'a', 'b', 'c', 'l0', 'l1', 'l2', 'l3', 'l4', 'l5'];
  const counts = { refused: 0, led: 0 };
  const parent = scratchFolder();
  for (let round = 0; round < 300; round += 1) {
    const root = realpathSync(mkdtempSync(join(parent, 'root-')));
    for (const folder of folders.slice(1)) mkdirSync(join(root, folder), { recursive: true });
    for (let index = 0; index < 6; index += 1) {
      const name = join(pick(folders), `l${index}`);
      const target = Array.from({ length: 1 + Math.floor(random() * 5) }, () => pick(steps)).join('/');
      if (checkTarget(name, target) === null) symlinkSync(target, join(root, name));
      else counts.refused += 1;
    }
    for (const folder of folders) {
      for (let index = 0; index < 6; index += 1) {
        const place = resolved(join(root, folder, `l${index}`));
        if (place === null) continue;
        counts.led += 1;
        expect(`${place}/`).toMatch(new RegExp(`^${root}/`));
      }
    }
  }
  // Both were tried, or the test says nothing.
  expect(counts.refused).toBeGreaterThan(100);
  expect(counts.led).toBeGreaterThan(100);
});

/** Where a path leads in the end; null where that is nowhere. */
function resolved(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return null;
  }
}
