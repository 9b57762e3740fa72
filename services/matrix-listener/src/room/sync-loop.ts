import type { MatrixEventId, MatrixRoomId, MatrixUserId } from '@countersign/contracts/matrix-names.ts';
import type { Logger } from '@countersign/kit/logger.ts';
import type { Homeserver } from '../adapters/matrix.ts';
import { Backoff } from '../backoff.ts';
import { HomeserverError } from '../homeserver-error.ts';
import { listenerLimits } from '../limits.ts';
import { pause } from '../pause.ts';
import type { StateFile } from '../state/state-file.ts';
import type { Troubles } from '../troubles.ts';
import { enterRoom, SetupError, troubleOf } from './enter.ts';
import { type MessagesPage, ObservedEvent } from './observed.ts';
import { markShown, type Reached } from './take-in.ts';

type Parts = {
  readonly room: MatrixRoomId;
  readonly bot: MatrixUserId;
  readonly state: StateFile;
  readonly homeserver: Pick<Homeserver, 'whoAmI' | 'isJoined' | 'join' | 'isEncrypted' | 'sync' | 'messages'>;
  readonly takeIn: (events: readonly unknown[], reached: Reached) => Promise<void>;
  readonly troubles: Troubles;
  readonly logger: Logger;
  /** Milliseconds of a clock that does not go back. */
  readonly clock?: () => number;
};

/**
 * Reads the room from where it was read before. Invariant: the position moves on only when everything before it was dealt with;
 * what is delivered again is known by its event ids. Before the first position nothing counts.
 */
