import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import type { RequestListener, Server } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serviceLimits } from '@countersign/contracts/limits.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { ServiceError, SocketClient } from './socket-client.ts';
import { closeServer, listenOnSocket } from './socket-server.ts';

let folder: string;
let path: string;
let server: Server | null;
let client: SocketClient;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'countersign-socket-'));
  path = join(folder, 'x.sock');
  server = null;
  client = new SocketClient('the service', path);
});
afterEach(async () => {
  await client[Symbol.asyncDispose]();
  if (server !== null) await closeServer(server);
  await rm(folder, { recursive: true });
});

async function serve(handler: RequestListener, mode = 0o660): Promise<void> {
  server = await listenOnSocket(handler, path, mode);
}

async function failure(action: Promise<unknown>): Promise<ServiceError> {
  const error = await action.catch((reason: unknown) => reason);
  if (!(error instanceof ServiceError)) throw new Error(`no ServiceError: ${String(error)}`);
  return error;
}

const Answer = z.strictObject({ method: z.string(), url: z.string(), body: z.string() });
const echo: RequestListener = (request, response) => {
  let body = '';
  request.on('data', (part) => {
    body += part;
  });
  request.on('end', () => response.end(JSON.stringify({ method: request.method, url: request.url, body })));
};

test('a request goes there and its answer comes back, parsed', async () => {
  await serve(echo);
  expect(await client.request('POST', '/a?b=1', Answer, { body: { x: 'ü' } })).toEqual({
    method: 'POST',
    url: '/a?b=1',
    body: '{"x":"ü"}',
  });
  expect(await client.request('DELETE', '/a', null)).toBeUndefined();
});

test('one request that takes long does not hold up another', async () => {
  let release = () => {};
  await serve((request, response) => {
    if (request.url === '/slow') release = () => response.end('{}');
    else response.end('{}');
  });
  const slow = client.request('GET', '/slow', z.object({}));
  expect(await client.request('GET', '/quick', z.object({}))).toEqual({});
  release();
  await slow;
});

describe('what goes wrong has its own code', () => {
  test('a refusal, with its body', async () => {
    await serve((_request, response) => {
      response.statusCode = 404;
      response.end('{"code":"no-such-sandbox"}');
    });
    expect(await failure(client.request('GET', '/', Answer))).toMatchObject({
      code: 'refused',
      status: 404,
      body: { code: 'no-such-sandbox' },
      message: 'the service answered 404',
    });
  });

  test.each(['not JSON', '{"another":"shape"}', ''])('an answer %j that was not agreed', async (text) => {
    await serve((_request, response) => void response.end(text));
    expect((await failure(client.request('GET', '/', Answer))).code).toBe('bad-answer');
  });

  test('nobody there', async () => {
    const error = await failure(client.request('GET', '/', Answer));
    expect(error).toMatchObject({ code: 'unreachable', status: 0 });
    expect(error.message).toContain('the service does not answer');
  });

  test('a connection that is cut in the middle of an answer', async () => {
    await serve((_request, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{');
      setImmediate(() => response.destroy());
    });
    expect((await failure(client.request('GET', '/', Answer))).code).toBe('unreachable');
  });

  test('something there that does not speak HTTP', async () => {
    const other = createServer((connection) => connection.end('hello\r\n\r\n')).listen(path);
    expect((await failure(client.request('GET', '/', Answer))).code).toBe('unreachable');
    other.close();
  });

  test('an answer without end', async () => {
    await serve((_request, response) => void response.end(Buffer.alloc(serviceLimits.answerBytes + 1, ' ')));
    expect((await failure(client.request('GET', '/', Answer))).code).toBe('unreachable');
  });
});

test('a caller that gives up gets its own reason, not a service’s', async () => {
  await serve(() => undefined);
  const controller = new AbortController();
  const request = client.request('GET', '/', Answer, { signal: controller.signal });
  controller.abort(new Error('no longer wanted'));
  await expect(request).rejects.toThrow('no longer wanted');
});

test('a client finds its service again after a restart', async () => {
  await serve(echo);
  await client.request('GET', '/', Answer);
  if (server !== null) await closeServer(server);
  expect((await failure(client.request('GET', '/', Answer))).code).toBe('unreachable');
  await serve(echo);
  expect((await client.request('GET', '/again', Answer)).url).toBe('/again');
});

describe('a socket', () => {
  test('has the bits that were asked for', async () => {
    await serve(echo, 0o600);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  test('of a predecessor is replaced', async () => {
    const stale = await listenOnSocket(echo, path, 0o600);
    await serve(echo);
    expect((await client.request('GET', '/', Answer)).url).toBe('/');
    await closeServer(stale);
  });

  test('does not take the place of somebody’s file', async () => {
    await writeFile(path, 'mine');
    await expect(listenOnSocket(echo, path, 0o600)).rejects.toThrow('EADDRINUSE');
    expect(await readFile(path, 'utf8')).toBe('mine');
  });

  test('is closed with all that is open on it', async () => {
    await serve(() => undefined);
    const open = failure(client.request('GET', '/', Answer));
    await new Promise((resolve) => server?.once('request', resolve));
    if (server !== null) await closeServer(server);
    server = null;
    expect((await open).code).toBe('unreachable');
  });
});
