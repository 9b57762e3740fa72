import { expect, test } from 'vitest';
import { closestWord } from './closest-word.ts';

const known = ['approve', 'cancel', 'pause', 'resume', 'show', 'diff'];

test.each([
  ['aprove', 'approve'],
  ['Approve', 'approve'],
  ['cancle', 'cancel'],
  ['cancell', 'cancel'],
  ['shwo', 'show'],
  ['resmue', 'resume'],
  ['puase', 'pause'],
  ['dif', 'diff'],
])('%j means %j', (typed, meant) => {
  expect(closestWord(typed, known)).toBe(meant);
});

test.each(['', 'x', 'delete', 'constructor', '--version', 'sh', 'a'.repeat(100_000)])('%j means nothing', (typed) => {
  expect(closestWord(typed, known)).toBeNull();
});
