import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { DoorError } from '@countersign/contracts/gateway-api.ts';
import { pino } from 'pino';
import { afterEach, describe, expect, test } from 'vitest';
import { type FixtureOptions, type GatewayFixture, startGateway, until } from '../gateway-fixture.ts';

let gateway: GatewayFixture | undefined;

async function start(options?: FixtureOptions): Promise<GatewayFixture> {
  gateway = await startGateway(options);
  return gateway;
}

afterEach(async () => {
  await gateway?.[Symbol.asyncDispose]();
  gateway = undefined;
});

const v3 = '/_matrix/client/v3';
const room = `${v3}/rooms/!abc%3Acountersign.local`;
const headers = { authorization: 'Bearer syt_bot' };
const message = { msgtype: 'm.text', body: 'zwei Wörter – “quoted” \u{1f600}', nested: { list: [1, null, true] } };

describe('the door', () => {
  test('is a socket for the listener and its group', async () => {
    const { doorSocket } = await start();
    const { mode } = await stat(doorSocket);
    expect(mode & 0o777).toBe(0o660);
  });

  test.each<[string, string, unknown, string]>([
    ['GET', '/_matrix/client/versions', undefined, ''],
    ['GET', `${v3}/account/whoami`, undefined, ''],
    ['GET', `${v3}/joined_rooms`, undefined, ''],
    ['GET', `${v3}/sync?filter=%7B%7D&timeout=10&since=s1`, undefined, ''],
    ['POST', `${room}/join`, {}, '{}'],
    ['GET', `${room}/messages?from=a&dir=f&limit=40`, undefined, ''],
    ['GET', `${room}/state/m.room.encryption`, undefined, ''],
    ['GET', `${room}/state/m.room.encryption/`, undefined, ''],
    ['PUT', `${room}/send/m.room.message/t1`, message, JSON.stringify(message)],
    ['PUT', `${room}/send/m.reaction/t1`, message, JSON.stringify(message)],
    ['GET', '/_matrix/client/v1/media/download/s.local/m1', undefined, ''],
  ])('%s %s goes to the homeserver, and its answer comes back', async (method, target, body, sent) => {
    const { knock, homeserver, upstream } = await start();
    homeserver.answer = (_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"theirs":true}');
    };
    expect(await knock(method, target, { body, headers })).toMatchObject({
      status: 200,
      text: '{"theirs":true}',
      headers: { 'content-type': 'application/json' },
    });
    expect(homeserver.seen).toMatchObject([
      { method, url: target, body: sent, headers: { authorization: 'Bearer syt_bot' } },
    ]);
    expect(upstream.seen).toEqual([]);
  });

  test('S039: of the headers the token goes on, and nothing else', async () => {
    const { knock, homeserver } = await start();
    await knock('PUT', `${room}/send/m.room.message/t1`, {
      body: message,
      headers: {
        ...headers,
        cookie: 'secret=1',
        'x-forwarded-for': '1.2.3.4',
        'x-original-url': '/_synapse/admin/v1/register',
        'x-http-method-override': 'DELETE',
        'user-agent': 'secret',
        'content-type': 'text/secret',
        accept: 'secret',
        'accept-encoding': 'gzip',
        origin: 'http://evil',
        host: 'evil.example',
        te: 'trailers',
      },
    });
    expect(homeserver.seen[0]?.headers).toEqual({
      host: `127.0.0.1:${homeserver.port}`,
      connection: 'keep-alive',
      authorization: 'Bearer syt_bot',
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(JSON.stringify(message))),
    });
    await knock('GET', '/_matrix/client/versions');
    expect(homeserver.seen[1]?.headers).toEqual({ host: `127.0.0.1:${homeserver.port}`, connection: 'keep-alive' });
  });

  test('S039: of the answer’s headers two come back', async () => {
    const { knock, homeserver } = await start();
    homeserver.answer = (_request, response) => {
      response.writeHead(429, {
        'content-type': 'application/json',
        'retry-after': '12',
        'set-cookie': 'secret=1',
        server: 'secret',
        'access-control-allow-origin': '*',
        location: 'http://secret/',
      });
      response.end('{"errcode":"M_LIMIT_EXCEEDED","retry_after_ms":12000}');
    };
    const answer = await knock('GET', `${v3}/sync`, { headers });
    expect(answer).toMatchObject({ status: 429, text: '{"errcode":"M_LIMIT_EXCEEDED","retry_after_ms":12000}' });
    const { date, ...others } = answer.headers;
    expect(date).toEqual(expect.any(String));
    expect(others).toEqual({
      'content-type': 'application/json',
      'retry-after': '12',
      connection: 'close',
      'transfer-encoding': 'chunked',
    });
  });

  test.each<[string, string, string, unknown, number]>([
    ['a body that is no object', 'PUT', `${room}/send/m.room.message/t1`, '[]', 403],
    ['a text', 'PUT', `${room}/send/m.room.message/t1`, '"x"', 403],
    ['null', 'PUT', `${room}/send/m.room.message/t1`, 'null', 403],
    ['no JSON', 'PUT', `${room}/send/m.room.message/t1`, '{"body":', 403],
    ['no body', 'PUT', `${room}/send/m.room.message/t1`, undefined, 403],
    ['a key twice', 'PUT', `${room}/send/m.room.message/t1`, '{"body":"a","body":"b"}', 403],
    ['__proto__', 'PUT', `${room}/send/m.room.message/t1`, '{"__proto__":{}}', 403],
    ['much nesting', 'PUT', `${room}/send/m.room.message/t1`, `{"a":${'['.repeat(200)}${']'.repeat(200)}}`, 403],
    ['too much', 'PUT', `${room}/send/m.room.message/t1`, { body: 'x'.repeat(96 * 1024) }, 413],
    ['far too much', 'PUT', `${room}/send/m.room.message/t1`, { body: 'x'.repeat(8_000_000) }, 413],
    ['a join with words', 'POST', `${room}/join`, { third_party_signed: {} }, 403],
    ['a join with a reason', 'POST', `${room}/join`, { reason: 'x' }, 403],
    ['a join without a body', 'POST', `${room}/join`, undefined, 403],
    ['a body where none belongs', 'GET', `${v3}/joined_rooms`, {}, 403],
    ['another route', 'POST', `${v3}/login`, { type: 'm.login.password' }, 403],
  ])('%s is refused, and reaches nobody', async (_what, method, target, body, status) => {
    const { knock, homeserver } = await start();
    const answer = await knock(method, target, { body, headers });
    expect(answer.status).toBe(status);
    expect(DoorError.parse(JSON.parse(answer.text))).toEqual({
      errcode: 'COUNTERSIGN_NOT_ALLOWED',
      error: expect.any(String),
    });
    expect(homeserver.seen).toEqual([]);
  });

  test('a message of the largest size goes on whole', async () => {
    const { knock, homeserver } = await start();
    const body = JSON.stringify({ body: 'x'.repeat(96 * 1024 - 11) });
    expect(body).toHaveLength(96 * 1024);
    expect(await knock('PUT', `${room}/send/m.room.message/t1`, { body, headers })).toMatchObject({ status: 200 });
    const digest = (text: string) => createHash('sha256').update(text).digest('hex');
    expect(digest(homeserver.seen[0]?.body ?? '')).toBe(digest(body));
  });

  test('so many requests at once, and then again', async () => {
    const { knock, homeserver } = await start({ overrides: { limits: { doorRequests: 2 } } });
    const waiting: (() => void)[] = [];
    homeserver.answer = (_request, response) => void waiting.push(() => response.end('{}'));
    const syncs = [knock('GET', `${v3}/sync`), knock('GET', `${v3}/sync`)];
    await until(() => waiting.length === 2);
    const third = await knock('GET', `${v3}/sync`);
    expect(third.status).toBe(503);
    expect(JSON.parse(third.text)).toMatchObject({ errcode: 'COUNTERSIGN_UNREACHABLE' });
    for (const end of waiting.splice(0)) end();
    expect((await Promise.all(syncs)).map(({ status }) => status)).toEqual([200, 200]);
    homeserver.answer = (_request, response) => void response.end('{}');
    expect(await knock('GET', `${v3}/sync`)).toMatchObject({ status: 200 });
  });

  test('a listener that gives up ends its request at the homeserver', async () => {
    const { doorSocket, homeserver } = await start();
    let ended = false;
    homeserver.answer = (_request, response) => {
      response.once('close', () => {
        ended = true;
      });
      response.write('{');
    };
    const socket = createConnection(doorSocket);
    socket.write(`GET ${v3}/sync HTTP/1.1\r\nhost: x\r\n\r\n`);
    await once(socket, 'data');
    expect(ended).toBe(false);
    socket.destroy();
    await until(() => ended);
  });
});

