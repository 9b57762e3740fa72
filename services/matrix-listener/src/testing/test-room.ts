import type { MatrixEventId } from '@countersign/contracts/matrix-names.ts';
import type { Post } from '../adapters/matrix.ts';
import { MessagesPage, SyncAnswer } from '../room/observed.ts';
import { bot, hashedId, type RawEvent, room, saidAt } from './room-events.ts';

/** How the room behaves that is not how a good homeserver does. */
export type RoomManners = {
  /** So many events fit into one sync; the others are a gap. */
  limit: number;
  /** So many events that were told before are told again in the next sync. */
  redeliver: number;
};

/**
 * One room on a homeserver, in memory: events have places, a message is posted once under a transaction, and what was redacted
 * is handed out without its content.
 */
export class TestRoom {
  readonly manners: RoomManners = { limit: 40, redeliver: 0 };
  /** Everything that was said, in its order and as it is handed out now; garbage among it. */
  readonly timeline: unknown[] = [];
  /** The same, as it was first said. */
  readonly originals: unknown[] = [];
  /** The bot's own messages and signs as they were sent. */
  readonly posted: RawEvent[] = [];
  /** Its edits of them. */
  readonly edits: RawEvent[] = [];
  /** The names of what went among the media. */
  readonly uploads: string[] = [];
  readonly #transactions = new Map<string, MatrixEventId>();
  #firstPlace: number | null = null;
  #changed = Promise.withResolvers<void>();

  say<Event>(event: Event): Event {
    this.timeline.push(event);
    this.originals.push(event);
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
    return event;
  }

  /** Takes an event back, as its homeserver does it. */
  redact(target: string, redaction: RawEvent): void {
    const place = this.events.findIndex(({ event_id }) => event_id === target);
    const event = this.events[place];
    if (event === undefined) return;
    const pruned = { ...event, content: {}, unsigned: { redacted_because: redaction } };
    this.timeline[this.timeline.indexOf(event)] = pruned;
    this.say(redaction);
  }

  get events(): RawEvent[] {
    return this.timeline.filter((event): event is RawEvent => typeof event === 'object' && event !== null);
  }

  /** After a new login, or long after: what was sent under a transaction is not known any more. */
  forgetTransactions(): void {
    this.#transactions.clear();
  }

  readonly whoAmI = async (): Promise<string> => bot;
  readonly isJoined = async (): Promise<boolean> => true;
  readonly join = async (): Promise<void> => undefined;
  readonly isEncrypted = async (): Promise<boolean> => false;

  readonly sync = async (since: string | null, holdMs: number, signal: AbortSignal): Promise<SyncAnswer> => {
    this.#firstPlace ??= this.timeline.length;
    if (since === null) return this.#answer([], this.timeline.length);
    const from = placeOf(since);
    if (holdMs > 0 && from === this.timeline.length) await this.#held(holdMs, signal);
    const { limit, redeliver } = this.manners;
    const end = this.timeline.length;
    this.manners.redeliver = 0;
    if (end - from <= limit)
      return this.#answer(this.timeline.slice(Math.max(this.#firstPlace, from - redeliver), end), end);
    return this.#answer(this.timeline.slice(end - limit, end), end, end - limit);
  };

  readonly messages = async (from: string, to: string): Promise<MessagesPage> => {
    const start = placeOf(from);
    const end = Math.min(placeOf(to), start + this.manners.limit);
    const chunk = this.timeline.slice(start, end);
    return MessagesPage.parse({ chunk, ...(end < placeOf(to) ? { end: `s${end}` } : {}) });
  };

  readonly send = async ({ type, key, content }: Post): Promise<MatrixEventId> => {
    const known = this.#transactions.get(key);
    if (known !== undefined) return known;
    const event_id = hashedId(`${this.timeline.length} ${key}`);
    this.#transactions.set(key, event_id);
    const said = { event_id, type, sender: bot, origin_server_ts: saidAt };
    const isEdit = 'm.new_content' in content;
    (isEdit ? this.edits : this.posted).push(this.say({ ...said, content: { ...content } }));
    return event_id;
  };

  /** However often a file goes up, it has another address. */
  readonly upload = async (name: string): Promise<string> => {
    this.uploads.push(name);
    return `mxc://home.test/file${this.uploads.length}`;
  };

  /** The texts of the bot's messages as they were sent, and its signs with what they stand on. */
  get bodies(): string[] {
    return this.posted.map(({ content }) => {
      const relation = content['m.relates_to'] as { key?: string; event_id?: string } | undefined;
      return relation?.key === undefined ? String(content['body']) : `${relation.key} ${relation.event_id}`;
    });
  }

  /** How each message that was edited begins now, by its event, in the order of the messages. */
  get edited(): Record<string, string> {
    const texts = new Map<string, string>();
    for (const { content } of this.edits) {
      const target = (content['m.relates_to'] as { event_id: string }).event_id;
      texts.set(target, String((content['m.new_content'] as { body: string }).body).split('\n', 1)[0] ?? '');
    }
    const known = this.posted.flatMap(({ event_id }) => (texts.has(event_id) ? [event_id] : []));
    return Object.fromEntries(known.map((event) => [event, texts.get(event) ?? '']));
  }

  #answer(events: unknown[], next: number, gap?: number): SyncAnswer {
    const timeline = { events, limited: gap !== undefined, ...(gap === undefined ? {} : { prev_batch: `s${gap}` }) };
    return SyncAnswer.parse({ next_batch: `s${next}`, rooms: { join: { [room]: { timeline } } } });
  }

  async #held(holdMs: number, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, holdMs);
    signal.addEventListener('abort', () => resolve(), { once: true });
    await Promise.race([this.#changed.promise, promise]);
    clearTimeout(timer);
  }
}

function placeOf(position: string): number {
  return Number(position.slice(1));
}
