import { expect, test } from 'vitest';
import { inertJson, inertLine, inertLines } from './inert-text.ts';

const acting: [string, string][] = [
  ['CSI', '\u001b[2J'],
  ['OSC 8 link', '\u001b]8;;x\u0007'],
  ['OSC 52 clipboard', '\u001b]52;c;eA==\u001b\\'],
  ['DCS', '\u001bP1$r\u001b\\'],
  ['carriage return', '\r'],
  ['line feed', '\n'],
  ['backspace', '\b'],
  ['bell', '\u0007'],
  ['8-bit CSI', '\u009b31m'],
  ['DEL', '\u007f'],
  ['right-to-left override', '\u202e'],
  ['isolate', '\u2066'],
  ['zero-width space', '\u200b'],
  ['byte order mark', '\ufeff'],
  ['line separator', '\u2028'],
  ['next line', '\u0085'],
  ['tag character', '\u{e0041}'],
  ['half a pair', '\ud800'],
];
/** Ranges of code points that must not come through. */
const forbidden = [
  [0x00, 0x1f],
  [0x7f, 0x9f],
  [0x200b, 0x200f],
  [0x2028, 0x202e],
  [0x2066, 0x2069],
  [0xd800, 0xdfff],
  [0xfeff, 0xfeff],
  [0xe0000, 0xe007f],
] as const;

function actingIn(text: string): string[] {
  return [...text].filter((character) => {
    const code = character.codePointAt(0) ?? 0;
    return forbidden.some(([first, last]) => code >= first && code <= last);
  });
}

test.each(acting)('%s is spelt out', (_name, text) => {
  expect(inertLine(`a${text}b`)).toMatch(/^a\\u\{[0-9a-f]+\}/);
  expect(actingIn(inertLine(`a${text}b`))).toEqual([]);
});

test.each(acting)('%s is escaped in JSON, and the value stays the same', (_name, text) => {
  const value = [`a${text}b`];
  const json = inertJson(value);
  expect(actingIn(json.replaceAll('\n', ''))).toEqual([]);
  expect(JSON.parse(json)).toEqual(value);
});

test('a pile of marks is cut down to what a script needs, and JSON keeps its value', () => {
  const pile = `x${'\u0301'.repeat(5_000)}`;
  expect(inertLine(pile).match(/\p{M}+/u)?.[0]).toHaveLength(8);
  expect(inertLine(pile)).toContain('\\u{301}');
  expect(JSON.parse(inertJson([pile]))).toEqual([pile]);
  expect(inertJson([pile]).match(/\p{M}+/u)?.[0]).toHaveLength(8);
});

test('ordinary text in any script stays as it is', () => {
  for (const text of ['plain', 'Grüße', '漢字', '🙂', 'a\\b', 'ภาษาไทย น้ำ', 'हिन्दी क्ष्म', 'שָׁלוֹם', 'བོད་སྐད'])
    expect(inertLine(text)).toBe(text);
});

test('lines keep their breaks, lose a final one, and have tabs widened', () => {
  expect(inertLines('a\tb\r\n\u001bc\rd\n')).toEqual(['a    b', '\\u{1b}c\\u{d}d']);
  expect(inertLines('')).toEqual(['']);
});

test.each(['\u{34f}', '\u{115f}', '\u{1160}', '\u{2003}', '\u{2800}', '\u{3164}', '\u{ffa0}'])(
  'A35 a character that shows as nothing or as an unusual space is spelt out: %j',
  (character) => {
    expect(inertLine(`a${character}b`)).toBe(`a\\u{${character.codePointAt(0)?.toString(16)}}b`);
  },
);

test('the spaces of French and Japanese stay', () => {
  expect(inertLine('voilà\u{a0}! \u{3000}はい')).toBe('voilà\u{a0}! \u{3000}はい');
});
