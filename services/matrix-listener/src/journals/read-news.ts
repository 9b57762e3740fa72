import { join } from 'node:path';
import type { PostedHead } from '@countersign/contracts/journal-head.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { isFinal } from '@countersign/contracts/task-state.ts';
import type { Logger } from '@countersign/kit/logger.ts';
import { listenerLimits } from '../limits.ts';
import { type JournalSize, ownJournal } from './journal-list.ts';
import { newsOf, noteOf } from './news.ts';
import { type Heard, StillTrue } from './still-true.ts';
import { readPiece } from './tail.ts';

/** What one journal says that is new, and up to where it was read. */
export type Chapter = {
  readonly name: string;
  readonly end: number;
  readonly news: readonly Heard[];
  /** There may be more of it that was left for later. */
  readonly isCut: boolean;
};

/**
 * Reads a journal from a position to its end. Of each task only what is still true at the end is told as a request: one that was
 * decided or replaced meanwhile asks nobody any more.
 * @param most so much of the journal of no run is enough
 */
export async function readNews(
  runs: string,
  journal: JournalSize,
  position: number,
  logger: Logger,
  most: number = listenerLimits.outgoing,
): Promise<Chapter> {
  const news = new StillTrue();
  // In the journal of no run nothing makes anything else superfluous, so that it can be told bit by bit.
  const mayStop = () => journal.name === ownJournal && news.size >= most;
  const end = await read(runs, journal, position, logger, (item) => news.add(item), mayStop);
  return { name: journal.name, end, news: news.all, isCut: mayStop() && end < journal.size };
}

/** Reads a whole journal for what waits for an answer now, and which tasks have not ended; of what was before nothing is told. */
export async function readStanding(runs: string, journal: JournalSize, logger: Logger): Promise<Chapter> {
  const last = new Map<string, Extract<Heard, { record: TaskRecord }>>();
  const end = await read(runs, journal, 0, logger, (item) => {
    if (!('record' in item)) return;
    // Behind the others: what is told is told in the order of the journal.
    last.delete(item.record.id);
    last.set(item.record.id, item);
  });
  const news = [...last.values()].filter(({ record }) => !isFinal(record.state.status));
  return { name: journal.name, end, news, isCut: false };
}

/** Hands on what a journal says, piece by piece: however long it is, one piece of it is in memory. @returns where it ended */
async function read(
  runs: string,
  { name, size }: JournalSize,
  position: number,
  logger: Logger,
  hear: (item: Heard) => void,
  mayStop = () => false,
): Promise<number> {
  const path = join(runs, name);
  let end = position;
  while (end < size && !mayStop()) {
    const piece = await readPiece(path, end);
    if (piece.end === end) break;
    for (const { event, head } of piece.lines) {
      if (event === null) {
        logger.warn({ journal: name, after: end }, 'a line of a journal is no event');
        continue;
      }
      const posted = { journal: journalOf(name), events: event.seq, head };
      for (const told of [noteOf(event), newsOf(event)]) if (told !== null) hear({ ...told, head: posted });
    }
    end = piece.end;
  }
  return end;
}

/** A run's name is that of its folder. */
function journalOf(name: string): PostedHead['journal'] {
  return name === ownJournal ? 'service' : name.slice(0, name.indexOf('/'));
}
