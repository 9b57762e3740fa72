import { request as httpRequest, type IncomingMessage, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { bindSocket, closeServer } from '@countersign/kit/socket-server.ts';
import { createPageServer } from '../http/page-server.ts';
import { type Browser, localHost, type TestPage } from './page.ts';

/** The page's own server on its socket, for what a test client would not send or wait for. */
export class ServedPage implements AsyncDisposable {
  readonly server: Server;
  readonly path: string;

  private constructor(server: Server, path: string) {
    this.server = server;
    this.path = path;
  }

  static async serve(page: TestPage, limits?: Parameters<typeof createPageServer>[1]): Promise<ServedPage> {
    const path = join(page.folder, 'page.sock');
    const server = createPageServer(page.app, limits);
    await bindSocket(server, path, 0o600);
    return new ServedPage(server, path);
  }

  connect(): Socket {
    const socket = connect(this.path);
    socket.on('error', () => undefined);
    return socket;
  }

  /** Sends bytes as they are; what came back when the other side closed, or said nothing more for a while. */
  async exchange(bytes: string | Buffer, silenceMs = 1_000): Promise<string> {
    const socket = this.connect();
    let answer = '';
    let heard = Date.now();
    socket.on('data', (part) => {
      answer += part.toString('latin1');
      heard = Date.now();
    });
    socket.write(bytes);
    while (!socket.closed && Date.now() - heard < silenceMs) await wait(10);
    socket.destroy();
    return answer;
  }

  /** Opens a stream and collects what it says. */
  async stream(browser: Browser, query = '', headers: Record<string, string> = {}): Promise<OpenStream> {
    return await new Promise((resolve, reject) => {
      const options = {
        socketPath: this.path,
        path: `/api/stream${query}`,
        headers: { host: localHost, cookie: browser.cookie, ...headers },
        agent: false as const,
      };
      httpRequest(options, (answer) => resolve(new OpenStream(answer)))
        .once('error', reject)
        .end();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await closeServer(this.server);
  }
}

export class OpenStream {
  readonly answer: IncomingMessage;
  text = '';

  constructor(answer: IncomingMessage) {
    this.answer = answer;
    answer.setEncoding('utf8');
    answer.on('error', () => undefined);
    answer.on('data', (part: string) => {
      this.text += part;
    });
  }

  /** Until it has said this, or has ended. */
  async until(words: string, withinMs = 5_000): Promise<string> {
    const end = Date.now() + withinMs;
    while (!this.text.includes(words) && Date.now() < end) await wait(5);
    return this.text;
  }

  async ended(withinMs: number): Promise<boolean> {
    const end = Date.now() + withinMs;
    while (!this.answer.closed && Date.now() < end) await wait(5);
    return this.answer.closed;
  }
}

export const serverLimits = {
  headerBytes: 16 * 1024,
  headers: 100,
  headersMs: 300,
  requestMs: 500,
  requestCheckMs: 50,
  keepAliveMs: 1_000,
  connections: 512,
} as const;
