import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

type Reply = { readonly status?: number; readonly body?: unknown } | ((response: ServerResponse) => void);

/** Answers as a test says, for what no real homeserver can be brought to do. */
export class ScriptedHomeserver implements AsyncDisposable {
  readonly asked: string[] = [];
  /** What was sent with each of them. */
  readonly bodies: string[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @param reply is told method and path, without the prefix of the client API */
  static async start(reply: (request: string) => Reply): Promise<ScriptedHomeserver> {
    const scripted = new ScriptedHomeserver(
      createServer(async (request, response) => {
        const body = await text(request);
        const line = `${request.method} ${decodeURIComponent(request.url ?? '').replace('/_matrix/client/v3', '')}`;
        scripted.asked.push(line);
        scripted.bodies.push(body);
        const answer = reply(line);
        if (typeof answer === 'function') answer(response);
        else response.writeHead(answer.status ?? 200).end(JSON.stringify(answer.body ?? {}));
      }),
    );
    scripted.#server.listen(0, '127.0.0.1');
    await once(scripted.#server, 'listening');
    return scripted;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
