import { join } from 'node:path';
import type { PostedHead } from '@countersign/contracts/journal-head.ts';
import { isFinal } from '@countersign/contracts/task-state.ts';
import type { Logger } from '@countersign/kit/logger.ts';
import { listenerLimits } from '../limits.ts';
import { type JournalSize, ownJournal } from './journal-list.ts';
import { type News, newsOf, noteOf } from './news.ts';
import { readPiece } from './tail.ts';

/** A piece of news, and how far its journal had come with it. */
type Heard = News & { readonly head: PostedHead };

/** What one journal says that is new, and up to where it was read. */
export type Chapter = { readonly name: string; readonly end: number; readonly news: readonly Heard[] };

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
  const news: Heard[] = [];
  let end = position;
  // In the journal of no run nothing makes anything else superfluous, so that it can be told bit by bit.
  const mayStop = () => name === ownJournal && news.length >= most;
  while (end < size && !mayStop()) {
    const piece = await readPiece(path, end);
    if (piece.end === end) break;
    for (const { event, head } of piece.lines) {
      if (event === null) {
        logger.warn({ journal: name, after: end }, 'a line of a journal is no event');
        continue;
      }
      const posted = { journal: journalOf(name), events: event.seq, head };
      for (const told of [noteOf(event), newsOf(event)]) if (told !== null) news.push({ ...told, head: posted });
    }
    end = piece.end;
  }
  return { name, end, news: withoutSuperseded(news) };
}

/** Reads a whole journal for what waits for an answer now, and which tasks have not ended; of what was before nothing is told. */
export async function readStanding(runs: string, journal: JournalSize, logger: Logger): Promise<Chapter> {
  const { name, end, news } = await readNews(runs, journal, 0, logger, Number.POSITIVE_INFINITY);
  const last = lastOfEach(news);
  const stands = (item: Heard) =>
    'record' in item && last.get(item.record.id) === item && !isFinal(item.record.state.status);
  return { name, end, news: news.filter((item) => asks(item) || stands(item)) };
}

function lastOfEach(news: readonly News[]): ReadonlyMap<string, News> {
  const last = new Map<string, News>();
  for (const item of news) if ('record' in item) last.set(item.record.id, item);
  return last;
}

function withoutSuperseded(news: readonly Heard[]): Heard[] {
  const last = lastOfEach(news);
  return news.filter((item) => !asks(item) || last.get(item.record.id) === item);
}

function asks(item: News): item is News & { kind: 'request' | 'review' | 'question' } {
  return item.kind === 'request' || item.kind === 'review' || item.kind === 'question';
}

/** A run's name is that of its folder. */
function journalOf(name: string): PostedHead['journal'] {
  return name === ownJournal ? 'service' : name.slice(0, name.indexOf('/'));
}
