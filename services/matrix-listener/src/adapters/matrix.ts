import { randomUUID } from 'node:crypto';
import { attachedFileType } from '@countersign/contracts/attached-file.ts';
import { DoorError } from '@countersign/contracts/gateway-api.ts';
import { inertLine } from '@countersign/contracts/inert-text.ts';
import type { MatrixEventId, MatrixRoomId } from '@countersign/contracts/matrix-names.ts';
import { MatrixEventId as EventIdSchema } from '@countersign/contracts/matrix-names.ts';
import { createClient, HTTPError, type MatrixClient, MatrixError, Method } from 'matrix-js-sdk';
import { logger as globalLogger, type Logger as SdkLogger } from 'matrix-js-sdk/lib/logger.js';
import { z } from 'zod';
import type { BotToken } from '../bot-token.ts';
import { HomeserverError } from '../homeserver-error.ts';
import { listenerLimits } from '../limits.ts';
import { MediaAddress } from '../message/file-message.ts';
import { MessagesPage, SyncAnswer } from '../room/observed.ts';

/** The library's own lines could hold what others wrote, and say nothing that our log lacks. Its types do not show this method. */
(globalLogger as unknown as { disableAll(): void }).disableAll();
const silent: SdkLogger = {
  trace: () => undefined,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  getChild: () => silent,
};

const timelineTypes = ['m.room.message', 'm.reaction', 'm.room.redaction', 'm.room.encrypted'];
/** Without an event that it may show, a homeserver does not say that the bot has left the room. */
const syncTypes = [...timelineTypes, 'm.room.member', 'm.room.encryption'];
const Sent = z.object({ event_id: EventIdSchema });
const Uploaded = z.object({ content_uri: MediaAddress });
const Joined = z.object({ joined_rooms: z.array(z.string()) });
const WhoAmI = z.object({ user_id: z.string() });

/** What of a request is not as it is with most. */
type How = {
  readonly limitMs?: number;
  readonly prefix?: string;
  /** The answer's bytes as they are. */
  readonly rawResponseBody?: true;
  readonly headers?: Readonly<Record<string, string>>;
};

/** What is posted into the room; the key is the transaction. */
export type Post = {
  readonly type: 'm.room.message' | 'm.reaction';
  readonly key: string;
  readonly content: object;
};

/** The client API's routes that the listener uses. Every failure is a HomeserverError, or the signal's reason. */
export class Homeserver {
  readonly #client: MatrixClient;
  readonly #token: Pick<BotToken, 'now' | 'accept' | 'look'>;
  readonly #room: MatrixRoomId;
  #events: number = listenerLimits.timelineEvents;
  #answers = 0;

  /**
   * @param token asked for with each request, and looked for anew when the homeserver does not take it
   * @param fetchFn how requests get to the homeserver
   */
  constructor(token: Pick<BotToken, 'now' | 'accept' | 'look'>, room: MatrixRoomId, fetchFn: typeof globalThis.fetch) {
    this.#client = createClient({ baseUrl: 'http://homeserver', fetchFn, logger: silent });
    this.#token = token;
    this.#room = room;
  }

  /** How many requests it has answered: where that grows, it is there. */
  get answers(): number {
    return this.#answers;
  }

