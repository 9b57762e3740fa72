import { queryLimits } from './limits.ts';

/**
 * A person's words as a query of SQLite's full-text search: all of them must be there, the last one as far as it was typed. Each stands
 * in quotation marks, so that none is an operator. Null where there is nothing to search for.
 */
export function fullTextQuery(words: string): string | null {
  const terms = words
    .replaceAll(/[\p{Cc}\p{Cs}]/gu, ' ')
    .split(/\s+/u)
    .filter((word) => /[\p{L}\p{N}]/u.test(word))
    .slice(0, queryLimits.queryWords)
    .map((word) => `"${word.replaceAll('"', '""')}"`);
  return terms.length === 0 ? null : `${terms.join(' ')}*`;
}

/** What stands around a word that was found, as the index marks it; no text in it has them. */
export const marks = { start: '\u0001', end: '\u0002' } as const;

/** An excerpt in pieces, in turn as it is and as it was found. */
export function piecesOf(excerpt: string): { text: string; found: boolean }[] {
  return excerpt
    .split(marks.start)
    .flatMap((part, index) => {
      if (index === 0) return [{ text: part, found: false }];
      const [found = '', ...rest] = part.split(marks.end);
      return [
        { text: found, found: true },
        { text: rest.join(''), found: false },
      ];
    })
    .filter(({ text }) => text !== '');
}
