import type { ServerResponse } from 'node:http';
import { join } from 'node:path';
import { DoorError } from '@countersign/contracts/gateway-api.ts';
import { expect, onTestFinished, test } from 'vitest';
import { listenerLimits } from '../limits.ts';
import { type Asked, json, readRequest, startDoor } from '../testing/door.ts';
import { scratchFolder } from '../testing/scratch.ts';
import { DoorFetch } from './door-fetch.ts';

const target = 'http://homeserver/_matrix/client/v3/sync?since=a%20b';

function open(socketPath: string): DoorFetch {
  const door = new DoorFetch(socketPath);
  onTestFinished(() => door[Symbol.asyncDispose]());
  return door;
}

async function ask(answer: (response: ServerResponse) => void, init?: RequestInit) {
  const asked: Asked[] = [];
  const { socketPath } = await startDoor(async (request, response) => {
    asked.push(await readRequest(request));
    answer(response);
  });
  const response = await open(socketPath).fetch(target, init);
  return { asked, status: response.status, headers: Object.fromEntries(response.headers), text: await response.text() };
}

/** What the door-shaped answer says that stands for one that did not come. */
async function refusal(answer: (response: ServerResponse) => void) {
  const { status, text } = await ask(answer);
  return { status, ...DoorError.parse(JSON.parse(text)) };
}

test('a request reaches the door as it was made', async () => {
  const { asked, status, text } = await ask((response) => json(response, 200, { a: 1 }), {
    method: 'PUT',
    headers: { authorization: 'Bearer t', 'content-type': 'application/json' },
    body: '{"b":"–"}',
  });
  expect(asked).toMatchObject([
    {
      method: 'PUT',
      path: '/_matrix/client/v3/sync',
      query: { since: 'a b' },
      headers: { authorization: 'Bearer t', 'content-type': 'application/json' },
      body: '{"b":"–"}',
    },
  ]);
  expect([status, text]).toEqual([200, '{"a":1}']);
});

test('a request object is taken as well as an address', async () => {
  const { socketPath } = await startDoor((request, response) => json(response, 200, request.url));
  const response = await open(socketPath).fetch(new Request(target));
  expect(await response.json()).toBe('/_matrix/client/v3/sync?since=a%20b');
});

test('of an answer only what is needed is handed on', async () => {
  const { headers } = await ask((response) =>
    json(response, 429, {}, { 'retry-after': '3', 'set-cookie': 'a=b', location: '/elsewhere', 'x-more': 'x' }),
  );
  expect(headers).toEqual({ 'content-type': 'application/json', 'retry-after': '3' });
});

test('A21 a header that stands there twice is no header', async () => {
  const { headers } = await ask((response) => {
    response.writeHead(429, ['content-type', 'application/json', 'retry-after', '1', 'retry-after', '9']).end('{}');
  });
  expect(headers).toEqual({ 'content-type': 'application/json' });
});

test.each([204, 205, 200, 404])('an answer %d without a body is one', async (status) => {
  const answer = await ask((response) => response.writeHead(status).end());
  expect(answer).toMatchObject({ status, text: '' });
});

test.each([301, 302, 303, 307, 308, 304, 300])('A21 the redirect %d is not followed', async (status) => {
  const asked: string[] = [];
  const { socketPath } = await startDoor((request, response) => {
    asked.push(request.url ?? '');
    response.writeHead(status, { location: 'http://evil.test/' }).end();
  });
  const response = await open(socketPath).fetch(target);
  expect([response.status, await response.json()]).toEqual([
    502,
    { errcode: 'COUNTERSIGN_BAD_ANSWER', error: `the homeserver answered ${status}` },
  ]);
  expect(asked).toHaveLength(1);
});

test.each([600, 700, 999])('A21 the status %d is none', async (status) => {
  expect(await refusal((response) => response.writeHead(status).end('{}'))).toMatchObject({
    errcode: 'COUNTERSIGN_BAD_ANSWER',
  });
});

test('A21 an answer of 5 MB is not taken', async () => {
  const tooMuch = JSON.stringify({ chunk: ['x'.repeat(listenerLimits.answerBytes + 1024 * 1024)] });
  expect(await refusal((response) => response.writeHead(200).end(tooMuch))).toMatchObject({
    status: 502,
    errcode: 'COUNTERSIGN_BAD_ANSWER',
    error: `the homeserver answered more than ${listenerLimits.answerBytes} bytes`,
  });
});

test('an answer of the largest size is taken whole', async () => {
  const most = 'x'.repeat(listenerLimits.answerBytes);
  expect((await ask((response) => response.writeHead(200).end(most))).text).toBe(most);
});

