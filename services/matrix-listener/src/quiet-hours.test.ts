import { expect, test } from 'vitest';
import { isQuiet } from './quiet-hours.ts';

const night = { from: '22:00', to: '07:00', time_zone: 'Europe/Berlin' };
const noon = { from: '12:00', to: '13:30', time_zone: 'UTC' };
const at = (time: string) => Date.parse(time);

test.each([
  ['2026-11-20T20:59:59Z', false],
  ['2026-11-20T21:00:00Z', true],
  ['2026-11-20T23:30:00Z', true],
  ['2026-11-21T00:00:00Z', true],
  ['2026-11-21T05:59:59Z', true],
  ['2026-11-21T06:00:00Z', false],
  // An hour earlier in summer.
  ['2026-07-20T20:00:00Z', true],
  ['2026-07-20T19:59:00Z', false],
])('over midnight, where the operator lives: %s', (time, quiet) => {
  expect(isQuiet(night, at(time))).toBe(quiet);
});

test.each([
  ['2026-11-20T11:59:59Z', false],
  ['2026-11-20T12:00:00Z', true],
  ['2026-11-20T13:29:59Z', true],
  ['2026-11-20T13:30:00Z', false],
])('within a day: %s', (time, quiet) => {
  expect(isQuiet(noon, at(time))).toBe(quiet);
});

test('without quiet hours it is never quiet', () => {
  expect(isQuiet(null, at('2026-11-20T23:00:00Z'))).toBe(false);
});
