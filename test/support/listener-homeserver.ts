import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { operatorId } from './listener-home.ts';
import { until } from './listener-wait.ts';

export const botId = '@agentbot:countersign.local';
export const pinnedRoom = '!pinned:countersign.local';

/** An event as this server tells it, which may be anything. */
export type Told = unknown;
export type Posted = { readonly event_id: string; readonly content: Readonly<Record<string, unknown>> };

/** Answers a request of the listener in place of the server. */
export type Misdeed = (response: ServerResponse, request: IncomingMessage) => void;

/** So short that a test is quick, and long enough that the listener does not turn in circles. */
const holdMs = 300;
const timelineEvents = 40;

/** A homeserver with one room that tells whatever a test wants it to, and answers as a test wants it to. */
export class ScriptedHomeserver implements AsyncDisposable {
  readonly url: string;
  /** What the bot has posted, each transaction once. */
  readonly sent: Posted[] = [];
  readonly #server: Server;
  readonly #transactions = new Map<string, string>();
  readonly #timeline: Told[] = [];
  #misdeeds: { readonly route: string; readonly act: Misdeed; left: number }[] = [];
  #count = 0;

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async start(): Promise<ScriptedHomeserver> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const homeserver = new ScriptedHomeserver(server);
    server.on('request', (request, response) => void homeserver.#answer(request, response));
    return homeserver;
  }

  /** An event of the operator's, unless it is said otherwise. */
  event(content: object, change: object = {}): Record<string, unknown> & { readonly event_id: string } {
    this.#count += 1;
    const event_id = `$event${this.#count}`;
    return { event_id, type: 'm.room.message', sender: operatorId, origin_server_ts: Date.now(), content, ...change };
  }

  /** The room goes on with these. */
  tell(...events: readonly Told[]): void {
    this.#timeline.push(...events);
  }

  /** Misbehaves so many times on each of these routes, and resolves when that was so. @param routes parts of their paths */
  async misbehave(routes: readonly string[], times: number, act: Misdeed): Promise<void> {
    const misdeeds = routes.map((route) => ({ route, act, left: times }));
    this.#misdeeds = misdeeds;
    await until(`each of ${routes} was asked ${times} times`, () => misdeeds.every(({ left }) => left === 0), {
      timeoutMs: 60_000,
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const misdeed = this.#misdeeds.find(({ route, left }) => left > 0 && request.url?.includes(route));
    if (misdeed !== undefined) {
      request.resume();
      misdeed.left -= 1;
      return misdeed.act(response, request);
    }
    const { pathname, searchParams } = new URL(request.url ?? '', this.url);
    const route = pathname.replace('/_matrix/client/v3/', '');
    if (route === 'account/whoami') return json(response, 200, { user_id: botId });
    if (route === 'joined_rooms') return json(response, 200, { joined_rooms: [pinnedRoom] });
    if (route === 'sync') return await this.#sync(response, searchParams.get('since'));
    if (route.endsWith('/messages')) return this.#messages(response, searchParams);
    if (route.includes('/send/')) return await this.#take(request, response, route.split('/').at(-1) ?? '');
    json(response, 404, { errcode: 'M_NOT_FOUND', error: 'no such thing' });
  }

  async #sync(response: ServerResponse, since: string | null): Promise<void> {
    if (since === null) return json(response, 200, { next_batch: position(this.#timeline.length) });
    const from = placeOf(since);
    for (let waited = 0; waited < holdMs && this.#timeline.length === from; waited += 20) await sleep(20);
    const end = this.#timeline.length;
    const start = Math.max(from, end - timelineEvents);
    const timeline = { events: this.#timeline.slice(start, end), limited: start > from, prev_batch: position(start) };
    const join = end === from ? {} : { [pinnedRoom]: { timeline } };
    json(response, 200, { next_batch: position(end), rooms: { join } });
  }

  #messages(response: ServerResponse, query: URLSearchParams): void {
    const [from, to] = [placeOf(query.get('from')), placeOf(query.get('to'))];
    if (Number.isNaN(from)) {
      json(response, 400, { errcode: 'M_INVALID_PARAM', error: 'no such position' });
      return;
    }
    const end = Math.min(from + Number(query.get('limit')), to);
    json(response, 200, { chunk: this.#timeline.slice(from, end), ...(end < to ? { end: position(end) } : {}) });
  }

  async #take(request: IncomingMessage, response: ServerResponse, transaction: string): Promise<void> {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const known = this.#transactions.get(transaction);
    if (known !== undefined) return json(response, 200, { event_id: known });
    const event = { ...this.event(JSON.parse(Buffer.concat(parts).toString('utf8'))), sender: botId };
    this.#transactions.set(transaction, event.event_id);
    this.sent.push(event as unknown as Posted);
    this.tell(event);
    json(response, 200, { event_id: event.event_id });
  }

  /** Waits until the bot has posted such a message. */
  async receives(isIt: (posted: Posted) => boolean): Promise<Posted> {
    return await until('the bot has posted a message', () => this.sent.find(isIt) ?? null, {
      instead: () => Promise.resolve(this.sent.map(({ content }) => content['body']).join('\n--\n')),
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

export function json(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

function position(place: number): string {
  return `s${place}`;
}

function placeOf(text: string | null): number {
  return Number(text?.slice(1));
}
