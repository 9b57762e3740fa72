import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../support/stack.ts';
import { hasTestOf } from '../support/test-names.ts';

const ids = Array.from({ length: 48 }, (_, index) => `F${String(index + 1).padStart(2, '0')}`);
/** What this product is for: of these none may be left to words. */
const never = ids.filter((id) => id !== 'F12' && id <= 'F23');
const mostWithoutTest = 6;
const rows = readFileSync(join(root, 'docs', 'FAULTS.md'), 'utf8')
  .split('\n')
  .flatMap((line) => {
    const [, id = '', , shown = ''] = line.split('|').map((cell) => cell.trim());
    return /^F\d\d$/.test(id)
      ? [{ id, shown, files: [...shown.matchAll(/`([^`]+\.test\.ts)`/g)].map(([, file = '']) => file) }]
      : [];
  });

test('every fault has one row', () => {
  expect(rows.map(({ id }) => id)).toEqual(ids);
});

test('a test of the name is where the row says', () => {
  const missing = rows.flatMap(({ id, files }) =>
    files.filter((file) => !hasTestOf(id, file)).map((file) => `${id} in ${file}`),
  );
  expect(missing).toEqual([]);
});

test('few rows name no test, and say why', () => {
  const without = rows.filter(({ files }) => files.length === 0);
  expect(without.length).toBeLessThanOrEqual(mostWithoutTest);
  expect(without.filter(({ shown }) => !/^not here: .{20,}/.test(shown))).toEqual([]);
  expect(without.map(({ id }) => id).filter((id) => never.includes(id))).toEqual([]);
});
