import { z } from 'zod';

const answerLimitMs = 60_000;

export type Answer = { readonly status: number; readonly body: Record<string, unknown> };

const LoggedIn = z.object({ user_id: z.string(), access_token: z.string(), device_id: z.string() });
export type Session = { readonly user: string; readonly token: string; readonly device: string };

/** A homeserver as any client sees it: plain calls to the client API, with none of our own code between. */
export class MatrixHttp {
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }

  /** @param path below `/_matrix/client/v3`, or a whole one that starts with `/_` */
  async request(method: string, path: string, token: string | null = null, body?: unknown): Promise<Answer> {
    const answer = await fetch(`${this.url}${path.startsWith('/_') ? '' : '/_matrix/client/v3'}${path}`, {
      method,
      headers: {
        'content-type': 'application/json',
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(answerLimitMs),
    });
    return { status: answer.status, body: z.record(z.string(), z.unknown()).parse(await answer.json()) };
  }

  /** The same for a call that has to work. @throws Error with what came back when it did not */
  async api(method: string, path: string, token: string | null = null, body?: unknown) {
    const { status, body: answer } = await this.request(method, path, token, body);
    if (status !== 200) throw new Error(`${method} ${path}: ${status} ${JSON.stringify(answer)}`);
    return answer;
  }

  /** Puts a file on the homeserver. @returns its `mxc:` address */
  async upload(token: string, bytes: string | Uint8Array<ArrayBuffer>): Promise<string> {
    const answer = await fetch(`${this.url}/_matrix/media/v3/upload`, {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream', authorization: `Bearer ${token}` },
      body: bytes,
      signal: AbortSignal.timeout(answerLimitMs),
    });
    return z.object({ content_uri: z.string() }).parse(await answer.json()).content_uri;
  }

  /** @param name with or without `@` and server */
  async login(name: string, password: string, device?: string): Promise<Session> {
    const answer = await this.api('POST', '/login', null, {
      type: 'm.login.password',
      identifier: { type: 'm.id.user', user: name },
      password,
      ...(device === undefined ? {} : { device_id: device }),
    });
    const { user_id, access_token, device_id } = LoggedIn.parse(answer);
    return { user: user_id, token: access_token, device: device_id };
  }

  /** The content of one state event of a room, or null when there is none. */
  async state(token: string, room: string, type: string, key = ''): Promise<Record<string, unknown> | null> {
    const path = `/rooms/${encodeURIComponent(room)}/state/${type}/${encodeURIComponent(key)}`;
    const { status, body } = await this.request('GET', path, token);
    return status === 200 ? body : null;
  }

  /** Sends a message of text; the event's id. */
  async say(token: string, room: string, text: string): Promise<string> {
    const path = `/rooms/${encodeURIComponent(room)}/send/m.room.message/${crypto.randomUUID()}`;
    const { event_id } = await this.api('PUT', path, token, { msgtype: 'm.text', body: text });
    return z.string().parse(event_id);
  }
}
