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

describe('what goes on', () => {
  test('a listing goes to the upstream and its answer comes back', async () => {
    const { ask, upstream } = await start();
    upstream.answer = (_request, response) => {
      response.setHeader('content-type', 'application/json; charset=utf-8').end('{"models":[]}');
    };
    expect(await ask('/api/tags')).toMatchObject({
      status: 200,
      text: '{"models":[]}',
      headers: { 'content-type': 'application/json; charset=utf-8' },
    });
    expect(upstream.seen).toMatchObject([{ method: 'GET', url: '/api/tags', body: '' }]);
  });

  test('S039: no header of the sandbox goes on but those of our own', async () => {
    const { ask, upstream } = await start();
    await ask('/api/chat', chat, {
      headers: {
        authorization: 'Bearer secret',
        cookie: 'secret=1',
        'x-forwarded-for': '1.2.3.4',
        'x-original-url': '/api/create',
        'x-http-method-override': 'DELETE',
        'user-agent': 'secret',
        'content-type': 'text/secret',
        accept: 'secret',
        host: 'evil.example',
        te: 'trailers',
      },
    });
    expect(upstream.seen).toHaveLength(1);
    expect(upstream.seen[0]?.headers).toEqual({
      host: `127.0.0.1:${upstream.port}`,
      connection: 'keep-alive',
      'content-type': 'application/json',
      'content-length': String(upstream.seen[0]?.body.length),
    });
  });

  test('S039: no header of the upstream comes back but the content type', async () => {
    const { ask, upstream } = await start();
    upstream.answer = (_request, response) => {
      response.writeHead(200, {
        'content-type': 'application/json',
        'set-cookie': 'secret=1',
        'www-authenticate': 'Basic',
        server: 'secret',
        'x-internal': 'secret',
        location: 'http://secret/',
      });
      response.end('{}');
    };
    const { headers } = await ask('/api/version');
    expect(Object.keys(headers).sort()).toEqual(['connection', 'content-type', 'date', 'transfer-encoding']);
  });

  test.each([400, 404, 500, 503])('an error of the upstream comes back as it is: %d', async (status) => {
    const { ask, upstream } = await start();
    upstream.answer = (_request, response) => response.writeHead(status).end('{"error":"theirs"}');
    expect(await ask('/api/chat', chat)).toMatchObject({ status, text: '{"error":"theirs"}' });
  });

  test('a refused request reaches nobody, and says why in the shape of its API', async () => {
    const { ask, upstream, logged } = await start();
    expect(await ask('/api/pull', { model: 'coder:7b' })).toMatchObject({ status: 403 });
    const ollama = await ask('/api/chat', { ...chat, insecure: true });
    expect(JSON.parse(ollama.text)).toEqual({ error: expect.stringContaining('insecure') });
    const openai = await ask('/v1/chat/completions', { model: 'gpt-oss:120b-cloud', messages: [] });
    expect(JSON.parse(openai.text)).toMatchObject({ error: { message: expect.stringContaining('coder:7b') } });
    expect(upstream.seen).toEqual([]);
    expect(logged.filter(({ msg }) => msg === 'request refused')).toMatchObject([
      { method: 'POST', path: '/api/pull', status: 403 },
      { path: '/api/chat', status: 400 },
      { path: '/v1/chat/completions', status: 403 },
    ]);
  });
});
