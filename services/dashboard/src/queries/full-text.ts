import { queryLimits } from './limits.ts';

/**
 * What a person searches for: `match` and, with the last word whole, `whole` as queries of SQLite's full-text search; `words` as they
 * stand in a text, the last begun only.
 */
export type FullTextQuery = {
  readonly match: string;
  readonly whole: string;
  readonly words: readonly string[];
  readonly isBegun: boolean;
};

const word = /[\p{L}\p{N}\p{M}\p{Co}]+/gu;

/**
 * A person's words: all of them must be there, the last one as far as it was typed. Each stands in quotation marks, so that none is an
 * operator. Null where there is nothing to search for.
 */
export function fullTextQuery(text: string): FullTextQuery | null {
  const words = (text.toWellFormed().match(word) ?? []).slice(0, queryLimits.queryWords);
  const last = words.at(-1);
  if (last === undefined) return null;
  // One letter begins a good part of all words.
  const isBegun = last.length > 1;
  const whole = words.map((one) => `"${one}"`).join(' ');
  return { match: isBegun ? `${whole}*` : whole, whole, words: words.map(folded), isBegun };
}

/**
 * A piece of a text around the first of the words in it, in turn as it is and as it was found; the beginning of the text where none
 * of them is in it.
 */
export function excerptOf(text: string, { words, isBegun }: FullTextQuery): { text: string; found: boolean }[] {
  const isFound = (token: string) => {
    const one = folded(token);
    return words.some(
      (wanted, index) => one === wanted || (isBegun && index === words.length - 1 && one.startsWith(wanted)),
    );
  };
  const { before, length } = queryLimits.excerpt;
  const pieces: { text: string; found: boolean }[] = [];
  let start: number | null = null;
  let end = length;
  let at = 0;
  for (const { 0: token, index } of text.matchAll(word)) {
    if (start !== null && index + token.length > end) break;
    if (!isFound(token)) continue;
    if (start === null) {
      start = beginning(text, index - before);
      end = start + length;
      at = start;
    }
    pieces.push({ text: text.slice(at, index), found: false }, { text: token, found: true });
    at = index + token.length;
  }
  pieces.push({ text: text.slice(at, Math.max(at, beginning(text, end))), found: false });
  const [first] = pieces;
  if (first !== undefined && start !== null && start > 0) first.text = `…${first.text}`;
  const last = pieces.at(-1);
  if (last !== undefined && end < text.length) last.text = `${last.text}…`;
  return pieces.filter((piece) => piece.text !== '').map((piece) => ({ ...piece, text: piece.text.toWellFormed() }));
}

/** Where a word begins, at a place or behind it. */
function beginning(text: string, place: number): number {
  if (place <= 0) return 0;
  const space = text.slice(place, place + 40).search(/\s/u);
  return space < 0 ? place : place + space + 1;
}

/** As the search compares words: without marks and capitals. */
function folded(token: string): string {
  const small = token.toLowerCase();
  return /^\w*$/.test(small) ? small : small.normalize('NFD').replaceAll(/\p{M}/gu, '');
}
