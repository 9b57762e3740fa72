import { pageLimits, type SearchResults } from '@countersign/contracts/page-api.ts';
import type { Database } from '../index/database.ts';
import { textKinds } from '../index/texts.ts';
import { rowOf } from '../rows/task-row.ts';
import { excerptOf, fullTextQuery } from './full-text.ts';
import { recordOf } from './task-lists.ts';

/**
 * The tasks in whose texts all words are: those that have them in their names first, then those that have the last word whole, then the
 * others; the newest of each first. A rank by how often words stand where would have to look at every text that has them, and so has a
 * word that is only begun: texts are asked for that when the whole words are not in enough of them.
 */
export function search(database: Database, words: string): SearchResults {
  const query = fullTextQuery(words);
  if (query === null) return { results: [] };
  const best = new Map<number, number>();
  for (const [table, match] of [
    ['names', query.match],
    ['search', query.whole],
    ['search', query.match],
  ] as const) {
    if (best.size >= pageLimits.search) break;
    for (const { rowid } of database.iterate(
      `SELECT rowid FROM ${table} WHERE ${table} MATCH ? ORDER BY rowid DESC LIMIT ?`,
      match,
      textKinds.length * pageLimits.search,
    )) {
      const number = Math.floor((rowid as number) / 4);
      if (!best.has(number)) best.set(number, rowid as number);
      if (best.size >= pageLimits.search) break;
    }
  }
  return {
    results: [...best].flatMap(([number, rowid]) => {
      const record = recordOf(database, number);
      const kind = textKinds[rowid % 4];
      const text = database.get('SELECT text FROM search WHERE rowid = ?', rowid)?.['text'];
      if (record === null || kind === undefined || typeof text !== 'string') return [];
      return [{ row: rowOf(record), found_in: kind, excerpt: excerptOf(text, query) }];
    }),
  };
}
