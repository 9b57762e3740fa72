import { describe, expect, test } from 'vitest';
import { decide, routes } from './allow-list.ts';
import type { RequestHead } from './request-head.ts';

function head(method: string, target: string, headers: RequestHead['headers'] = {}): RequestHead {
  return { method, target, httpVersion: '1.1', headers };
}

const listed = [
  'GET /api/version',
  'GET /api/tags',
  'GET /api/ps',
  'POST /api/show',
  'POST /api/chat',
  'POST /api/generate',
  'POST /api/embed',
  'GET /v1/models',
  'POST /v1/chat/completions',
  'POST /v1/completions',
  'POST /v1/embeddings',
];

test('the list is these routes and no other', () => {
  expect(routes.map(({ method, path }) => `${method} ${path}`)).toEqual(listed);
});

test.each(listed)('%s is let through', (line) => {
  const [method = '', path = ''] = line.split(' ');
  expect(decide(head(method, path))).toMatchObject({ status: 'allowed', route: { method, path } });
});

/** Everything but the exact line, by the ways in which proxies were talked past their lists. */
const refusedTargets: readonly (readonly [string, string, string])[] = [
  // S030: forms of the target that are not a path
  ['S030', 'GET', 'http://evil/'],
  ['S030', 'GET', 'http://evil/api/tags'],
  ['S030', 'POST', 'http://model:11434/api/chat'],
  ['S030', 'GET', '//evil/'],
  ['S030', 'GET', '//evil/api/tags'],
  ['S030', 'CONNECT', 'host:443'],
  ['S030', 'CONNECT', 'model:22'],
  ['S030', 'GET', 'evil:443'],
  ['S030', 'OPTIONS', '*'],
  ['S030', 'PRI', '*'],
  // S031: another authority inside the target
  ['S031', 'GET', 'http://allowed@evil/api/tags'],
  ['S031', 'GET', 'http://model:80@evil/api/tags'],
  ['S031', 'GET', 'HTTP://MODEL.:11434/api/tags'],
  ['S031', 'GET', 'http://xn--mdel-5qa:11434/api/tags'],
  ['S031', 'GET', 'http://[fe80::1%25eth0]/api/tags'],
  ['S031', 'GET', 'http://2852039166/latest/meta-data/'],
  ['S031', 'GET', 'http://0xa9.0xfe.0xa9.0xfe/latest/meta-data/'],
  ['S031', 'GET', 'http://0251.0376.0251.0376/latest/meta-data/'],
  ['S031', 'GET', 'http://169.254.169.254/latest/meta-data/'],
  ['S031', 'GET', '@evil/api/tags'],
  ['S031', 'GET', '/api/tags%00'],
  ['S031', 'GET', '/api/tags\0'],
  ['S031', 'GET', '/api/tags\t'],
  // S033: the path, spelt otherwise
  ['S033', 'POST', '/api/chat/../create'],
  ['S033', 'POST', '/api/create/../chat'],
  ['S033', 'POST', '/api/./chat'],
  ['S033', 'POST', '/api/%2e%2e/api/chat'],
  ['S033', 'POST', '/api%2fchat'],
  ['S033', 'POST', '/api/ch%61t'],
  ['S033', 'POST', '//api/create'],
  ['S033', 'POST', '//api/chat'],
  ['S033', 'POST', '/api//chat'],
  ['S033', 'POST', '/api/chat/'],
  ['S033', 'POST', '/api/chat;/create'],
  ['S033', 'POST', '/api/chat;x=1'],
  ['S033', 'POST', '/API/CREATE'],
  ['S033', 'POST', '/API/CHAT'],
  ['S033', 'POST', '/Api/chat'],
  ['S033', 'POST', '/api\\chat'],
  ['S033', 'POST', '/api\\..\\create'],
  ['S033', 'POST', '/api\u2215chat'],
  ['S033', 'POST', '/api/chat?'],
  ['S033', 'POST', '/api/chat?model=other'],
  ['S033', 'GET', '/?path=/api/tags'],
  ['S033', 'POST', '/api/chat#fragment'],
  ['S033', 'POST', ' /api/chat'],
  ['S033', 'POST', '/api/chat '],
  ['S033', 'POST', 'api/chat'],
  ['S033', 'post', '/api/chat'],
  ['S033', 'Get', '/api/tags'],
  ['S033', '', '/api/tags'],
  ['S033', 'GET', ''],
  // S033: the right path with another method
  ['S033', 'GET', '/api/chat'],
  ['S033', 'PUT', '/api/chat'],
  ['S033', 'POST', '/api/tags'],
  ['S033', 'HEAD', '/api/tags'],
  ['S033', 'OPTIONS', '/api/chat'],
  ['S033', 'DELETE', '/v1/models'],
  // S035: administration, and what is not known
  ['S035', 'POST', '/api/create'],
  ['S035', 'POST', '/api/pull'],
  ['S035', 'POST', '/api/push'],
  ['S035', 'POST', '/api/copy'],
  ['S035', 'DELETE', '/api/delete'],
  ['S035', 'POST', '/api/delete'],
  ['S035', 'HEAD', `/api/blobs/sha256:${'0'.repeat(64)}`],
  ['S035', 'POST', `/api/blobs/sha256:${'0'.repeat(64)}`],
  ['S035', 'POST', '/api/blobs'],
  ['S035', 'POST', '/api/web_search'],
  ['S035', 'POST', '/api/web_fetch'],
  ['S035', 'POST', '/api/experimental/web_search'],
  ['S035', 'POST', '/api/me'],
  ['S035', 'POST', '/api/signout'],
  ['S035', 'POST', '/api/embeddings'],
  ['S035', 'GET', '/v1/models/coder'],
  ['S035', 'POST', '/v1/responses'],
  ['S035', 'POST', '/v1/messages'],
  ['S035', 'POST', '/v1/images/generations'],
  ['S035', 'GET', '/'],
  ['S038', 'POST', '/_matrix/client/v3/login'],
  ['S038', 'GET', '/_matrix/client/v3/sync?access_token=x'],
  ['S038', 'GET', '/_synapse/admin/v2/users'],
  ['S035', 'GET', '/metrics'],
  ['S035', 'GET', '/debug/pprof/'],
];

