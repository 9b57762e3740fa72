import { expect, test } from 'vitest';
import { Backoff } from './backoff.ts';
import { HomeserverError } from './homeserver-error.ts';
import { listenerLimits } from './limits.ts';

const { retryMinimumMs, retryMaximumMs } = listenerLimits;

test('each wait is twice the one before, up to the longest', () => {
  const backoff = new Backoff();
  const waits = Array.from({ length: 12 }, () => backoff.after(new Error('x')));
  expect(waits.slice(0, 3)).toEqual([retryMinimumMs, retryMinimumMs * 2, retryMinimumMs * 4]);
  expect(waits.at(-1)).toBe(retryMaximumMs);
  expect(Math.max(...waits)).toBe(retryMaximumMs);
  backoff.reset();
  expect(backoff.after(null)).toBe(retryMinimumMs);
});

test('a homeserver that asks for more gets it, one that asks for less does not', () => {
  const asking = (retryAfterMs: number | null) => new HomeserverError('limited', 'slow down', { retryAfterMs });
  expect(new Backoff().after(asking(7_000))).toBe(7_000);
  expect(new Backoff().after(asking(0))).toBe(retryMinimumMs);
  expect(new Backoff().after(asking(null))).toBe(retryMinimumMs);
});
