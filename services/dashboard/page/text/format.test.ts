import { expect, test } from 'vitest';
import { ago, amount, bytes, clockTime, counted, duration, elapsed } from './format.ts';

test.each([
  [850, '850 ms'],
  [42_900, '42 s'],
  [185_000, '3 m 05 s'],
  [2 * 3_600_000 + 600_000, '2 h 10 m'],
  [99 * 3_600_000, '4 d 03 h'],
  [-5, '0 ms'],
])('%d ms is %s', (ms, words) => {
  expect(duration(ms)).toBe(words);
});

test.each([
  ['2026-01-01T00:00:58.000Z', 'now'],
  ['2026-01-01T00:00:18.000Z', '42 s ago'],
  ['2025-12-31T23:55:00.000Z', '6 m ago'],
  ['2025-12-25T00:00:00.000Z', '7 d ago'],
  ['2026-01-01T00:06:00.000Z', 'in 5 m'],
])('%s is %s', (timestamp, words) => {
  expect(ago(timestamp, Date.parse('2026-01-01T00:01:00.000Z'))).toBe(words);
});

test.each([
  [812, '812 B'],
  [3_400, '3.4 kB'],
  [12_000_000, '12 MB'],
  [640_000, '640 kB'],
])('%d bytes are %s', (count, words) => {
  expect(bytes(count)).toBe(words);
});

test.each([
  [940, '940'],
  [12_400, '12.4 k'],
  [1_234_567, '1.2 M'],
])('%d is %s', (count, words) => {
  expect(amount(count)).toBe(words);
});

test('a time of another day is told with its day', () => {
  const timestamp = '2026-03-04T12:00:00.000Z';
  expect(clockTime(timestamp, Date.parse(timestamp))).toMatch(/^\d\d:\d\d:\d\d$/);
  expect(clockTime(timestamp, Date.parse('2026-03-09T12:00:00.000Z'))).toMatch(/^2026-03-0\d \d\d:\d\d:\d\d$/);
});

test('one is not many', () => {
  expect(counted(1, 'file')).toBe('1 file');
  expect(counted(1_200, 'repository', 'repositories')).toBe('1,200 repositories');
});

test.each([
  [0, '0 s'],
  [42_900, '42 s'],
  [185_000, '3 m 05 s'],
  [47 * 60_000 + 8_000, '47 m'],
  [2 * 3_600_000 + 600_000, '2 h 10 m'],
])('%d ms that go on are %s', (ms, words) => {
  expect(elapsed(ms)).toBe(words);
});
