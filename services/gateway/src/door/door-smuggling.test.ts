import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type GatewayFixture, startGateway } from '../gateway-fixture.ts';
import {
  chunkedBody,
  crowdedStreams,
  type Ground,
  goodRequest,
  hostileStreams,
  requestWith,
  slowStreams,
} from '../smuggling-corpus.ts';

let gateway: GatewayFixture;

beforeAll(async () => {
  gateway = await startGateway({ overrides: { limits: { headersMs: 300, requestMs: 600, requestCheckMs: 50 } } });
});

afterAll(async () => {
  await gateway[Symbol.asyncDispose]();
});

const path = '/_matrix/client/v3/rooms/!abc%3Aserver/send/m.room.message/t1';
const body = '{"msgtype":"m.text","body":"a"}';
const ground: Ground = {
  post: `PUT ${path}`,
  body,
  get: 'GET /_matrix/client/versions',
  hidden: 'POST /_matrix/client/v3/login HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}',
};
const through = [`PUT ${path} ${body}`];

/** What one connection's bytes lead to: the first answer and the requests that reached the homeserver. */
async function send(bytes: string) {
  gateway.homeserver.seen.length = 0;
  const answer = await gateway.rawAtDoor(bytes);
  return {
    status: Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1] ?? 0),
    answer,
    seen: gateway.homeserver.seen.map((request) => `${request.method} ${request.url} ${request.body}`),
  };
}

test('a request as it should be goes on', async () => {
  expect(await send(goodRequest(ground))).toMatchObject({ status: 200, seen: through });
  const chunked = requestWith(ground, 'transfer-encoding: chunked', chunkedBody(ground));
  expect(await send(chunked)).toMatchObject({ status: 200, seen: through });
});

describe('S032: a stream of bytes that two parsers might cut differently leads nowhere', () => {
  test.each(hostileStreams(ground))('%s', async (_what, bytes) => {
    const { status, seen } = await send(bytes);
    expect(seen).toEqual([]);
    expect(status).toBeGreaterThanOrEqual(400);
  });

  test.each(crowdedStreams(ground))('one request in, one out: %s', async (_what, bytes) => {
    expect((await send(bytes)).seen).toEqual(through);
  });

  describe('nor one of a file', () => {
    const upload = '/_matrix/media/v3/upload?filename=e67dw-demo.patch';
    const file: Ground = {
      ...ground,
      post: `POST ${upload}`,
      body: 'POST /_matrix/client/v3/login HTTP/1.1\r\n\r\n',
      hidden: ground.hidden.replace('host: x', 'host: y'),
    };
    const typed = (bytes: string) =>
      bytes.replaceAll('host: x\r\n', 'host: x\r\ncontent-type: text/plain; charset=utf-8\r\n');
    const one = [`POST ${upload} ${file.body}`];

    test('as it should be, it goes on, whatever request its bytes pretend to be', async () => {
      expect(await send(typed(goodRequest(file)))).toMatchObject({ status: 200, seen: one });
      const chunked = requestWith(file, 'transfer-encoding: chunked', chunkedBody(file));
      expect(await send(typed(chunked))).toMatchObject({ status: 200, seen: one });
    });

    test.each(hostileStreams(file))('%s', async (_what, bytes) => {
      const { status, seen } = await send(typed(bytes));
      expect(seen).toEqual([]);
      expect(status).toBeGreaterThanOrEqual(400);
    });

    test.each(crowdedStreams(file))('one file in, one out: %s', async (_what, bytes) => {
      expect((await send(typed(bytes))).seen).toEqual(one);
    });
  });

  test.each([
    ['what is no HTTP', '\x05\x01\x00', 400],
    ['a tunnel', 'CONNECT evil:443 HTTP/1.1\r\nhost: evil:443\r\n\r\n', 403],
    ['too large a head', `GET / HTTP/1.1\r\nhost: x\r\nx: ${'a'.repeat(9_000)}\r\n\r\n`, 431],
    ['an upgrade', 'GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n', 403],
  ])('%s is refused in the shape of Matrix', async (_what, bytes, status) => {
    const { answer, ...sent } = await send(bytes);
    expect(sent).toEqual({ status, seen: [] });
    expect(answer).toContain('\r\n\r\n{"errcode":"COUNTERSIGN_NOT_ALLOWED","error":"');
  });

  test('a trailer goes nowhere', async () => {
    const trailed = chunkedBody(ground).replace('0\r\n\r\n', '0\r\nauthorization: Bearer evil\r\n\r\n');
    const { seen } = await send(requestWith(ground, 'transfer-encoding: chunked', trailed));
    expect(seen).toEqual(through);
    expect(gateway.homeserver.seen[0]?.headers.authorization).toBeUndefined();
  });

  test('of two tokens one goes on', async () => {
    const tokens = 'authorization: Bearer one\r\nAuthorization: Bearer two';
    await send(requestWith(ground, `${tokens}\r\ncontent-length: ${body.length}`, body));
    expect(gateway.homeserver.seen.map(({ headers }) => headers.authorization)).toEqual(['Bearer one']);
  });
});

describe('S036: a slow request is cut', () => {
  test.each(slowStreams(ground))('%s', async (_where, bytes) => {
    expect((await send(bytes)).seen).toEqual([]);
  });
});
