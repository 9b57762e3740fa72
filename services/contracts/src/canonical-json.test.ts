import { expect, test } from 'vitest';
import { canonicalJson, type Json } from './canonical-json.ts';

const spellings: [Json, string][] = [
  [null, 'null'],
  [true, 'true'],
  [-0, '0'],
  [9_007_199_254_740_991, '9007199254740991'],
  ['a"\\\u0001ü🙂', '"a\\"\\\\\\u0001ü🙂"'],
  [[], '[]'],
  [{}, '{}'],
  [[1, [2, { b: 1, a: [] }]], '[1,[2,{"a":[],"b":1}]]'],
  [{ b: undefined, a: 1 }, '{"a":1}'],
  [{ 10: 1, 9: 2, a: 3 }, '{"10":1,"9":2,"a":3}'],
  // UTF-16 order: the emoji's first unit (D83D) comes before U+FB01, although its code point is larger.
  [{ '\ufb01': 1, '🙂': 2 }, '{"🙂":2,"\ufb01":1}'],
];
test.each(spellings)('%j', (value, text) => {
  expect(canonicalJson(value)).toBe(text);
});

test('the order in which members were written does not matter', () => {
  const one = { b: [{ y: 1, x: 2 }], a: 'x' };
  const other = { a: 'x', b: [{ x: 2, y: 1 }] };
  expect(canonicalJson(one)).toBe(canonicalJson(other));
});

test('what is written is read back the same', () => {
  const value = { 'k\u0000': [1, 'ü\ud800', null, { '': false }] };
  expect(JSON.parse(canonicalJson(value))).toEqual(value);
});

test.each([1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, -(2 ** 53)])(
  '%d is no safe integer and is refused',
  (number) => {
    expect(() => canonicalJson({ a: [number] })).toThrow(RangeError);
  },
);
