import { createConnection } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type GatewayFixture, startGateway } from './gateway-fixture.ts';
import {
  chunkedBody,
  crowdedStreams,
  type Ground,
  goodRequest,
  hostileStreams,
  requestWith,
  slowStreams,
} from './smuggling-corpus.ts';

let gateway: GatewayFixture;

beforeAll(async () => {
  gateway = await startGateway({
    overrides: { limits: { headersMs: 300, requestMs: 600, requestCheckMs: 50 } },
  });
});

afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
});

const body = '{"model":"coder:7b"}';
const ground: Ground = {
  post: 'POST /api/show',
  body,
  get: 'GET /api/tags',
  hidden: 'POST /api/create HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}',
};
const lengthSpellings = [
  '',
  'content-length: LENGTH',
  'content-length: 0',
  'content-length: 5',
  'content-length: +LENGTH',
  'content-length: 0xff',
  'content-length: 0LENGTH',
  'content-length: LENGTH.0',
  'content-length: LENGTH, LENGTH',
  'content-length:LENGTH\r\ncontent-length: 0',
  'Content-Length: LENGTH\r\nCONTENT-LENGTH: LENGTH',
  'content-length : LENGTH',
  'content-length:\x0bLENGTH',
  'content-length: LENGTH\nx: y',
  'content-length: 99999999999999999999',
];
const codingSpellings = [
  '',
  'transfer-encoding: chunked',
  'transfer-encoding:chunked',
  'transfer-encoding:\tchunked',
  'Transfer-Encoding: CHUNKED',
  'transfer-encoding : chunked',
  ' transfer-encoding: chunked',
  'transfer-encoding: "chunked"',
  'transfer-encoding: chunked;q=1',
  'transfer-encoding: cow, chunked',
  'transfer-encoding: chunked, cow',
  'transfer-encoding: chunked, chunked',
  'transfer-encoding: identity',
  'transfer-encoding:\x0bchunked',
  'transfer-encoding: chunked\0',
  'transfer-encoding:\r\n chunked',
  'x: y\ntransfer-encoding: chunked',
  'x: y\rtransfer-encoding: chunked',
  'transfer-encoding: cow\r\ntransfer-encoding: chunked',
  'transfer_encoding: chunked',
];
const show = goodRequest(ground);
const chunked = chunkedBody(ground);

/** What one connection's bytes lead to: the first answer's status and the requests that reached the upstream. */
async function send(bytes: string) {
  gateway.upstream.seen.length = 0;
  const answer = await gateway.raw(bytes);
  return {
    status: Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1] ?? 0),
    seen: gateway.upstream.seen.map((request) => `${request.method} ${request.url} ${request.body}`),
  };
}

test('a request as it should be goes on', async () => {
  expect(await send(show)).toEqual({ status: 200, seen: [`POST /api/show ${body}`] });
  expect(await send(requestWith(ground, 'transfer-encoding: chunked', chunked))).toEqual({
    status: 200,
    seen: [`POST /api/show ${body}`],
  });
});

describe('S032: a stream of bytes that two parsers might cut differently leads nowhere', () => {
  test.each(hostileStreams(ground))('%s', async (_what, bytes) => {
    const { status, seen } = await send(bytes);
    expect(seen).toEqual([]);
    expect(status).toBeGreaterThanOrEqual(400);
  });

  test.each(crowdedStreams(ground))('one request in, one out: %s', async (_what, bytes) => {
    expect((await send(bytes)).seen).toEqual([`POST /api/show ${body}`]);
  });

  test('of 300 ways to say how long a body is none makes two requests of one', async () => {
    const { upstream } = gateway;
    upstream.seen.length = 0;
    const payload = (content: string) => JSON.stringify({ model: 'coder:7b', messages: [{ role: 'user', content }] });
    const behind = payload('hidden');
    const hidden = requestWith({ ...ground, post: 'POST /api/chat' }, `content-length: ${behind.length}`, behind);
    const requests = lengthSpellings.flatMap((length, row) =>
      codingSpellings.map((coding, column) => {
        const text = payload(`${row} ${column}`);
        const chunks = `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`;
        const headers = [length.replaceAll('LENGTH', `${text.length}`), coding].filter((line) => line !== '');
        return requestWith({ ...ground, post: 'POST /api/chat' }, headers.join('\r\n'), chunks + hidden);
      }),
    );
    expect(requests).toHaveLength(300);
    while (requests.length > 0) await Promise.all(requests.splice(0, 50).map((request) => gateway.raw(request)));
    const contents = upstream.seen.map(({ body: text }) => JSON.parse(text).messages[0].content);
    expect(new Set(contents).size).toBe(contents.length);
    expect(contents).not.toContain('hidden');
    // Some are a whole request, or the test says nothing.
    expect(contents.length).toBeGreaterThan(0);
  }, 60_000);

  test('words behind a request do not get into its answer', async () => {
    gateway.upstream.seen.length = 0;
    const answer = await gateway.raw(`${show}this is not HTTP\r\n\r\n`);
    expect(answer).not.toContain('400');
    expect(gateway.upstream.seen.length).toBeLessThanOrEqual(1);
  });

  test('a trailer goes nowhere', async () => {
    const { seen } = await send(
      requestWith(ground, 'transfer-encoding: chunked', chunked.replace('0\r\n\r\n', '0\r\nhost: evil\r\n\r\n')),
    );
    expect(seen).toEqual([`POST /api/show ${body}`]);
    expect(gateway.upstream.seen[0]?.headers.host).toBe(`127.0.0.1:${gateway.upstream.port}`);
  });

  test('two hosts, neither of which is used', async () => {
    await send(show.replace('host: x', 'host: evil\r\nhost: evil2'));
    for (const { headers } of gateway.upstream.seen) expect(headers.host).toBe(`127.0.0.1:${gateway.upstream.port}`);
  });
});

describe('S036: a slow request is cut', () => {
  test.each(slowStreams(ground))('%s', async (_where, bytes) => {
    expect(await send(bytes)).toMatchObject({ seen: [] });
  });

  test('byte by byte', async () => {
    gateway.upstream.seen.length = 0;
    const socket = createConnection(gateway.slotSocket);
    socket.on('error', () => undefined);
    const closed = new Promise((resolve) => socket.on('close', resolve));
    const drip = setInterval(() => socket.write('x: '.slice(0, 1)), 20);
    socket.write('POST /api/show HTTP/1.1\r\n').valueOf();
    await closed;
    clearInterval(drip);
    expect(gateway.upstream.seen).toEqual([]);
  });
});
