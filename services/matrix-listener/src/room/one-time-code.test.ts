import { expect, test } from 'vitest';
import { hideCodes, splitCode } from './one-time-code.ts';

test.each([
  ['123456', '', '123456'],
  ['abcde 123456', 'abcde', '123456'],
  ['unverified 000000', 'unverified', '000000'],
  ['one\ntwo \n 123456', 'one\ntwo', '123456'],
  ['123456 654321', '123456', '654321'],
  ['abcde 12345', 'abcde 12345', null],
  ['abcde 1234567', 'abcde 1234567', null],
  ['abcde x123456', 'abcde x123456', null],
  ['abcde 123456.', 'abcde 123456.', null],
  ['abcde １２３４５６', 'abcde １２３４５６', null],
  ['123456 abcde', '123456 abcde', null],
  ['', '', null],
])('of %j the words are %j, and the code %j', (said, words, code) => {
  expect(splitCode(said)).toEqual({ words, code });
});

test('A18 long words are read in no time', () => {
  const started = performance.now();
  for (const piece of [' ', 'x', 'x ', '1', '1 ', '123456 ', '123 ']) {
    splitCode(`a${piece.repeat(100_000)}x`);
    hideCodes(`a${piece.repeat(100_000)}x`);
  }
  expect(performance.now() - started).toBeLessThan(5_000);
});

test.each([
  ['approve abcde 123456', 'approve abcde ••••••'],
  ['123456', '••••••'],
  ['abcde 123 456', 'abcde ••••••'],
  ['abcde 123-456.', 'abcde ••••••.'],
  ['123456, please', '••••••, please'],
  ['1234567', '1234567'],
  ['2026-11-20 123456.md abc-123456', '2026-11-20 123456.md abc-123456'],
])('%j is shown as %j', (text, shown) => {
  expect(hideCodes(text)).toBe(shown);
});
