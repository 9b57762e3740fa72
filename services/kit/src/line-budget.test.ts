import { expect, test } from 'vitest';
import { LineBudget } from './line-budget.ts';

test('so many lines in a window, and the next one says how many there were besides', () => {
  const budget = new LineBudget(2, 1_000);
  expect([0, 1, 2, 999].map((now) => budget.take(now))).toEqual([0, 0, null, null]);
  expect([1_000, 1_001, 1_002].map((now) => budget.take(now))).toEqual([2, 0, null]);
  expect([50_000, 50_001].map((now) => budget.take(now))).toEqual([1, 0]);
});
