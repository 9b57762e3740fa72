import type { SearchResults } from '@countersign/contracts/page-api.ts';
import { pageLimits } from '@countersign/contracts/page-api.ts';
import type { Database } from '../index/database.ts';
import { textKinds } from '../index/texts.ts';
import { rowOf } from '../rows/task-row.ts';
import { fullTextQuery, marks, piecesOf } from './full-text.ts';
import { queryLimits } from './limits.ts';
import { recordOf } from './task-lists.ts';

/** The tasks in whose texts all words are, each with the best of them; among many the best of the newest. */
export function search(database: Database, words: string): SearchResults {
  const match = fullTextQuery(words);
  if (match === null) return { results: [] };
  const found = database
    .all(
      'SELECT rowid, bm25(search) AS score FROM search WHERE search MATCH ? ORDER BY rowid DESC LIMIT ?',
      match,
      queryLimits.ranked,
    )
    .map(({ rowid, score }) => ({ rowid: rowid as number, score: score as number }))
    .sort((a, b) => a.score - b.score || b.rowid - a.rowid);
  const best = new Map<number, number>();
  for (const { rowid } of found) {
    const number = Math.floor(rowid / 4);
    if (!best.has(number)) best.set(number, rowid);
    if (best.size >= pageLimits.search) break;
  }
  return {
    results: [...best].flatMap(([number, rowid]) => {
      const record = recordOf(database, number);
      const kind = textKinds[rowid % 4];
      if (record === null || kind === undefined) return [];
      const excerpt = database.get(
        'SELECT snippet(search, 0, ?, ?, ?, 24) AS excerpt FROM search WHERE search MATCH ? AND rowid = ?',
        marks.start,
        marks.end,
        '…',
        match,
        rowid,
      )?.['excerpt'];
      return [{ row: rowOf(record), found_in: kind, excerpt: piecesOf(String(excerpt ?? '')) }];
    }),
  };
}