test.each(refusedTargets)('%s: %s %j is refused', (_id, method, target) => {
  expect(decide(head(method, target))).toMatchObject({ status: 'refused', refusal: { status: 403 } });
});

describe('headers', () => {
  test.each([
    ['upgrade', 'websocket'],
    ['upgrade', 'h2c'],
    ['http2-settings', 'AAMAAABk'],
    ['expect', '100-continue'],
    ['trailer', 'content-length'],
    ['content-encoding', 'gzip'],
  ])('%s: %s is refused', (name, value) => {
    expect(decide(head('POST', '/api/chat', { [name]: value }))).toMatchObject({
      status: 'refused',
      refusal: { reason: expect.stringContaining(name) },
    });
  });

  test.each([
    ['x-original-url', '/api/create'],
    ['x-http-method-override', 'DELETE'],
    ['host', 'evil'],
    ['host', 'model:80@evil'],
    ['host', '169.254.169.254'],
  ])('S031, S033: %s: %s changes nothing', (name, value) => {
    expect(decide(head('GET', '/api/tags', { [name]: value }))).toMatchObject({
      status: 'allowed',
      route: { method: 'GET', path: '/api/tags' },
    });
  });

  test.each([[{ 'content-length': '5' }], [{ 'transfer-encoding': 'chunked' }]])(
    'a listing with a body is refused: %j',
    (headers) => {
      expect(decide(head('GET', '/api/tags', headers))).toMatchObject({ status: 'refused' });
    },
  );

  test('a listing that says its body is empty is let through', () => {
    expect(decide(head('GET', '/api/tags', { 'content-length': '0' }))).toMatchObject({ status: 'allowed' });
  });
});

test.each(['1.0', '2.0', '0.9'])('HTTP/%s is refused', (httpVersion) => {
  expect(decide({ ...head('GET', '/api/tags'), httpVersion })).toMatchObject({ status: 'refused' });
});
