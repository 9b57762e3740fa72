import { expect, test } from 'vitest';
import { textFlags } from './diff-text-flags.ts';

test.each([
  ['bidi-control', 'S080 a right-to-left override', 'if (isAdmin\u202e \u2066// only admins\u2069 \u2066) {'],
  ['bidi-control', 'S080 an isolate', 'a\u2067b'],
  ['bidi-control', 'a right-to-left mark', 'a\u200fb'],
  ['invisible-character', 'S080 a zero-width space', 'pass\u200bword'],
  ['invisible-character', 'a zero-width joiner in a name', 'ad\u200dmin'],
  ['invisible-character', 'a Hangul filler, which is a letter', 'const { a,\u3164} = b'],
  ['invisible-character', 'a tag character', 'x\u{e0041}'],
  ['invisible-character', 'bytes hidden in variation selectors', `😀${'\u{e0121}'.repeat(3)}`],
  ['invisible-character', 'a second selector behind an emoji', '❤\ufe0f\ufe0f'],
  ['invisible-character', 'a line separator', 'a\u2028b'],
  ['invisible-character', 'a byte order mark', '\ufeffa'],
  ['homoglyph', 'S080 a Cyrillic letter in a Latin word', 'p\u0430ypal'],
  ['homoglyph', 'a Greek letter in a Latin word', 'l\u03bfgin'],
  ['homoglyph', 'an Armenian letter in a Latin word', 'c\u0585de'],
  ['homoglyph', 'a full-width letter in a Latin word', 'e\uff56al'],
  ['homoglyph', 'mathematical letters, which some compilers read as plain ones', '𝐞𝐯𝐚𝐥(x)'],
  ['control-character', 'S084 an escape sequence', 'a\u001b[2Jb'],
  ['control-character', 'a carriage return in the middle', 'evil()\rnice()'],
  ['control-character', 'a backspace', 'a\b'],
  ['control-character', 'an 8-bit escape', 'a\u009b2Jb'],
])('%s: %s', (flag, _name, text) => {
  expect(textFlags(text)).toEqual([flag]);
});

test.each([
  'plain ASCII with\ttabs',
  'Grüße, voilà, señor, Łódź',
  'привет, мир',
  'Καλημέρα κόσμε',
  '漢字 ｶﾅ ＡＰＩ',
  'שלום עולם',
  'हिन्दी',
  '5 μs, 3 kΩ, Δx, λ1, 2πr',
  '👩‍💻 👍🏽 ❤️ 1️⃣ 🏳️‍🌈',
  'naïve x²',
])('ordinary text has no flag: %s', (text) => {
  expect(textFlags(text)).toEqual([]);
});

test('a word wholly of another script has none, though it looks Latin', () => {
  expect(textFlags('\u0441\u043e\u0440\u0435')).toEqual([]);
});

test('no text takes long, however it is made', () => {
  const piece = 64 * 1024;
  const began = performance.now();
  for (const unit of ['a\u0430', '\u0430', '😀\u200d', '1\ufe0f', 'a\u0301', '\u200b', '_', 'a\u202e ', '\u{1d400}'])
    textFlags(unit.repeat(piece / unit.length));
  expect(performance.now() - began).toBeLessThan(2_000);
});
