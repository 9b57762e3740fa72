import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseEnv } from 'node:util';
import { MatrixOperatorEnv } from '@countersign/contracts/config/matrix.ts';
import { z } from 'zod';
import { MatrixHttp, type Session } from './matrix-http.ts';

const RoomEvent = z.object({
  event_id: z.string(),
  sender: z.string(),
  type: z.string(),
  content: z.record(z.string(), z.unknown()),
});
export type RoomEvent = z.infer<typeof RoomEvent>;

/** The operator's phone: a client of its own at the homeserver, by plain HTTP, in the one room. */
export class Phone {
  readonly http: MatrixHttp;
  readonly session: Session;
  readonly room: string;

  constructor(http: MatrixHttp, session: Session, room: string) {
    this.http = http;
    this.session = session;
    this.room = room;
  }

  /** Logs in as `secrets/enrol/operator.env` says. @param path of that file */
  static async login(path: string): Promise<Phone> {
    const env = MatrixOperatorEnv.parse(parseEnv(await readFile(path, 'utf8')));
    const http = new MatrixHttp(env.MATRIX_HOMESERVER);
    return new Phone(http, await http.login(env.MATRIX_USER, env.MATRIX_PASSWORD), env.MATRIX_ROOM_ID);
  }

  /** Everything in the room, oldest first. */
  async events(): Promise<RoomEvent[]> {
    const events: RoomEvent[] = [];
    let from = '';
    for (;;) {
      const page = z
        .object({ chunk: z.array(RoomEvent), end: z.string().optional() })
        .parse(await this.http.api('GET', `${this.#path}/messages?dir=f&limit=100${from}`, this.session.token));
      events.push(...page.chunk);
      if (page.end === undefined || page.chunk.length === 0) return events;
      from = `&from=${encodeURIComponent(page.end)}`;
    }
  }

  /** What others have written in the room. */
  async received(): Promise<RoomEvent[]> {
    return (await this.events()).filter(
      ({ type, sender }) => type === 'm.room.message' && sender !== this.session.user,
    );
  }

  /** Waits for a message of somebody else's that holds all of these words. @throws Error with what there is instead */
  async receives(words: readonly string[], timeoutMs = 60_000): Promise<RoomEvent> {
    const end = Date.now() + timeoutMs;
    for (;;) {
      const received = await this.received().catch(() => []);
      const found = received.find(({ content }) => words.every((word) => String(content['body']).includes(word)));
      if (found !== undefined) return found;
      if (Date.now() > end)
        throw new Error(
          `no message with ${JSON.stringify(words)} in:\n${received.map(({ content }) => content['body']).join('\n--\n')}`,
        );
      await sleep(200);
    }
  }

  /** The message that answers an event. */
  async answerTo(event: string, timeoutMs = 60_000): Promise<string> {
    const end = Date.now() + timeoutMs;
    for (;;) {
      for (const { content } of await this.received().catch(() => [])) {
        const relation = z
          .object({ 'm.in_reply_to': z.object({ event_id: z.string() }) })
          .safeParse(content['m.relates_to']);
        if (relation.data?.['m.in_reply_to'].event_id === event) return String(content['body']);
      }
      if (Date.now() > end) throw new Error(`nothing answers ${event}`);
      await sleep(200);
    }
  }

  say(text: string): Promise<string> {
    return this.http.say(this.session.token, this.room, text);
  }

  async react(event: string, key: string): Promise<string> {
    const relation = { rel_type: 'm.annotation', event_id: event, key };
    const { event_id } = await this.http.api(
      'PUT',
      `${this.#path}/send/m.reaction/${crypto.randomUUID()}`,
      this.session.token,
      { 'm.relates_to': relation },
    );
    return z.string().parse(event_id);
  }

  get #path(): string {
    return `/rooms/${encodeURIComponent(this.room)}`;
  }
}
