import { once } from 'node:events';
import { createConnection } from 'node:net';
import { Client } from 'undici';
import { afterEach, describe, expect, test } from 'vitest';
import { chat, type FixtureOptions, type GatewayFixture, startGateway, until } from './gateway-fixture.ts';

let gateway: GatewayFixture | undefined;

async function start(options?: FixtureOptions): Promise<GatewayFixture> {
  gateway = await startGateway(options);
  return gateway;
}

afterEach(async () => {
  await gateway?.[Symbol.asyncDispose]();
  gateway = undefined;
});

describe('streams', () => {
  test('each chunk arrives before the next one is made', async () => {
    const { slotSocket, upstream } = await start();
    let send: ((text: string | null) => void) | undefined;
    upstream.answer = (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/x-ndjson' }).flushHeaders();
      send = (text) => (text === null ? response.end() : response.write(text));
    };
    const client = new Client('http://gateway', { socketPath: slotSocket });
    const { body } = await client.request({ method: 'POST', path: '/api/chat', body: JSON.stringify(chat) });
    const chunks = body.setEncoding('utf8')[Symbol.asyncIterator]();
    for (const line of ['{"n":1}\n', '{"n":2}\n', '{"n":3}\n']) {
      send?.(line);
      expect(await chunks.next()).toEqual({ done: false, value: line });
    }
    send?.(null);
    expect(await chunks.next()).toMatchObject({ done: true });
    await client.close();
  });

  test('S036 a client that leaves in mid-stream cancels the upstream request', async () => {
    const { slotSocket, upstream, logged } = await start();
    let cancelled = false;
    upstream.answer = (_request, response) => {
      response.on('close', () => {
        cancelled = true;
      });
      response.write('{"n":1}\n');
    };
    const client = new Client('http://gateway', { socketPath: slotSocket });
    const { body } = await client.request({ method: 'POST', path: '/api/chat', body: JSON.stringify(chat) });
    await once(body, 'readable');
    expect(cancelled).toBe(false);
    await client.destroy();
    await until(() => cancelled);
    await until(() => logged.some(({ ended }) => ended === 'client'));
  }, 2_000);

  test('S036 a client that leaves before the first byte cancels the upstream request', async () => {
    const { slotSocket, upstream } = await start();
    let cancelled = false;
    upstream.answer = (_request, response) => {
      response.on('close', () => {
        cancelled = true;
      });
    };
    const client = new Client('http://gateway', { socketPath: slotSocket });
    const asked = client.request({ method: 'POST', path: '/api/chat', body: JSON.stringify(chat) });
    asked.catch(() => undefined);
    await until(() => upstream.seen.length === 1);
    await client.destroy();
    await until(() => cancelled);
    await expect(asked).rejects.toThrow();
  }, 2_000);

  test('an upstream that breaks off breaks off for the client', async () => {
    const { ask, upstream, logged } = await start();
    upstream.answer = (_request, response) => response.write('{"n":1}\n', () => response.destroy());
    await expect(ask('/api/chat', chat)).rejects.toThrow();
    expect(logged.filter(({ msg }) => msg === 'request ended')).toMatchObject([{ ended: 'upstream', status: 200 }]);
  });

  test('the upstream is not read faster than the client reads', async () => {
    const { slotSocket, upstream } = await start();
    let written = 0;
    let blocked = false;
    upstream.answer = (_request, response) => {
      const fill = () => {
        while (!response.destroyed) {
          written += 1;
          if (!response.write(Buffer.alloc(64 * 1024))) break;
        }
        blocked = true;
      };
      response.on('drain', fill);
      fill();
    };
    const socket = createConnection(slotSocket);
    const body = JSON.stringify(chat);
    socket.write(`POST /api/chat HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    socket.pause();
    await until(() => blocked);
    let before = -1;
    while (before !== written) {
      before = written;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect(written * 64 * 1024).toBeLessThan(64 * 1024 * 1024);
    socket.destroy();
  });

  test('S056 a client that takes nothing for too long is cut off', async () => {
    const { slotSocket, upstream, logged } = await start({ overrides: { limits: { clientStallMs: 50 } } });
    upstream.answer = (_request, response) => {
      const fill = () => {
        while (!response.destroyed && response.write(Buffer.alloc(64 * 1024)));
      };
      response.on('drain', fill);
      fill();
    };
    const socket = createConnection(slotSocket).pause();
    socket.on('error', () => undefined);
    const body = JSON.stringify(chat);
    socket.write(`POST /api/chat HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
    await until(() => logged.some(({ ended }) => ended === 'client'));
    socket.destroy();
  });
});
