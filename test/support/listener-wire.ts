import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** `asked`: the homeserver has not seen the request yet; `answered`: it has, and nobody knows its answer yet. */
export type Moment = 'asked' | 'answered';

type Cut = { readonly moment: Moment; readonly route: string; readonly act: () => Promise<void>; done: () => void };

/** What lies between the gateway and a homeserver: passes everything on as it is, and breaks off where a test says so. */
export class Wire implements AsyncDisposable {
  readonly url: string;
  readonly #server: Server;
  readonly #target: URL;
  #cut: Cut | null = null;

  private constructor(server: Server, target: URL) {
    this.#server = server;
    this.#target = target;
    const { address, port } = server.address() as AddressInfo;
    this.url = `http://${address}:${port}`;
  }

  /** @param address of this host that it listens on */
  static async to(target: string, address = '127.0.0.1'): Promise<Wire> {
    const server = createServer().listen(0, address);
    await once(server, 'listening');
    const wire = new Wire(server, new URL(target));
    server.on('request', (incoming, response) => wire.#pass(incoming, response));
    return wire;
  }

  /**
   * At the next request on a route something is done, and the connection is cut.
   * @param route a part of its path
   * @returns resolves when that was so
   */
  cut(moment: Moment, route: string, act: () => Promise<void>): Promise<void> {
    return new Promise((done) => {
      this.#cut = { moment, route, act, done };
    });
  }

  #pass(incoming: IncomingMessage, response: ServerResponse): void {
    void (async () => {
      if (await this.#isCut('asked', incoming, response)) return;
      const { method, url, headers } = incoming;
      const { hostname, port } = this.#target;
      const passed = request({ hostname, port, method, path: url, headers, agent: false }, async (answer) => {
        if (await this.#isCut('answered', incoming, response)) return answer.destroy();
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.on('error', () => response.destroy()).pipe(response);
      });
      passed.on('error', () => response.destroy());
      response.once('close', () => passed.destroy());
      incoming.on('error', () => passed.destroy()).pipe(passed);
    })();
  }

  async #isCut(moment: Moment, incoming: IncomingMessage, response: ServerResponse): Promise<boolean> {
    const cut = this.#cut;
    if (cut === null || cut.moment !== moment || !incoming.url?.includes(cut.route)) return false;
    this.#cut = null;
    await cut.act();
    response.destroy();
    cut.done();
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
