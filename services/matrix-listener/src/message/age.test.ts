import { expect, test } from 'vitest';
import { ageOf } from './age.ts';

const now = Date.parse('2026-11-20T12:00:00.000Z');

test.each([
  ['2026-11-20T11:59:30.000Z', 'less than a minute'],
  ['2026-11-20T11:59:00.000Z', '1 min'],
  ['2026-11-20T08:55:00.000Z', '3 h 5 min'],
  ['2026-11-18T11:00:00.000Z', '2 d 1 h'],
  ['2026-11-19T12:00:00.000Z', '1 d 0 h'],
  ['2026-11-21T12:00:00.000Z', 'less than a minute'],
])('%s was %s ago', (at, words) => {
  expect(ageOf(at, now)).toBe(words);
});