  /** The user that the token belongs to. */
  async whoAmI(signal: AbortSignal): Promise<string> {
    return (await this.#ask(WhoAmI, Method.Get, '/account/whoami', {}, undefined, signal)).user_id;
  }

  async isJoined(signal: AbortSignal): Promise<boolean> {
    const { joined_rooms } = await this.#ask(Joined, Method.Get, '/joined_rooms', {}, undefined, signal);
    return joined_rooms.includes(this.#room);
  }

  /** Takes up an invitation to the room. */
  async join(signal: AbortSignal): Promise<void> {
    await this.#ask(z.unknown(), Method.Post, `${this.#roomPath}/join`, {}, {}, signal);
  }

  async isEncrypted(signal: AbortSignal): Promise<boolean> {
    try {
      await this.#ask(z.unknown(), Method.Get, `${this.#roomPath}/state/m.room.encryption`, {}, undefined, signal);
      return true;
    } catch (error) {
      if (error instanceof HomeserverError && error.code === 'missing') return false;
      throw error;
    }
  }

  /**
   * What happened in the room since a position; without one, where it stands now.
   * @param holdMs how long the homeserver may wait for something to happen
   */
  async sync(since: string | null, holdMs: number, signal: AbortSignal): Promise<SyncAnswer> {
    const nothing = { types: [] };
    // Without a position the same question may get an answer of minutes ago, which a homeserver has kept: so it never is the same.
    const first = { limit: 1, not_types: [randomUUID()] };
    const filter = (limit: number) =>
      JSON.stringify({
        presence: nothing,
        account_data: nothing,
        room: {
          rooms: [this.#room],
          include_leave: true,
          state: nothing,
          ephemeral: nothing,
          account_data: nothing,
          timeline: { types: syncTypes, ...(since === null ? first : { limit }) },
        },
      });
    const limitMs = listenerLimits.requestMs + holdMs;
    return await this.#page((limit) => {
      const query = { filter: filter(limit), timeout: String(holdMs), ...(since === null ? {} : { since }) };
      return this.#ask(SyncAnswer, Method.Get, '/sync', query, undefined, signal, { limitMs });
    });
  }

  /** One page of what happened between two positions, oldest first. */
  async messages(from: string, to: string, signal: AbortSignal): Promise<MessagesPage> {
    const filter = JSON.stringify({ types: timelineTypes });
    return await this.#page((limit) => {
      const query = { from, to, dir: 'f', limit: String(limit), filter };
      return this.#ask(MessagesPage, Method.Get, `${this.#roomPath}/messages`, query, undefined, signal);
    });
  }

  /**
   * Posts a message, or a sign on one; under the same key one is posted, however often it is sent.
   * @returns the event's id
   */
  async send({ type, key, content }: Post, signal: AbortSignal): Promise<MatrixEventId> {
    const path = `${this.#roomPath}/send/${type}/${encodeURIComponent(key)}`;
    return (await this.#ask(Sent, Method.Put, path, {}, { ...content }, signal)).event_id;
  }

  /** The bytes of a file that lies on the homeserver. */
  async download(server: string, media: string, signal: AbortSignal): Promise<Uint8Array> {
    const path = `/media/download/${encodeURIComponent(server)}/${encodeURIComponent(media)}`;
    const how = { prefix: '/_matrix/client/v1', rawResponseBody: true } as const;
    const blob = await this.#ask(z.instanceof(Blob), Method.Get, path, {}, undefined, signal, how);
    return new Uint8Array(await blob.arrayBuffer());
  }

  /** Puts a text among the homeserver's media, where it is until somebody posts its address. */
  async upload(name: string, bytes: Uint8Array, signal: AbortSignal): Promise<MediaAddress> {
    const how = { prefix: '/_matrix/media/v3', headers: { 'Content-Type': attachedFileType } };
    const query = { filename: name };
    return (await this.#ask(Uploaded, Method.Post, '/upload', query, bytes, signal, how)).content_uri;
  }

  get #roomPath(): string {
    return `/rooms/${encodeURIComponent(this.#room)}`;
  }

  /** Asks for as many events as an answer can probably hold; when it could not, at once for so few that it can. */
  async #page<Page>(ask: (events: number) => Promise<Page>): Promise<Page> {
    try {
      const page = await ask(this.#events);
      this.#events = Math.min(this.#events * 2, listenerLimits.timelineEvents);
      return page;
    } catch (error) {
      const mayBeTooMuch = error instanceof HomeserverError && error.code === 'bad-answer';
      if (!mayBeTooMuch || this.#events === listenerLimits.fewEvents) throw error;
      this.#events = listenerLimits.fewEvents;
      return await ask(this.#events);
    }
  }

  async #ask<Schema extends z.ZodType>(
    schema: Schema,
    method: Method,
    path: string,
    query: Record<string, string>,
    body: Record<string, unknown> | Uint8Array | undefined,
    signal: AbortSignal,
    { limitMs = listenerLimits.requestMs, headers, ...elsewhere }: How = {},
  ): Promise<z.output<Schema>> {
    const abortSignal = AbortSignal.any([signal, AbortSignal.timeout(limitMs)]);
    const access = this.#token.now;
    let answer: unknown;
    try {
      answer = await this.#client.http.request(method, path, query, body, {
        abortSignal,
        headers: { ...headers, Authorization: `Bearer ${access.token}` },
        priority: undefined,
        ...elsewhere,
      });
    } catch (error) {
      signal.throwIfAborted();
      const failure = asHomeserverError(error, access.token);
      if (failure.code === 'unauthorised') await this.#token.look();
      throw failure;
    }
    const parsed = schema.safeParse(answer);
    if (!parsed.success)
      throw new HomeserverError('bad-answer', 'the homeserver’s answer is not that of a Matrix server', {
        cause: parsed.error,
      });
    this.#token.accept(access);
    this.#answers += 1;
    return parsed.data;
  }
}