test('A21 of an answer of 100 MB no more than the limit is read', async () => {
  let sent = 0;
  const piece = Buffer.alloc(256 * 1024, 'x');
  const pour = (response: ServerResponse) => {
    response.writeHead(200, { 'content-length': String(100 * 1024 * 1024) });
    const more = () => {
      while (!response.destroyed && sent < 100 * 1024 * 1024) {
        sent += piece.length;
        if (!response.write(piece)) return void response.once('drain', more);
      }
    };
    more();
  };
  expect(await refusal(pour)).toMatchObject({ status: 502, errcode: 'COUNTERSIGN_BAD_ANSWER' });
  expect(sent).toBeLessThan(4 * listenerLimits.answerBytes);
});

test.each([
  [
    'in the middle of its body',
    (response: ServerResponse) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{"next_batch":');
      setTimeout(() => response.destroy(), 20);
    },
  ],
  [
    'in the middle of a chunk',
    (response: ServerResponse) => {
      response.write('{"next_batch":');
      setTimeout(() => response.destroy(), 20);
    },
  ],
  ['before its beginning', (response: ServerResponse) => void response.destroy()],
  ['with what is no HTTP', (response: ServerResponse) => void response.socket?.end('SSH-2.0-OpenSSH\r\n\r\n')],
  [
    'with a head without an end',
    (response: ServerResponse) => void response.socket?.end(`HTTP/1.1 200 OK\r\nx: ${'x'.repeat(100_000)}\r\n\r\n`),
  ],
])('A21 an answer that breaks off %s is not one that came', async (where, answer) => {
  const hadBegun = where.startsWith('in the middle');
  expect(await refusal(answer)).toEqual(
    hadBegun
      ? { status: 502, errcode: 'COUNTERSIGN_BAD_ANSWER', error: 'the homeserver’s answer broke off' }
      : {
          status: 504,
          errcode: 'COUNTERSIGN_UNREACHABLE',
          error: 'the homeserver does not answer in time, or broke off',
        },
  );
});

test.each(['[],', '[[', '{},', '1,'])('A21 an answer of nothing but %s takes no memory', async (piece) => {
  const values = piece.repeat(listenerLimits.answerValues);
  expect(await refusal((response) => response.writeHead(200).end(values))).toMatchObject({
    errcode: 'COUNTERSIGN_BAD_ANSWER',
    error: `the homeserver answered with more than ${listenerLimits.answerValues} values`,
  });
});

test.each([
  ['never begins', () => undefined],
  [
    'never ends',
    (response: ServerResponse) => {
      const timer = setInterval(() => response.write(' '), 5);
      response.once('close', () => clearInterval(timer));
    },
  ],
])('A21 an answer that %s is waited for as long as was said', async (_, answer) => {
  const { socketPath } = await startDoor((_request, response) => answer(response));
  const asked = open(socketPath).fetch(target, { signal: AbortSignal.timeout(100) });
  await expect(asked).rejects.toMatchObject({ name: 'TimeoutError' });
});

test('a door that is not there yet is said, and used once it is', async () => {
  const socketPath = join(scratchFolder(), 'synapse.sock');
  const door = open(socketPath);
  const answer = await door.fetch(target);
  expect([answer.status, await answer.json()]).toEqual([
    503,
    { errcode: 'COUNTERSIGN_UNREACHABLE', error: 'the gateway does not answer; it may be starting' },
  ]);
  await startDoor((_, response) => json(response, 200, {}), socketPath);
  expect((await door.fetch(target)).status).toBe(200);
});

test('a gateway that was started anew is found again', async () => {
  const first = await startDoor((_, response) => json(response, 200, 1));
  const door = open(first.socketPath);
  expect(await (await door.fetch(target)).json()).toBe(1);
  await first.stop();
  expect((await door.fetch(target)).status).toBe(503);
  await startDoor((_, response) => json(response, 200, 2), first.socketPath);
  expect(await (await door.fetch(target)).json()).toBe(2);
});

test('a held sync holds up no other request', async () => {
  const held: ServerResponse[] = [];
  const { socketPath } = await startDoor((request, response) => {
    if (request.method === 'GET') held.push(response);
    else json(response, 200, {});
  });
  const door = open(socketPath);
  const sync = door.fetch(target);
  expect((await door.fetch(target, { method: 'PUT', body: '{}' })).status).toBe(200);
  await expect.poll(() => held.length).toBe(1);
  for (const response of held) json(response, 200, {});
  expect((await sync).status).toBe(200);
});
