import { expect, test } from 'vitest';
import { keycaps, optionOf } from './keycaps.ts';

test('each of ten options has a sign, with or without the selector of colour', () => {
  expect(keycaps).toHaveLength(10);
  for (const [index, keycap] of keycaps.entries()) {
    expect(optionOf(keycap)).toBe(index);
    expect(optionOf(keycap.replaceAll('\u{fe0f}', ''))).toBe(index);
  }
});

test.each(['1', '0\u{fe0f}\u{20e3}', '11', '\u{20e3}', '', '✅', '1\u{20e3}2\u{20e3}', '1️⃣ '])(
  'A13 %j is no option',
  (key) => {
    expect(optionOf(key)).toBeNull();
  },
);
