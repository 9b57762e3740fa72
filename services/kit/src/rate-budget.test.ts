import { expect, test } from 'vitest';
import { RateBudget } from './rate-budget.ts';

test('so many lines in a window, and the next one says how many there were besides', () => {
  const budget = new RateBudget(2, 1_000);
  expect([0, 1, 2, 999].map((now) => budget.take(now))).toEqual([0, 0, null, null]);
  expect([1_000, 1_001, 1_002].map((now) => budget.take(now))).toEqual([2, 0, null]);
  expect([50_000, 50_001].map((now) => budget.take(now))).toEqual([1, 0]);
});

function taken(budget: RateBudget, now: number, times: number): number {
  return Array.from({ length: times }, () => budget.take(now)).filter((left) => left !== null).length;
}

test('so many are given in a while, and no more', () => {
  const budget = new RateBudget(5, 60_000);
  expect(taken(budget, 0, 1_000)).toBe(5);
  expect(taken(budget, 59_999, 10)).toBe(0);
  expect(taken(budget, 60_000, 1_000)).toBe(5);
});

test('a clock that goes back gives nobody more', () => {
  const budget = new RateBudget(5, 60_000);
  expect(taken(budget, 1_000_000, 10)).toBe(5);
  expect(taken(budget, 0, 10)).toBe(0);
});
