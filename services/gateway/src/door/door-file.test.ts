import { createHash } from 'node:crypto';
import { DoorError } from '@countersign/contracts/gateway-api.ts';
import { pino } from 'pino';
import { afterEach, expect, test } from 'vitest';
import { type FixtureOptions, type GatewayFixture, startGateway } from '../gateway-fixture.ts';

let gateway: GatewayFixture | undefined;

async function start(options?: FixtureOptions): Promise<GatewayFixture> {
  gateway = await startGateway(options);
  return gateway;
}

afterEach(async () => {
  await gateway?.[Symbol.asyncDispose]();
  gateway = undefined;
});

const upload = '/_matrix/media/v3/upload?filename=e67dw-demo.patch';
const type = { 'content-type': 'text/plain; charset=utf-8' };
const headers = { ...type, authorization: 'Bearer syt_bot', cookie: 'secret=1', 'x-http-method-override': 'GET' };
const mib = 1024 * 1024;

test('a file goes on with every byte that it has, by its name and type and the token alone', async () => {
  const { rawAtDoor, homeserver } = await start();
  homeserver.answer = (_request, response) =>
    void response.writeHead(200, { 'content-type': 'application/json' }).end('{"content_uri":"mxc://s/m"}');
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  const head = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const answer = await rawAtDoor(
    `POST ${upload} HTTP/1.1\r\nhost: x\r\n${head.join('')}content-length: 256\r\n\r\n${bytes.toString('latin1')}`,
  );
  expect(answer).toContain('{"content_uri":"mxc://s/m"}');
  expect(homeserver.seen).toHaveLength(1);
  expect(homeserver.seen[0]).toMatchObject({ method: 'POST', url: upload, bytes });
  expect(homeserver.seen[0]?.headers).toEqual({
    host: `127.0.0.1:${homeserver.port}`,
    connection: 'keep-alive',
    authorization: 'Bearer syt_bot',
    'content-type': 'text/plain; charset=utf-8',
    'content-length': '256',
  });
});

test('one of the largest size goes on whole, and a larger one not at all', async () => {
  const { knock, homeserver } = await start();
  const body = 'x'.repeat(2 * mib);
  expect(await knock('POST', upload, { body, headers })).toMatchObject({ status: 200 });
  const digest = (text: string) => createHash('sha256').update(text).digest('hex');
  expect(digest(homeserver.seen[0]?.body ?? '')).toBe(digest(body));
  const refused = await knock('POST', upload, { body: `${body}x`, headers });
  expect(refused.status).toBe(413);
  expect(DoorError.parse(JSON.parse(refused.text)).errcode).toBe('COUNTERSIGN_NOT_ALLOWED');
  expect(homeserver.seen).toHaveLength(1);
});

test('what a file may hold, a message may not', async () => {
  const { knock, homeserver } = await start();
  const path = '/_matrix/client/v3/rooms/!abc%3Aserver/send/m.room.message/t1';
  const answer = await knock('PUT', path, { body: JSON.stringify({ body: 'x'.repeat(mib) }), headers });
  expect(answer.status).toBe(413);
  expect((await knock('PUT', path, { body: 'no JSON', headers })).status).toBe(403);
  expect(homeserver.seen).toEqual([]);
});

test('files that wait for the homeserver take no more memory than is set, and leave room for a message', async () => {
  const { knock, homeserver } = await start({ overrides: { limits: { doorHeldBytes: 3 * mib } } });
  const waiting: (() => void)[] = [];
  homeserver.answer = (_request, response) => void waiting.push(() => response.end('{}'));
  const first = knock('POST', upload, { body: 'x'.repeat(2 * mib), headers });
  await expect.poll(() => waiting.length).toBe(1);
  const second = await knock('POST', upload, { body: 'y'.repeat(2 * mib), headers });
  expect(second.status).toBe(503);
  homeserver.answer = (_request, response) => void response.end('{}');
  const path = '/_matrix/client/v3/rooms/!abc%3Aserver/send/m.room.message/t1';
  expect(await knock('PUT', path, { body: '{}', headers })).toMatchObject({ status: 200 });
  for (const end of waiting) end();
  expect(await first).toMatchObject({ status: 200 });
});

test('an answer is bounded as every other', async () => {
  const { knock, homeserver } = await start();
  homeserver.answer = (_request, response) => void response.end('x'.repeat(4 * mib + 1));
  expect(await knock('POST', upload, { body: 'x', headers })).toMatchObject({ status: 502 });
  homeserver.answer = (_request, response) => void response.writeHead(302, { location: 'http://evil/' }).end();
  expect(await knock('POST', upload, { body: 'x', headers })).toMatchObject({ status: 502 });
  homeserver.answer = (_request, response) =>
    void response.writeHead(413, { 'content-type': 'application/json' }).end('{"errcode":"M_TOO_LARGE"}');
  expect(await knock('POST', upload, { body: 'x', headers })).toMatchObject({
    status: 413,
    text: '{"errcode":"M_TOO_LARGE"}',
  });
});

test('A30 the log names the route, and neither the file nor a word of it', async () => {
  const logged: string[] = [];
  const logger = pino({ level: 'debug' }, { write: (line: string) => void logged.push(line) });
  const { knock } = await start({ overrides: { logger } });
  await knock('POST', upload, { body: 'the secret line', headers });
  await knock('POST', `${upload}.html`, { body: 'the secret line', headers });
  const lines = logged.filter((line) => line.includes('"door":"matrix"'));
  expect(lines).toHaveLength(2);
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ route: '/_matrix/media/v3/upload', status: 200, bytes_in: 15 });
  expect(lines.join()).not.toMatch(/e67dw|secret|syt_bot/);
});
