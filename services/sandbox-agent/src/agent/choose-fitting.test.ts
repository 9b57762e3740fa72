import { expect, test } from 'vitest';
import { chooseFitting } from './choose-fitting.ts';

const kib = 1024;
const change = (name: string, bytes: number | null) => ({ path: Buffer.from(name), bytes });
const names = (changes: readonly { path: Buffer }[]) => changes.map(({ path }) => path.toString());
const choose = (limits: Partial<Parameters<typeof chooseFitting>[1]>, ...changes: ReturnType<typeof change>[]) => {
  const { chosen, left } = chooseFitting(changes, {
    roomBytes: 1_000 * kib,
    fileBytes: 500 * kib,
    files: 10,
    ...limits,
  });
  return [names(chosen), names(left)];
};

test('the smallest come first, and what fills the disk is left out', () => {
  expect(choose({}, change('huge', 900 * kib), change('b', 20), change('gone', null), change('a', 10))).toEqual([
    ['gone', 'a', 'b'],
    ['huge'],
  ]);
});
test('a file that would not be taken in anyway keeps no other back', () => {
  expect(choose({ fileBytes: 100 }, change('b', 101), change('a', 100))).toEqual([['a'], ['b']]);
});
test('many small files that do not find room together', () => {
  const many = Array.from({ length: 8 }, (_, index) => change(`f${index}`, 92 * kib));
  const [chosen, left] = choose({ roomBytes: 500 * kib }, ...many);
  expect([chosen?.length, left?.length]).toEqual([5, 3]);
});
test('so many files and no more', () => {
  expect(choose({ files: 1 }, change('a', 1), change('b', 2))).toEqual([['a'], ['b']]);
});
