import { expect, test } from 'vitest';
import { excerptOf, fullTextQuery } from './full-text.ts';

const excerpt = (text: string, words: string) => {
  const query = fullTextQuery(words);
  return query === null ? [] : excerptOf(text, query);
};

test('words are quoted, the last one is a beginning, and what is no word is nothing', () => {
  expect(fullTextQuery('Café "gate-way OR x')?.match).toBe('"Café" "gate" "way" "OR" "x"');
  expect(fullTextQuery('abc')?.match).toBe('"abc"*');
  for (const text of ['', '"', '***', '- ()', '\u0000', '\ud800']) expect(fullTextQuery(text)).toBeNull();
});

test('an excerpt is around the first word that is found, without marks or capitals, and loses no character', () => {
  const text = `${'before '.repeat(50)}the CAFÉ of gateways ${'after '.repeat(100)}`;
  const pieces = excerpt(text, 'cafe gatew');
  expect(pieces.filter(({ found }) => found).map((piece) => piece.text)).toEqual(['CAFÉ', 'gateways']);
  const whole = pieces.map((piece) => piece.text).join('');
  expect(whole.startsWith('…before')).toBe(true);
  expect(text).toContain(whole.slice(1, -1));
  expect(whole.length).toBeLessThan(300);
});

test('markup and half characters stay text', () => {
  expect(
    excerpt('<b>one</b> \ud83e', 'one')
      .map((piece) => piece.text)
      .join(''),
  ).toBe('<b>one</b> \ufffd');
  expect(excerpt('nothing of it', 'other')).toEqual([{ text: 'nothing of it', found: false }]);
});

test('a long text costs little', () => {
  const begin = performance.now();
  for (let turn = 0; turn < 50; turn += 1) excerpt(`${'word '.repeat(13_000)}needle`, 'needle');
  expect(performance.now() - begin).toBeLessThan(10_000);
});
