import { join } from 'node:path';
import { isFinal } from '@countersign/contracts/task-state.ts';
import type { Logger } from '@countersign/kit/logger.ts';
import { listenerLimits } from '../limits.ts';
import { type JournalSize, ownJournal } from './journal-list.ts';
import { type News, newsOf, noteOf } from './news.ts';
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
      if (event === null) logger.warn({ journal: name, after: end }, 'a line of a journal is no event');
      else news.push(...[noteOf(event), newsOf(event)].filter((told) => told !== null));
    }
    end = piece.end;
  }
  return { name, end, news: withoutSuperseded(news) };
}

/** Reads a whole journal for what waits for an answer now, and which tasks have not ended; of what was before nothing is told. */
export async function readStanding(runs: string, journal: JournalSize, logger: Logger): Promise<Chapter> {
  const { name, end, news } = await readNews(runs, journal, 0, logger, Number.POSITIVE_INFINITY);
  const last = lastOfEach(news);
  const stands = (item: News) =>
    'record' in item && last.get(item.record.id) === item && !isFinal(item.record.state.status);
  return { name, end, news: news.filter((item) => asks(item) || stands(item)) };
}

function lastOfEach(news: readonly News[]): ReadonlyMap<string, News> {
  const last = new Map<string, News>();
  for (const item of news) if ('record' in item) last.set(item.record.id, item);
  return last;
}

function withoutSuperseded(news: readonly News[]): News[] {
  const last = lastOfEach(news);
  return news.filter((item) => !asks(item) || last.get(item.record.id) === item);
}

function asks(item: News): item is News & { kind: 'request' | 'review' | 'question' } {
  return item.kind === 'request' || item.kind === 'review' || item.kind === 'question';
}
