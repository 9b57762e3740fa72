import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { answerKey, taskRoom } from '@countersign/contracts/task-room.ts';
import { onTestFinished } from 'vitest';

type Seen = { readonly method: string; readonly url: string; readonly body: unknown };
type Answer = { readonly status: number; readonly body: unknown } | 'hang-up';

export const quickWaits = { syncMs: 20, retryMs: 5, askMs: 200, requestMs: 2_000, answerMs: 2_000 };

/** A task's own Matrix that answers as it is told, one answer a request; the last one goes on. */
export class RoomDouble {
  readonly seen: Seen[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @param where a socket's path; a free port of loopback by default */
  static async listen(answers: readonly Answer[], where?: string): Promise<RoomDouble> {
    const server = createServer();
    const room = new RoomDouble(server);
    server.on('request', (request, response) => {
      void (async () => {
        const body = await text(request);
        room.seen.push({
          method: request.method ?? '',
          url: request.url ?? '',
          body: body === '' ? null : JSON.parse(body),
        });
        answer(response, answers[Math.min(room.seen.length, answers.length) - 1] ?? 'hang-up');
      })();
    });
    server.listen(where ?? { host: '127.0.0.1', port: 0 });
    await once(server, 'listening');
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    return room;
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }
}

function answer(response: ServerResponse, what: Answer): void {
  if (what === 'hang-up') return void response.destroy();
  response.writeHead(what.status, { 'content-type': 'application/json', connection: 'close' });
  response.end(typeof what.body === 'string' ? what.body : JSON.stringify(what.body));
}

export const sent = { status: 200, body: { event_id: '$question' } };
export const nothing = { status: 200, body: { next_batch: 's1', rooms: { join: {} } } };

/** What a sync brings when the question has come to its end. */
export function answered(outcome: string, body = '', question = '$question') {
  const event = { type: 'm.room.message', content: { msgtype: 'm.text', body, [answerKey]: { question, outcome } } };
  const asked = { type: 'm.room.message', content: { msgtype: 'm.text', body: 'Which port?' } };
  return {
    status: 200,
    body: { next_batch: 's2', rooms: { join: { [taskRoom]: { timeline: { events: [asked, event] } } } } },
  };
}
