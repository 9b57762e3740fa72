import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root } from '../support/stack.ts';
import { hasTestOf, testFiles } from '../support/test-names.ts';

const threats = readFileSync(join(root, 'docs', 'THREATS.md'), 'utf8');

/** All attacks on the list; it has none from S046 to S049. */
const ids = [
  ...numbered('S', 85, 3).filter((id) => id < 'S046' || id > 'S049'),
  ...numbered('A', 36),
  ...numbered('W', 30),
  ...numbered('C', 20),
];
const [families = '', notCovered = ''] = threats.split('\n## Not covered\n');
const mostNotCovered = 8;

test('every attack is the name of a test, or the page says why it is of none', () => {
  const files = [...testFiles(), 'test/attack/attacks.ts'];
  const reasons = new Map(
    [...notCovered.matchAll(/^\| ([A-Z]\d+) \| (.{20,}) \|$/gm)].map(([, id = '', why]) => [id, why]),
  );
  expect(ids.filter((id) => !files.some((file) => hasTestOf(id, file)))).toEqual([...reasons.keys()]);
  expect(reasons.size).toBeLessThanOrEqual(mostNotCovered);
});

test('every attack that is covered has its row on the page', () => {
  const rows = [...families.matchAll(/^\| ([^|]+) \|/gm)].flatMap(([, first = '']) => first.split(', '));
  const named = new Set(rows.flatMap(expanded));
  const uncovered = [...notCovered.matchAll(/^\| ([A-Z]\d+) \|/gm)].map(([, id]) => id);
  expect(ids.filter((id) => !named.has(id) && !uncovered.includes(id))).toEqual([]);
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
function numbered(family: string, count: number, digits = 2): string[] {
  return Array.from({ length: count }, (_, index) => `${family}${String(index + 1).padStart(digits, '0')}`);
}

/** `A10–A12` as each of the three. */
function expanded(range: string): string[] {
  const [, family = '', first = '', last = ''] = /^([A-Z])(\d+)–[A-Z](\d+)$/.exec(range) ?? [];
  return family === '' ? [range] : numbered(family, Number(last), last.length).slice(Number(first) - 1);
}

/** `a{b,c}d` as `abd` and `acd`, and so on. */
function alternatives(path: string): string[] {
  const [, head = '', middle, tail = ''] = /^([^{]*)\{([^}]*)\}(.*)$/.exec(path) ?? [];
  if (middle === undefined) return [path];
  return middle.split(',').flatMap((part) => alternatives(`${head}${part}${tail}`));
}
