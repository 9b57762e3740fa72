import { join } from 'node:path';
import type { Logger } from '@countersign/kit/logger.ts';
import { listenerLimits } from '../limits.ts';
import { type JournalSize, ownJournal } from './journal-list.ts';
import { type News, newsOf } from './news.ts';
import { readPiece } from './tail.ts';

/** What one journal says that is new, and up to where it was read. */
export type Chapter = { readonly name: string; readonly end: number; readonly news: readonly News[] };

/**
 * Reads a journal from a position to its end. Of each task only what is still true at the end is told as a request: one that was
 * decided or replaced meanwhile asks nobody any more.
 * @param most so much of the journal of no run is enough
 */
export async function readNews(
  runs: string,
  { name, size }: JournalSize,
  position: number,
  logger: Logger,
  most: number = listenerLimits.outgoing,
): Promise<Chapter> {
  const path = join(runs, name);
  const news: News[] = [];
  let end = position;
  // In the journal of no run nothing makes anything else superfluous, so that it can be told bit by bit.
  const mayStop = () => name === ownJournal && news.length >= most;
  while (end < size && !mayStop()) {
    const piece = await readPiece(path, end);
    if (piece.end === end) break;
    for (const { event } of piece.lines) {
      const told = event === null ? null : newsOf(event);
      if (event === null) logger.warn({ journal: name, after: end }, 'a line of a journal is no event');
      if (told !== null) news.push(told);
    }
    end = piece.end;
  }
  return { name, end, news: withoutSuperseded(news) };
}

/** Reads a whole journal for what waits for an answer now; of what was before that nothing is told. */
export async function readStanding(runs: string, journal: JournalSize, logger: Logger): Promise<Chapter> {
  const { name, end, news } = await readNews(runs, journal, 0, logger, Number.POSITIVE_INFINITY);
  return { name, end, news: news.filter(asks) };
}

function withoutSuperseded(news: readonly News[]): News[] {
  const last = new Map<string, News>();
  for (const item of news) if ('record' in item) last.set(item.record.id, item);
  return news.filter((item) => !asks(item) || last.get(item.record.id) === item);
}

function asks(item: News): item is News & { kind: 'request' | 'review' } {
  return item.kind === 'request' || item.kind === 'review';
}
