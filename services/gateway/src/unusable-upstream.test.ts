import { afterEach, describe, expect, test } from 'vitest';
import { chat, type FixtureOptions, type GatewayFixture, startGateway } from './gateway-fixture.ts';

let gateway: GatewayFixture | undefined;

async function start(options?: FixtureOptions): Promise<GatewayFixture> {
  gateway = await startGateway(options);
  return gateway;
}

afterEach(async () => {
  await gateway?.[Symbol.asyncDispose]();
  gateway = undefined;
});

describe('an upstream that cannot be used', () => {
  test.each([301, 302, 303, 307, 308, 300, 304])('S034: a %d is not followed', async (status) => {
    const { ask, upstream } = await start();
    upstream.answer = (_request, response) => {
      response.writeHead(status, { location: `${upstream.origin}/api/create` }).end();
    };
    const answer = await ask('/api/chat', chat);
    expect(answer.status).toBe(502);
    expect(JSON.parse(answer.text)).toEqual({ error: expect.stringContaining(`${status}`) });
    expect(upstream.seen).toHaveLength(1);
  });

  test('nobody listens there', async () => {
    const { ask } = await start({ origin: 'http://127.0.0.1:9' });
    const ollama = await ask('/api/chat', chat);
    expect(ollama.status).toBe(503);
    expect(JSON.parse(ollama.text)).toEqual({ error: 'the model server does not answer (ECONNREFUSED)' });
    const openai = await ask('/v1/chat/completions', chat);
    expect(JSON.parse(openai.text)).toMatchObject({ error: { message: expect.stringContaining('ECONNREFUSED') } });
  });

  test('it says nothing for too long', async () => {
    const { ask, upstream } = await start({ overrides: { limits: { upstreamIdleMs: 100 } } });
    upstream.answer = () => undefined;
    expect(await ask('/api/chat', chat)).toMatchObject({ status: 504 });
  });

  test('it stops in mid-stream', async () => {
    const { ask, upstream, logged } = await start({ overrides: { limits: { upstreamIdleMs: 100 } } });
    upstream.answer = (_request, response) => response.write('{"n":1}\n');
    await expect(ask('/api/chat', chat)).rejects.toThrow();
    expect(logged.filter(({ ended }) => ended === 'upstream')).toHaveLength(1);
  });

  test('it does not speak HTTP', async () => {
    const { ask, upstream } = await start();
    upstream.answer = (_request, response) => response.socket?.end('garbage\r\n\r\n');
    const answer = await ask('/api/tags');
    expect(answer.status).toBe(502);
    expect(JSON.parse(answer.text)).toEqual({ error: 'the model server does not speak HTTP' });
  });

  test('it answers in an encoding that was not asked for', async () => {
    const { ask, upstream } = await start();
    upstream.answer = (_request, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('x');
    expect(await ask('/api/tags')).toMatchObject({ status: 502 });
  });

  test('S023, S025: its name leads to a metadata address, at once or later', async () => {
    const address = { now: '127.0.0.1' };
    const { ask, upstream } = await start({
      origin: 'http://model.test:1',
      overrides: {
        lookup: (_host, options, callback) => {
          if (options.all)
            callback(null, [
              { address: '127.0.0.1', family: 4 },
              { address: address.now, family: 4 },
            ]);
          else callback(null, address.now, 4);
        },
      },
    });
    expect(JSON.parse((await ask('/api/tags')).text)).toEqual({
      error: 'the model server does not answer (ECONNREFUSED)',
    });
    address.now = '169.254.169.254';
    expect(JSON.parse((await ask('/api/tags')).text)).toEqual({
      error: 'the model server has an address that is not connected to',
    });
    expect(upstream.seen).toEqual([]);
  });

  test.each([
    'http://169.254.169.254',
    'http://[fd00:ec2::254]',
    'http://[::ffff:169.254.169.254]',
    'http://2852039166',
    'http://0xa9fea9fe',
    'http://0251.0376.0251.0376',
    'http://169.254.169.254.',
    'http://100.100.100.200',
  ])('S025: its address is %s', async (origin) => {
    const { ask } = await start({ origin: new URL(origin).origin });
    expect(await ask('/api/tags')).toMatchObject({ status: 503, text: expect.stringContaining('not connected to') });
  });

  test('its name cannot be resolved', async () => {
    const { ask } = await start({
      origin: 'http://model.test:1',
      overrides: {
        lookup: (_host, _options, callback) => callback(Object.assign(new Error('no'), { code: 'ENOTFOUND' }), ''),
      },
    });
    expect(await ask('/api/tags')).toMatchObject({ status: 503, text: expect.stringContaining('leads to no address') });
  });
});
