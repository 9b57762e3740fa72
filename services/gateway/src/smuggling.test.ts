import { createConnection } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type GatewayFixture, startGateway } from './gateway-fixture.ts';

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
const length = body.length;
const hidden = 'POST /api/create HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}';
const show = `POST /api/show HTTP/1.1\r\nhost: x\r\ncontent-length: ${length}\r\n\r\n${body}`;
const chunked = `${length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
const post = (headers: string, payload: string) => `POST /api/show HTTP/1.1\r\nhost: x\r\n${headers}\r\n\r\n${payload}`;

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
  expect(await send(post('transfer-encoding: chunked', chunked))).toEqual({
    status: 200,
    seen: [`POST /api/show ${body}`],
  });
});

describe('S032: a stream of bytes that two parsers might cut differently leads nowhere', () => {
  test.each([
    ['two content lengths', post(`content-length: ${length}\r\ncontent-length: 0`, body + hidden)],
    ['two equal content lengths', post(`content-length: ${length}\r\ncontent-length: ${length}`, body)],
    ['two content lengths in two cases', post(`Content-Length: ${length}\r\ncONTENT-lENGTH: 1`, body)],
    ['content lengths in a list', post(`content-length: ${length}, ${length}`, body)],
    ['CL.TE', post(`content-length: ${length}\r\ntransfer-encoding: chunked`, chunked + hidden)],
    ['TE.CL', post(`transfer-encoding: chunked\r\ncontent-length: 4`, chunked + hidden)],
    ['TE.TE', post('transfer-encoding: chunked\r\ntransfer-encoding: identity', chunked)],
    ['a misspelt TE', post(`transfer-encoding: xchunked`, chunked)],
    ['a TE that does not end in chunked', post('transfer-encoding: chunked, identity', chunked)],
    ['a signed content length', post(`content-length: +${length}`, body)],
    ['a hexadecimal content length', post(`content-length: 0x${length.toString(16)}`, body)],
    ['a negative content length', post('content-length: -1', body)],
    ['an empty content length', post('content-length:', body)],
    ['a blank before the colon', post(`content-length : ${length}`, body)],
    ['a folded header', post(`x: a\r\n b\r\ncontent-length: ${length}`, body)],
    ['a folded TE', post('transfer-encoding:\r\n chunked', chunked)],
    ['bare line feeds', show.replaceAll('\r\n', '\n')],
    ['a bare carriage return', show.replace('host: x\r\n', 'host: x\rtransfer-encoding: chunked\r\n')],
    ['a NUL in a header', post(`x: a\0b\r\ncontent-length: ${length}`, body)],
    ['a bad name of a header', post(`x(y: a\r\ncontent-length: ${length}`, body)],
    ['a chunk size that is none', post('transfer-encoding: chunked', 'zz\r\n{}\r\n0\r\n\r\n')],
    ['a chunk without its end', post('transfer-encoding: chunked', `${length.toString(16)}\r\n${body}XX0\r\n\r\n`)],
    ['a huge chunk size', post('transfer-encoding: chunked', `fffffffffffffffff\r\n${body}\r\n0\r\n\r\n`)],
    ['a blank before the request', ` ${show}`],
    ['a target with a blank', show.replace('/api/show', '/api/show /api/create')],
    ['no host', show.replace('host: x\r\n', '')],
    ['HTTP/1.0', show.replace('HTTP/1.1', 'HTTP/1.0')],
    ['HTTP/0.9', 'GET /api/tags\r\n\r\n'],
    ['HTTP/2 at once', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['a body in a listing', `GET /api/tags HTTP/1.1\r\nhost: x\r\ncontent-length: ${hidden.length}\r\n\r\n${hidden}`],
    ['headers that are too large', post(`x: ${'a'.repeat(9_000)}\r\ncontent-length: ${length}`, body)],
    ['a flood of chunk extensions', post('transfer-encoding: chunked', `1;${'a'.repeat(20_000)}\r\n{\r\n0\r\n\r\n`)],
    ['a CONNECT', 'CONNECT evil:443 HTTP/1.1\r\nhost: evil:443\r\n\r\n'],
    ['a CONNECT to an allowed place', `CONNECT 127.0.0.1:11434 HTTP/1.1\r\nhost: x\r\n\r\n${show}`],
    ['an upgrade', post(`connection: upgrade\r\nupgrade: websocket\r\ncontent-length: ${length}`, body)],
    ['an upgrade of a listing', 'GET /api/tags HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n'],
    ['an expectation', post(`expect: 100-continue\r\ncontent-length: ${length}`, body)],
    ['an expectation that is unknown', post(`expect: 200-ok\r\ncontent-length: ${length}`, body)],
    ['an absolute target', show.replace('/api/show', 'http://evil/api/show')],
    ['an encoded body', post(`content-encoding: gzip\r\ncontent-length: ${length}`, body)],
    ['a TLS hello', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
    ['a SOCKS hello', '\x05\x01\x00'],
  ])('%s', async (_what, bytes) => {
    const { status, seen } = await send(bytes);
    expect(seen).toEqual([]);
    expect(status).toBeGreaterThanOrEqual(400);
  });

  test.each([
    ['a hidden one behind a body', show + hidden],
    ['a good one behind a good one', show + show],
    ['a hidden one behind the last chunk', post('transfer-encoding: chunked', chunked) + hidden],
    ['asked to keep the connection', show.replace('host: x', 'host: x\r\nconnection: keep-alive') + show],
    ['fifty', show.repeat(50)],
  ])('one request in, one out: %s', async (_what, bytes) => {
    expect((await send(bytes)).seen).toEqual([`POST /api/show ${body}`]);
  });

  test('words behind a request do not get into its answer', async () => {
    gateway.upstream.seen.length = 0;
    const answer = await gateway.raw(`${show}this is not HTTP\r\n\r\n`);
    expect(answer).not.toContain('400');
    expect(gateway.upstream.seen.length).toBeLessThanOrEqual(1);
  });

  test('a trailer goes nowhere', async () => {
    const { seen } = await send(
      post('transfer-encoding: chunked', chunked.replace('0\r\n\r\n', '0\r\nhost: evil\r\n\r\n')),
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
  test.each([
    ['in its headers', 'POST /api/show HTTP/1.1\r\nhost:'],
    ['in its body', `POST /api/show HTTP/1.1\r\nhost: x\r\ncontent-length: ${length}\r\n\r\n{`],
    ['between chunks', 'POST /api/show HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1\r\n{\r\n'],
  ])('%s', async (_where, bytes) => {
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
