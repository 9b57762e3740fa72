import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** `before`: the server never hears of the request; `after`: it has done what was asked, and nobody is told. */
export type Cut = { readonly at: number; readonly side: 'before' | 'after'; readonly act: () => Promise<void> };

/** Passes HTTP requests on, keeps a list of them, and lets a test act at an exact one. */
export class CutRelay implements AsyncDisposable {
  /** Method and path of each request since `restart`, in order. */
  seen: string[] = [];
  /** Whether an answer has come that waits for the test. */
  isHolding = false;
  #cut: Cut | null = null;
  readonly #server: Server;
  readonly #target: string;

  private constructor(target: string) {
    this.#target = target;
    this.#server = createServer((incoming, outgoing) => void this.#pass(incoming, outgoing));
  }

  static async start(target: string): Promise<CutRelay> {
    const relay = new CutRelay(target);
    relay.#server.listen(0, '127.0.0.1');
    await once(relay.#server, 'listening');
    return relay;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  restart(cut: Cut | null = null): void {
    this.seen = [];
    this.isHolding = false;
    this.#cut = cut;
  }

  async #pass(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    this.seen.push(`${incoming.method} ${incoming.url}`);
    const cut = this.#cut?.at === this.seen.length ? this.#cut : null;
    if (cut?.side === 'before') {
      await cut.act();
      outgoing.destroy();
      return;
    }
    const { method, headers } = incoming;
    const onward = request(`${this.#target}${incoming.url}`, { method, headers, agent: false });
    onward.on('error', () => outgoing.destroy());
    onward.on('response', (answer) => {
      if (cut === null) {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
        return;
      }
      // To its end, so that what was asked is done.
      answer.resume().on('end', () => {
        this.isHolding = true;
        void cut.act().then(() => outgoing.destroy());
      });
    });
    incoming.pipe(onward);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
