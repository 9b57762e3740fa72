import type { ServerResponse } from 'node:http';
import { DoorError } from '@countersign/contracts/gateway-api.ts';
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

const sync = '/_matrix/client/v3/sync';
const mib = 1024 * 1024;

/** What the door answers for a homeserver that answers so. */
async function answerOf(answer: (response: ServerResponse) => void, options?: FixtureOptions) {
  const { knock, homeserver } = await start(options);
  homeserver.answer = (_request, response) => answer(response);
  const { status, text } = await knock('GET', sync, { headers: { authorization: 'Bearer syt_bot' } });
  return { status, error: DoorError.parse(JSON.parse(text)), origin: homeserver.origin };
}

describe('S034: a redirect is not followed', () => {
  test.each([300, 301, 302, 303, 304, 307, 308])('%d', async (status) => {
    const answer = await answerOf((response) => {
      response.writeHead(status, { location: `${gateway?.homeserver.origin}/_synapse/admin/v1/register` }).end();
    });
    expect(answer).toMatchObject({ status: 502, error: { errcode: 'COUNTERSIGN_BAD_ANSWER' } });
    expect(answer.error.error).toBe(`the homeserver answered ${status}; redirects are not followed: ${answer.origin}`);
    expect(gateway?.homeserver.seen).toHaveLength(1);
  });
});