export class SyncLoop {
  readonly #parts: Parts;
  readonly #clock: () => number;
  #entered = false;
  /** Gate messages that were sent before a sync which did not bring them: since when, by a clock that does not go back. */
  #absent: ReadonlyMap<MatrixEventId, number> = new Map();
  #caughtUp = Promise.withResolvers<void>();
  #isCaughtUp = false;
  #again = new AbortController();
  /** Who waits for a reading that begins after they asked. */
  #asked: (() => void)[] = [];

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#clock = parts.clock ?? (() => performance.now());
  }

  /** Resolves when the room was read once since the start: the bot's messages that it did not know to be sent are known then. */
  get caughtUp(): Promise<void> {
    return this.#caughtUp.promise;
  }

  /**
   * Lets go of whatever the loop waits for: who the bot is and what the room holds is asked anew, at once. Resolves when the room was
   * read by a turn that began after this.
   */
  readAnew(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#asked.push(resolve);
    this.#again.abort();
    return promise;
  }

  async run(stop: AbortSignal): Promise<void> {
    const { troubles, logger } = this.#parts;
    const backoff = new Backoff();
    let holdMs = 0;
    while (!stop.aborted) {
      if (this.#again.signal.aborted) {
        this.#again = new AbortController();
        this.#entered = false;
        holdMs = 0;
        backoff.reset();
      }
      const again = this.#again.signal;
      const end = AbortSignal.any([stop, again]);
      try {
        await this.turn(holdMs, end);
        backoff.reset();
        troubles.clear('sync');
        holdMs = listenerLimits.syncHoldMs;
        await pause(listenerLimits.syncPauseMs, end);
      } catch (error) {
        if (stop.aborted) return;
        if (again.aborted) continue;
        const { severity, reason } = troubleOf(error);
        troubles.set('sync', severity, reason);
        logger.warn({ error: reason }, 'the room cannot be read; it is tried again');
        // Whatever it was: whether the bot is still who it was, and where it was, is asked anew when it is over.
        if (!(error instanceof HomeserverError) || error.code !== 'limited') this.#entered = false;
        holdMs = 0;
        await pause(backoff.after(error), end);
      }
    }
  }

  /** One sync, with what lies in a gap before it. */
  async turn(holdMs: number, stop: AbortSignal): Promise<void> {
    const asked = this.#asked.splice(0);
    // Who asks sends nothing until then: so it is not waited for that something is sent.
    if (asked.length > 0) this.#isCaughtUp = false;
    try {
      await this.#read(holdMs, stop);
    } catch (error) {
      this.#asked.unshift(...asked);
      throw error;
    }
    for (const resolve of asked) resolve();
  }

  async #read(holdMs: number, stop: AbortSignal): Promise<void> {
    const { state, homeserver, room, bot, takeIn } = this.#parts;
    if (!this.#entered) await enterRoom(homeserver, bot, room, stop);
    this.#entered = true;
    await this.#untilThereIsRoom(stop);
    const { since } = state.now;
    const sentBefore = new Set(state.now.gates.filter(({ seen }) => seen === null).map(({ event }) => event));
    const answer = await homeserver.sync(since, holdMs, stop);
    if (room in answer.rooms.leave && !(room in answer.rooms.join))
      throw new SetupError(`${bot} is no longer in the room ${room}: invite it again, and it joins by itself`);
    if (since === null) await takeIn([], { since: answer.next_batch });
    else {
      const timeline = answer.rooms.join[room]?.timeline;
      if (timeline?.limited === true) await this.#fillGap(state.now.gap ?? since, timeline.prev_batch, stop);
      await this.#markShown(sentBefore, timeline?.events ?? []);
      await takeIn(timeline?.events ?? [], { since: answer.next_batch });
      // From now on the room may be one that cannot be read: that is asked before the next sync.
      this.#entered = timeline?.limited !== true && !timeline?.events.some(isAboutEncryption);
    }
    this.#isCaughtUp = true;
    this.#caughtUp.resolve();
  }

  /** Waits while too much is to be sent; nothing is sent before the room was read once. */
  async #untilThereIsRoom(stop: AbortSignal): Promise<void> {
    const { state } = this.#parts;
    while (this.#isCaughtUp && state.now.outgoing.length >= listenerLimits.outgoing && !stop.aborted)
      await pause(listenerLimits.retryMaximumMs, stop, state.changed);
  }

  /** Goes through what lies between two positions, oldest first. When it is cut short, it goes on where it was. */
  async #fillGap(from: string, to: string | undefined, stop: AbortSignal): Promise<void> {
    if (to === undefined)
      throw new HomeserverError('bad-answer', 'the homeserver leaves something out and does not say what');
    let position: string | undefined = from;
    for (let page = 0; position !== undefined; page += 1) {
      if (page >= listenerLimits.gapPages)
        throw new HomeserverError('bad-answer', `a gap of more than ${page} pages is not gone through at once`);
      await this.#untilThereIsRoom(stop);
      const { chunk, end } = await this.#page(position, to, stop);
      position = end === position ? undefined : end;
      // A page with nothing on it may lead nowhere: what is kept is where something was.
      await this.#parts.takeIn(chunk, { gap: chunk.length > 0 ? (position ?? to) : this.#parts.state.now.gap });
    }
  }

  /** A position that the homeserver does not know is given up: the gap is then gone through from its beginning. */
  async #page(position: string, to: string, stop: AbortSignal): Promise<MessagesPage> {
    const { homeserver, state } = this.#parts;
    try {
      return await homeserver.messages(position, to, stop);
    } catch (error) {
      if (error instanceof HomeserverError && error.code === 'refused' && state.now.gap !== null)
        await state.update((next) => void Object.assign(next, { gap: null }));
      throw error;
    }
  }

  /**
   * What was sent before many syncs and came in none lies before them all. One or two do not tell: some homeservers show a
   * message in a sync only a while after they took it, and what was said before it must not be about it.
   */
  async #markShown(sentBefore: ReadonlySet<MatrixEventId>, events: readonly unknown[]): Promise<void> {
    const present = new Set(events.map((event) => (event as { event_id?: unknown } | null)?.event_id));
    const now = this.#clock();
    const absent = [...sentBefore].filter((event) => !present.has(event));
    this.#absent = new Map(absent.map((event) => [event, this.#absent.get(event) ?? now]));
    const missing = new Set(
      absent.filter((event) => now - (this.#absent.get(event) ?? now) >= listenerLimits.absentMs),
    );
    if (missing.size > 0) await this.#parts.state.update((next) => markShown(next, missing));
  }
}

function isAboutEncryption(event: unknown): boolean {
  const { type } = ObservedEvent.pick({ type: true }).safeParse(event).data ?? {};
  return type === 'm.room.encryption' || type === 'm.room.encrypted';
}
