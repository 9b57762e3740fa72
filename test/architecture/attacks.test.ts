import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../support/stack.ts';
import { hasTestOf, testFiles } from '../support/test-names.ts';

const threats = readFileSync(join(root, 'docs', 'THREATS.md'), 'utf8');

test('every attack on the page is the name of a test', () => {
  const ids = [...numbered('A', 36), ...numbered('W', 30)];
  const files = testFiles();
  expect(ids.filter((id) => !files.some((file) => hasTestOf(id, file)))).toEqual([]);
});

test('every attack has its row on the page', () => {
  const rows = [...threats.matchAll(/^\| ([^|]+) \|/gm)].flatMap(([, first = '']) => first.split(', '));
  const named = new Set(rows.flatMap(expanded));
  expect([...numbered('A', 36), ...numbered('W', 30)].filter((id) => !named.has(id))).toEqual([]);
});

test('every file that the table of attacks names is there', () => {
  const named = [...threats.matchAll(/`((?:services|test)\/[^`]+\.test\.ts)`/g)].map(([, path = '']) => path);
  expect(named.length).toBeGreaterThan(40);
  const missing = named.flatMap((path) =>
    alternatives(path).filter((one) => globSync(one, { cwd: root }).length === 0),
  );
  expect(missing).toEqual([]);
});

/** The ids of a family, from its first to its last. */
function numbered(family: string, count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${family}${String(index + 1).padStart(2, '0')}`);
}

/** `A10–A12` as each of the three. */
function expanded(ids: string): string[] {
  const [, family = '', first = '', last = ''] = /^([A-Z])(\d+)–[A-Z](\d+)$/.exec(ids) ?? [];
  return family === '' ? [ids] : numbered(family, Number(last)).slice(Number(first) - 1);
}

/** `a{b,c}d` as `abd` and `acd`, and so on. */
function alternatives(path: string): string[] {
  const [, head = '', middle, tail = ''] = /^([^{]*)\{([^}]*)\}(.*)$/.exec(path) ?? [];
  if (middle === undefined) return [path];
  return middle.split(',').flatMap((part) => alternatives(`${head}${part}${tail}`));
}