describe('A21: answers that are not passed on', () => {
  test('100 MB that are announced are not read', async () => {
    let written = 0;
    const answer = await answerOf((response) => {
      response.writeHead(200, { 'content-length': 100 * mib });
      const fill = () => {
        while (!response.destroyed && response.write(Buffer.alloc(64 * 1024))) written += 64 * 1024;
      };
      response.on('drain', fill);
      fill();
    });
    expect(answer).toMatchObject({ status: 502, error: { errcode: 'COUNTERSIGN_BAD_ANSWER' } });
    expect(answer.error.error).toContain(`more than ${4 * mib} bytes`);
    expect(written).toBeLessThan(20 * mib);
  });

  test('100 MB that are not announced are cut, and nobody takes what came for whole', async () => {
    const { rawAtDoor, homeserver, logged } = await start();
    let written = 0;
    homeserver.answer = (_request, response) => {
      const fill = () => {
        while (!response.destroyed && written < 100 * mib) {
          written += 64 * 1024;
          if (!response.write(Buffer.alloc(64 * 1024))) return;
        }
        response.end();
      };
      response.on('drain', fill);
      fill();
    };
    const bytes = await rawAtDoor(`GET ${sync} HTTP/1.1\r\nhost: x\r\n\r\n`);
    expect(bytes).toMatch(/^HTTP\/1\.1 200 /);
    expect(bytes.length).toBeLessThan(5 * mib);
    expect(bytes.endsWith('0\r\n\r\n')).toBe(false);
    expect(written).toBeLessThan(40 * mib);
    expect(logged.filter(({ msg }) => msg === 'request ended')).toMatchObject([{ ended: 'too-large', level: 40 }]);
  });

  test('an answer of the largest size passes', async () => {
    const { knock, homeserver } = await start();
    homeserver.answer = (_request, response) => response.end('x'.repeat(4 * mib));
    expect((await knock('GET', sync)).text).toHaveLength(4 * mib);
  });

  test('an encoding that was not asked for', async () => {
    const answer = await answerOf((response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('x'));
    expect(answer).toMatchObject({ status: 502, error: { errcode: 'COUNTERSIGN_BAD_ANSWER' } });
  });

  test.each([
    ['no HTTP', 'garbage\r\n\r\n', 502, 'COUNTERSIGN_BAD_ANSWER'],
    ['a status that is none', 'HTTP/1.1 999 Odd\r\ncontent-length: 0\r\n\r\n', 502, 'COUNTERSIGN_BAD_ANSWER'],
    [
      'two lengths',
      'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab',
      502,
      'COUNTERSIGN_BAD_ANSWER',
    ],
    ['nothing', '', 503, 'COUNTERSIGN_UNREACHABLE'],
    ['half a head', 'HTTP/1.1 200 OK\r\ncontent-le', 503, 'COUNTERSIGN_UNREACHABLE'],
  ])('%s', async (_what, bytes, status, errcode) => {
    const answer = await answerOf((response) => {
      response.socket?.end(bytes);
    });
    expect(answer).toMatchObject({ status, error: { errcode } });
  });

  test('headers with odd bytes stay behind', async () => {
    const { knock, homeserver } = await start();
    homeserver.answer = (_request, response) => {
      response.socket?.end(
        Buffer.from(
          'HTTP/1.1 200 OK\r\ncontent-type: te\xffxt\r\nretry-after: 1\r\ncontent-length: 2\r\n\r\n{}',
          'latin1',
        ),
      );
    };
    const { headers, text } = await knock('GET', sync);
    expect(text).toBe('{}');
    expect(headers['content-type']).toBeUndefined();
    expect(headers['retry-after']).toBe('1');
  });
});

describe('answers that pass as they are', () => {
  test.each([200, 400, 401, 403, 404, 429, 500, 502, 503])('%d', async (status) => {
    const { knock, homeserver } = await start();
    homeserver.answer = (_request, response) => response.writeHead(status, { 'retry-after': '3' }).end('<garbage>');
    const answer = await knock('GET', sync);
    expect(answer).toMatchObject({ status, text: '<garbage>', headers: { 'retry-after': '3' } });
  });
});

describe('a homeserver that is not there', () => {
  test('nobody listens', async () => {
    const { knock } = await start({ homeserverOrigin: 'http://127.0.0.1:9' });
    const answer = await knock('GET', sync);
    expect(answer.status).toBe(503);
    expect(JSON.parse(answer.text)).toEqual({
      errcode: 'COUNTERSIGN_UNREACHABLE',
      error: 'the homeserver does not answer (ECONNREFUSED): http://127.0.0.1:9',
    });
  });

  test.each(['http://169.254.169.254', 'http://[fd00:ec2::254]', 'http://2852039166'])('S025: at %s', async (url) => {
    const { knock } = await start({ homeserverOrigin: new URL(url).origin });
    const answer = await knock('GET', sync);
    expect(answer.status).toBe(503);
    expect(JSON.parse(answer.text)).toEqual({
      errcode: 'COUNTERSIGN_ADDRESS',
      error: expect.stringContaining('special address and never connected to'),
    });
  });

  test('it says nothing for too long', async () => {
    const answer = await answerOf(() => undefined, { overrides: { limits: { doorAnswerMs: 50 } } });
    expect(answer).toMatchObject({ status: 504, error: { errcode: 'COUNTERSIGN_UNREACHABLE' } });
    expect(answer.error.error).toBe(`the homeserver did not answer within 0.05 s: ${answer.origin}`);
  });

  test('it drips', async () => {
    const { knock, homeserver, logged } = await start({ overrides: { limits: { doorAnswerMs: 500 } } });
    homeserver.answer = (_request, response) => {
      const drip = setInterval(() => response.write(' '), 10);
      response.once('close', () => clearInterval(drip));
    };
    await expect(knock('GET', sync)).rejects.toThrow();
    await until(() => logged.some(({ ended }) => ended === 'upstream'));
  });

  test('it breaks off', async () => {
    const { knock, homeserver } = await start();
    homeserver.answer = (_request, response) => response.write('{"next_batch":', () => response.destroy());
    await expect(knock('GET', sync)).rejects.toThrow();
  });

  test('a sync is waited for as long as it was asked to be held, and the rest is not', async () => {
    const { knock, homeserver } = await start({ overrides: { limits: { doorAnswerMs: 60 } } });
    homeserver.answer = (_request, response) => void setTimeout(() => response.end('{}'), 200);
    expect(await knock('GET', `${sync}?timeout=10000`)).toMatchObject({ status: 200 });
    expect(await knock('GET', '/_matrix/client/versions')).toMatchObject({ status: 504 });
  });
});

test('the other server’s trouble is not its own', async () => {
  const { knock, ask } = await start({ origin: 'http://127.0.0.1:9' });
  expect(await ask('/api/tags')).toMatchObject({ status: 503 });
  expect(await knock('GET', sync)).toMatchObject({ status: 200 });
});
