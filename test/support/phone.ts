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

const Sign = z.object({ 'm.relates_to': z.object({ key: z.literal('👍'), event_id: z.string() }) });
const Edit = z.object({
  'm.new_content': z.object({ body: z.string() }),
  'm.relates_to': z.object({ rel_type: z.literal('m.replace'), event_id: z.string() }),
});

function editOf(content: Record<string, unknown>): { event: string; body: string } | null {
  const { data } = Edit.safeParse(content);
  return data === undefined ? null : { event: data['m.relates_to'].event_id, body: data['m.new_content'].body };
}

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

  /** What others have written in the room, as it was first said; files are none of it. */
  async received(): Promise<RoomEvent[]> {
    return (await this.#others()).filter(
      ({ type, content }) => type === 'm.room.message' && content['msgtype'] !== 'm.file' && editOf(content) === null,
    );
  }

  /** The files that others have put into the room. */
  async files(): Promise<RoomEvent[]> {
    return (await this.#others()).filter(({ content }) => content['msgtype'] === 'm.file');
  }

  /** Downloads a file. @param url of its event; @param token null for somebody who is not logged in */
  async download(url: unknown, token: string | null = this.session.token): Promise<Response> {
    const [, server = '', id = ''] = /^mxc:\/\/([^/]+)\/([^/]+)$/.exec(String(url)) ?? [];
    return await fetch(`${this.http.url}/_matrix/client/v1/media/download/${server}/${id}`, {
      headers: token === null ? {} : { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(60_000),
    });
  }

  /** What others have changed of what they wrote, each with the message that it is about. */
  async edits(): Promise<{ readonly event: string; readonly body: string }[]> {
    return (await this.#others()).flatMap(({ content }) => editOf(content) ?? []);
  }

  async #others(): Promise<RoomEvent[]> {
    return (await this.events()).filter(({ sender }) => sender !== this.session.user);
  }

  /** Waits until a message says all of these words where it stands, edited in place. @returns all that it says */
  async showsAt(event: string, words: readonly string[], timeoutMs = 60_000): Promise<string> {
    const end = Date.now() + timeoutMs;
    for (;;) {
      const edits = (await this.edits().catch(() => [])).filter((edit) => edit.event === event);
      const body = edits.at(-1)?.body ?? '';
      if (words.every((word) => body.includes(word))) return body;
      if (Date.now() > end)
        throw new Error(`not ${JSON.stringify(words)} but:\n${edits.map((edit) => edit.body).join('\n--\n')}`);
      await sleep(200);
    }
  }

  /** Waits until the bot has put its sign on something: it counted. */
  async signOn(event: string, timeoutMs = 60_000): Promise<void> {
    const end = Date.now() + timeoutMs;
    while (!(await this.signed().catch((): string[] => [])).includes(event)) {
      if (Date.now() > end) throw new Error(`no sign on ${event}`);
      await sleep(200);
    }
  }

  /** The events that others put a sign on. */
  async signed(): Promise<string[]> {
    return (await this.#others()).flatMap(({ type, content }) =>
      type === 'm.reaction' ? (Sign.safeParse(content).data?.['m.relates_to'].event_id ?? []) : [],
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

  /** How often the homeserver would have rung since the room was last read. */
  async notifications(): Promise<number> {
    // A homeserver keeps its answer to the first sync for minutes: this one never is the same question.
    const timeline = { limit: 1, not_types: [crypto.randomUUID()] };
    const filter = encodeURIComponent(JSON.stringify({ room: { rooms: [this.room], timeline } }));
    const Unread = z.object({ unread_notifications: z.object({ notification_count: z.int() }) });
    const synced = z
      .object({ rooms: z.object({ join: z.record(z.string(), Unread) }) })
      .parse(await this.http.api('GET', `/sync?timeout=0&filter=${filter}`, this.session.token));
    return synced.rooms.join[this.room]?.unread_notifications.notification_count ?? 0;
  }

  /** Has read everything that is in the room. */
  async readsAll(): Promise<void> {
    const last = (await this.events()).at(-1)?.event_id ?? '';
    const path = `${this.#path}/receipt/m.read/${encodeURIComponent(last)}`;
    await this.http.api('POST', path, this.session.token, {});
  }

  say(text: string): Promise<string> {
    return this.http.say(this.session.token, this.room, text);
  }

  /** Attaches a file to the room. */
  async attach(name: string, bytes: string): Promise<string> {
    const url = await this.http.upload(this.session.token, bytes);
    const path = `${this.#path}/send/m.room.message/${crypto.randomUUID()}`;
    const { event_id } = await this.http.api('PUT', path, this.session.token, { msgtype: 'm.file', body: name, url });
    return z.string().parse(event_id);
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
