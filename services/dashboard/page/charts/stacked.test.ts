import { expect, test } from 'vitest';
import { largest, piecesOf } from './stacked.ts';

test('pieces of a day stand on one another', () => {
  expect(piecesOf({ day: '2026-03-04', values: { done: 3, failed: 2 } }, ['done', 'rejected', 'failed'])).toEqual([
    { series: 'done', from: 0, to: 3 },
    { series: 'failed', from: 3, to: 5 },
  ]);
});

test('a series with the name of something inherited is nothing', () => {
  expect(piecesOf({ day: '2026-03-04', values: {} }, ['constructor'])).toEqual([]);
});

test('the small ones are put together', () => {
  const days = [{ day: '2026-03-04', values: { a: 5, b: 3, c: 1, d: 1 } }];
  expect(largest(days, 3)).toEqual({
    series: ['a', 'b', 'other'],
    days: [{ day: '2026-03-04', values: { a: 5, b: 3, other: 2 } }],
  });
  expect(largest(days, 4).series).toEqual(['a', 'b', 'c', 'd']);
});
