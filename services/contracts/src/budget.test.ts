import { expect, test } from 'vitest';
import { Budget, type BudgetItem, BudgetSetting, budgetOf, noBudget, tightest } from './budget.ts';

const items = ['tokens', 'requests', 'output_bytes', 'disk_bytes'] as const satisfies readonly BudgetItem[];
const amounts = [null, 1, 7, 1_000_000_000_000];
/** Every budget that can be made of a few amounts. */
const budgets: Budget[] = amounts.flatMap((tokens) =>
  amounts.flatMap((requests) =>
    [null, 5].map((bytes) => ({ tokens, requests, output_bytes: bytes, disk_bytes: bytes })),
  ),
);

test('megabytes that people write are bytes, and what they leave out has no limit', () => {
  expect(budgetOf({ tokens: 5, output_mb: 2 })).toEqual({
    tokens: 5,
    requests: null,
    output_bytes: 2 * 1024 * 1024,
    disk_bytes: null,
  });
  expect(budgetOf({})).toEqual(noBudget);
});

test('every setting that is accepted is a budget that a record can hold', () => {
  for (const setting of [{}, { disk_mb: 1_048_576, output_mb: 1 }, { tokens: 1, requests: 1_000_000_000_000 }])
    expect(Budget.parse(budgetOf(BudgetSetting.parse(setting)))).toEqual(budgetOf(setting));
});

test.each([
  { tokens: 0 },
  { tokens: 1.5 },
  { requests: -1 },
  { disk_mb: 1_048_577 },
  { output_bytes: 5 },
  { tokens: '5' },
])('a setting of %j is refused', (setting) => {
  expect(BudgetSetting.safeParse(setting).success).toBe(false);
});

test('of several budgets the least of each item counts; which comes first does not', () => {
  for (const a of budgets)
    for (const b of budgets) {
      const least = tightest(a, b);
      expect(tightest(b, a)).toEqual(least);
      expect(tightest(least, a)).toEqual(least);
      for (const item of items) {
        const set = [a[item], b[item]].filter((one) => one !== null);
        expect(least[item]).toBe(set.length === 0 ? null : Math.min(...set));
      }
    }
  expect(tightest()).toEqual(noBudget);
});
