import { expect, test } from 'vitest';
import { listenerLimits } from '../limits.ts';
import { StrangerQuota } from './stranger-quota.ts';

const { strangerAnswers, strangerWindowMs } = listenerLimits;

function taken(quota: StrangerQuota, now: number, times: number): number {
  return Array.from({ length: times }, () => quota.take(now)).filter(Boolean).length;
}

test('so many strangers are answered in a while, and no more', () => {
  const quota = new StrangerQuota();
  expect(taken(quota, 0, 1_000)).toBe(strangerAnswers);
  expect(taken(quota, strangerWindowMs - 1, 10)).toBe(0);
  expect(taken(quota, strangerWindowMs, 1_000)).toBe(strangerAnswers);
});

test('a clock that goes back gives nobody more', () => {
  const quota = new StrangerQuota();
  expect(taken(quota, 1_000_000, 10)).toBe(strangerAnswers);
  expect(taken(quota, 0, 10)).toBe(0);
});
