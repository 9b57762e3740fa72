import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';

export type SeenRequest = {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  readonly bytes: Buffer;
};

type Answer = (request: SeenRequest, response: ServerResponse) => void;

/** A model server for tests, on an ephemeral port of loopback: records what reaches it and answers as the test says. */
export class FakeUpstream implements AsyncDisposable {
  readonly seen: SeenRequest[] = [];
  answer: Answer = (_request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end('{}');
  };
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((request, response) => {
      response.on('error', () => undefined);
      void this.#serve(request, response).catch(() => response.destroy());
    });
  }

  static async start(): Promise<FakeUpstream> {
    const upstream = new FakeUpstream();
    upstream.#server.listen(0, '127.0.0.1');
    await once(upstream.#server, 'listening');
    return upstream;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the fake upstream does not listen');
    return address.port;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const bytes = await buffer(request);
    const { method = '', url = '', headers } = request;
    const seen = { method, url, headers, body: bytes.toString('utf8'), bytes };
    this.seen.push(seen);
    this.answer(seen, response);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