describe('the door’s log', () => {
  const hidden = /syt_bot|syt_query|zwei|quoted|theirs|secret|!abc|t1/;

  test('A30 holds no token, no value of a query, no word of a message or an answer', async () => {
    const logged: string[] = [];
    const logger = pino({ level: 'debug' }, { write: (line: string) => void logged.push(line) });
    const { knock, homeserver, rawAtDoor } = await start({ overrides: { logger } });
    homeserver.answer = (_request, response) => void response.end('{"theirs":true}');
    await knock('PUT', `${room}/send/m.room.message/t1`, { body: message, headers });
    await knock('GET', `${v3}/sync?since=syt_query`, { headers });
    await knock('GET', `${v3}/sync?access_token=syt_query`, { headers });
    await knock('GET', `${v3}/sync?syt_query=1&timeout=syt_query`);
    await knock('GET', `${v3}/rooms/syt_query/messages`, { headers: { authorization: 'syt_bot' } });
    await knock('PUT', `${room}/send/m.room.message/t1`, { body: '{"zwei":', headers });
    await rawAtDoor(`CONNECT syt_query:1 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer syt_bot\r\n\r\n`);
    await rawAtDoor(`GET ${v3}/sync?since=syt_query HTTP/1.1\r\nauthorization : Bearer syt_bot\r\n\r\n`);
    homeserver.answer = (_request, response) => void response.socket?.destroy();
    await knock('GET', `${v3}/sync?since=syt_query`, { headers });
    const lines = logged.map((line) => JSON.parse(line)).filter(({ door }) => door === 'matrix');
    expect(lines.map(({ msg }) => msg)).toEqual([
      'request ended',
      'request ended',
      ...Array.from({ length: 6 }, () => 'request refused'),
      'request not answered',
    ]);
    expect(JSON.stringify(lines)).not.toMatch(hidden);
    expect(lines[0]).toMatchObject({
      level: 20,
      method: 'PUT',
      route: `${v3}/rooms/{roomId}/send/m.room.message/{txnId}`,
      status: 200,
      ended: 'passed',
      bytes_in: Buffer.byteLength(JSON.stringify(message)),
      bytes_out: 15,
      duration_ms: expect.any(Number),
    });
  });

  test('is limited in rate, and successes cost nothing of it', async () => {
    const { knock, logged } = await start({ overrides: { limits: { doorLogLines: 2 } } });
    const before = logged.length;
    for (let request = 0; request < 3; request += 1) await knock('GET', `${v3}/joined_rooms`);
    expect(logged).toHaveLength(before);
    for (let request = 0; request < 9; request += 1) await knock('GET', `${v3}/login`);
    expect(logged).toHaveLength(before + 2);
  });

  test('says how many lines it left out, and does not fall silent for ever', async () => {
    const { knock, logged } = await start({ overrides: { limits: { doorLogLines: 1, doorLogWindowMs: 50 } } });
    await until(async () => {
      await Promise.all(Array.from({ length: 5 }, () => knock('GET', `${v3}/login`)));
      return logged.some(({ unwritten_lines: unwritten }) => Number(unwritten) >= 1);
    });
    expect(logged.find(({ unwritten_lines: unwritten }) => unwritten !== undefined)).toMatchObject({
      msg: 'request refused',
      route: null,
    });
  });
});