/** @param token that may stand in no message: what is said of a failure is logged and shown */
function asHomeserverError(error: unknown, token: string): HomeserverError {
  if (error instanceof HomeserverError) return error;
  if (error instanceof MatrixError) return ofMatrix(error, token);
  if (error instanceof HTTPError) return ofStatus(error, '');
  // The library takes every answer that calls itself JSON for an object.
  if (error instanceof SyntaxError || error instanceof TypeError)
    return new HomeserverError('bad-answer', 'the homeserver’s answer is not the JSON of a Matrix server');
  return new HomeserverError('unreachable', 'the homeserver does not answer in time, or broke off', { cause: error });
}

function ofMatrix(error: MatrixError, token: string): HomeserverError {
  const door = DoorError.safeParse(error.data);
  if (door.success) {
    const codes = {
      COUNTERSIGN_NOT_ALLOWED: 'refused',
      COUNTERSIGN_ADDRESS: 'address',
      COUNTERSIGN_UNREACHABLE: 'unreachable',
      COUNTERSIGN_BAD_ANSWER: 'bad-answer',
    } as const;
    // The homeserver may pass its own words off as the door's.
    const words = door.data.error.replaceAll(token, '[the token]');
    const said = inertLine(words).slice(0, listenerLimits.reasonCharacters);
    return new HomeserverError(codes[door.data.errcode], said, { cause: error });
  }
  const errcode =
    typeof error.errcode === 'string' && !error.errcode.includes(token)
      ? error.errcode.replace(/[^A-Z0-9_]/g, '').slice(0, 64)
      : '';
  return ofStatus(error, errcode);
}

/** @param errcode the Matrix error, empty where the answer is none: then somebody between may have given it */
function ofStatus(error: HTTPError, errcode: string): HomeserverError {
  const status = error.httpStatus ?? 0;
  const retryAfterMs = retryAfter(error);
  const patience = retryAfterMs === null || retryAfterMs === 0 ? '' : ` and asks to wait ${seconds(retryAfterMs)}`;
  const message = `${`the homeserver answered ${status} ${errcode}`.trimEnd()}${patience}`;
  const options = { cause: error, retryAfterMs, status };
  if (errcode === 'M_UNKNOWN_TOKEN' || errcode === 'M_MISSING_TOKEN')
    return new HomeserverError('unauthorised', message, options);
  if (status === 401) return new HomeserverError('unauthorised', message, options);
  if (status === 403) return new HomeserverError('forbidden', message, options);
  if (status === 404) return new HomeserverError('missing', message, options);
  if (status === 429) return new HomeserverError('limited', message, options);
  if (status >= 500) return new HomeserverError('unreachable', message, options);
  return new HomeserverError(errcode === '' ? 'bad-answer' : 'refused', message, options);
}

function seconds(milliseconds: number): string {
  return `${Math.ceil(milliseconds / 1_000)} s`;
}

/** Milliseconds, as far as a server's word on it can be believed. */
function retryAfter(error: HTTPError): number | null {
  try {
    const milliseconds = error.getRetryAfterMs();
    if (milliseconds === null || Number.isNaN(milliseconds)) return null;
    return Math.min(Math.max(milliseconds, 0), listenerLimits.retryAfterMaximumMs);
  } catch {
    return null;
  }
}
