import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { botUser } from '../names.ts';

type Session = { readonly user: string; readonly device: string };
type Answer = { readonly status: number; readonly body: unknown };

const ok = (body: unknown): Answer => ({ status: 200, body });
const unknownToken: Answer = { status: 401, body: { errcode: 'M_UNKNOWN_TOKEN', error: 'x' } };

/** A homeserver in memory with one bot and its sessions, at an address and at a door. */
export class BotAccount implements AsyncDisposable {
  readonly password = 'the-password';
  /** By token. */
  readonly sessions = new Map<string, Session>();
  readonly asked: string[] = [];
  /** What is to become of a request: it is never heard of, or done without anybody being told. */
  fate: (request: string) => 'lost' | 'unanswered' | Answer | null = () => null;
  readonly #server: Server;
  readonly #door: Server;
  #made = 0;

  private constructor(server: Server, door: Server) {
    this.#server = server;
    this.#door = door;
  }

  /** @param door the path of a socket that leads to it as well */
  static async start(door: string): Promise<BotAccount> {
    const [server, socket] = [createServer(), createServer()];
    const account = new BotAccount(server, socket);
    for (const each of [server, socket])
      each.on(
        'request',
        (request: IncomingMessage, response: ServerResponse) => void account.#serve(request, response),
      );
    server.listen(0, '127.0.0.1');
    socket.listen(door);
    await Promise.all([once(server, 'listening'), once(socket, 'listening')]);
    return account;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** A login by hand, or by an earlier run. */
  logIn(user = botUser, device = `DEVICE${this.#made + 1}`): string {
    this.#made += 1;
    const token = `syt_token_${this.#made}`;
    for (const [other, session] of this.sessions)
      if (session.user === user && session.device === device) this.sessions.delete(other);
    this.sessions.set(token, { user, device });
    return token;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const line = `${request.method} ${(request.url ?? '').replace('/_matrix/client/v3', '')}`;
    this.asked.push(line);
    const body = await text(request);
    const fate = this.fate(line);
    if (fate === 'lost') return void response.destroy();
    const token = request.headers.authorization?.replace('Bearer ', '') ?? '';
    const answer = fate === null || fate === 'unanswered' ? this.#answer(line, token, body) : fate;
    if (fate === 'unanswered') return void response.destroy();
    response.writeHead(answer.status, { 'content-type': 'application/json' }).end(JSON.stringify(answer.body));
  }

  #answer(line: string, token: string, body: string): Answer {
    const asked = body === '' ? {} : JSON.parse(body);
    if (line === 'POST /login') {
      if (asked.password !== this.password) return { status: 403, body: { errcode: 'M_FORBIDDEN', error: 'x' } };
      return ok({ user_id: asked.identifier.user, access_token: this.logIn() });
    }
    const session = this.sessions.get(token);
    if (session === undefined) return unknownToken;
    const own = [...this.sessions].filter(([, { user }]) => user === session.user);
    switch (line) {
      case 'GET /account/whoami':
        return ok({ user_id: session.user, device_id: session.device });
      case 'POST /logout':
        this.sessions.delete(token);
        return ok({});
      case 'GET /devices':
        return ok({ devices: own.map(([, { device }]) => ({ device_id: device })) });
      case 'POST /delete_devices': {
        if (asked.auth?.password !== this.password)
          return { status: 401, body: { errcode: 'M_FORBIDDEN', error: 'x' } };
        for (const [other, { device }] of own) if (asked.devices.includes(device)) this.sessions.delete(other);
        return ok({});
      }
      default:
        return { status: 404, body: { errcode: 'M_UNRECOGNIZED', error: 'x' } };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      [this.#server, this.#door].map(async (server) => {
        server.closeAllConnections();
        server.close();
        await once(server, 'close');
      }),
    );
  }
}
