import { join } from 'node:path';
import { ApprovalViewError } from '@countersign/kit/approval-view.ts';
import { DiffViewError } from '@countersign/kit/diff-view.ts';
import type { Logger } from '@countersign/kit/logger.ts';
import { listenerLimits } from '../limits.ts';
import { remindOfLateVerdicts } from '../outbox/late-verdicts.ts';
import { tellOfLongWaits } from '../outbox/long-waits.ts';
import { type Calling, remind } from '../outbox/reminders.ts';
import { pause } from '../pause.ts';
import type { StateFile } from '../state/state-file.ts';
import type { Troubles } from '../troubles.ts';
import { type Announcing, announce, type Change } from './announce.ts';
import { JournalList, type JournalSize } from './journal-list.ts';
import { type Chapter, readNews, readStanding } from './read-news.ts';
import { witnessed } from './witness.ts';

type Parts = {
  readonly state: StateFile;
  readonly announcing: Announcing;
  readonly calling: Calling;
  readonly troubles: Troubles;
  readonly logger: Logger;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Milliseconds of a clock that does not go back. */
  readonly clock?: () => number;
};

/**
 * Reads the journals and queues what the room is to know, also of verdicts that are long in coming, of waits that last and of decisions that still wait. Invariant: a position moves
 * on in the same update that queues the messages of what lies before it, so nothing is told twice and nothing is left out.
 */
export class FollowLoop {
  readonly #parts: Parts;
  readonly #runs: string;
  readonly #list: JournalList;
  readonly #clock: () => number;
  /** Since when a journal's request cannot be shown. */
  readonly #unsettled = new Map<string, number>();

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#runs = join(parts.announcing.volumes, 'runs');
    this.#list = new JournalList(this.#runs);
    this.#clock = parts.clock ?? (() => performance.now());
  }

  async run(stop: AbortSignal): Promise<void> {
    while (!stop.aborted) {
      try {
        const isRead = await this.turn();
        // Only what the journals do not say by now is late, or still waits. What of them is unread may hold the verdict.
        if (isRead) await remindOfLateVerdicts(this.#parts.state, this.#parts.now());
        await tellOfLongWaits(this.#parts.state, this.#parts.now());
        await remind(this.#parts.state, this.#parts.calling, this.#parts.now());
        this.#parts.troubles.clear('journals');
      } catch (error) {
        this.#parts.logger.error({ err: error }, 'the journals cannot be followed');
        this.#parts.troubles.set('journals', 'waiting', `the journals under runs/ cannot be read: ${String(error)}`);
      }
      await pause(listenerLimits.followMs, stop);
    }
  }

  /** One look at every journal that may have grown. @returns whether nothing of them was left for a later one */
  async turn(): Promise<boolean> {
    const { state } = this.#parts;
    const journals = await this.#list.look(this.#clock());
    if (state.now.journals === null) return this.#begin(journals);
    const failures: unknown[] = [];
    let isRead = true;
    for (const journal of journals) {
      if (state.now.outgoing.length >= listenerLimits.outgoing) {
        isRead = false;
        break;
      }
      try {
        isRead = (await this.#follow(journal)) && isRead;
      } catch (error) {
        // A journal that cannot be read holds up no other.
        failures.push(error);
      }
    }
    if (failures.length > 0) throw failures[0];
    return isRead;
  }

  /** @returns whether it was read to its end */
  async #follow(journal: JournalSize): Promise<boolean> {
    const { state, logger } = this.#parts;
    const position = state.now.journals?.[journal.name] ?? 0;
    if (journal.size === position) return true;
    if (journal.size > position) {
      const chapter = await readNews(this.#runs, journal, position, logger);
      // Behind the last whole line is one that is still being written.
      return chapter.end === position || ((await this.#take(chapter)) && !chapter.isCut);
    }
    logger.error({ journal: journal.name, size: journal.size, position }, 'a journal was replaced by a shorter one');
    return await this.#take(await readStanding(this.#runs, journal, logger));
  }

  /** The first start: only what waits for an answer now is told, and nothing of what was before. */
  async #begin(journals: readonly JournalSize[]): Promise<boolean> {
    const positions: Record<string, number> = {};
    const changes: Change[] = [];
    for (const journal of journals) {
      const chapter = await readStanding(this.#runs, journal, this.#parts.logger);
      const told = await this.#changesOf(chapter);
      if (told === null) return false;
      changes.push(...told);
      positions[chapter.name] = chapter.end;
    }
    await this.#parts.state.update((next) => {
      for (const change of changes) change(next);
      next.journals = positions;
    });
    this.#unsettled.clear();
    return true;
  }

  /** @returns whether it could be told */
  async #take(chapter: Chapter): Promise<boolean> {
    const changes = await this.#changesOf(chapter);
    if (changes === null) return false;
    await this.#parts.state.update((next) => {
      for (const change of changes) change(next);
      next.journals = { ...next.journals, [chapter.name]: chapter.end };
    });
    this.#unsettled.delete(chapter.name);
    return true;
  }

  /** Null while a request cannot be shown: it may be being replaced just now, and the journal then goes on. It is read again. */
  async #changesOf({ name, news }: Chapter): Promise<Change[] | null> {
    const changes: Change[] = [];
    for (const item of news) {
      try {
        changes.push(witnessed(await announce(this.#parts.announcing, item, this.#hasWaited(name)), item.head));
      } catch (error) {
        if (!(error instanceof ApprovalViewError || error instanceof DiffViewError)) throw error;
        if (!this.#unsettled.has(name)) this.#unsettled.set(name, this.#clock());
        return null;
      }
    }
    return changes;
  }

  #hasWaited(name: string): boolean {
    const since = this.#unsettled.get(name);
    return since !== undefined && this.#clock() - since > listenerLimits.settleMs;
  }
}
