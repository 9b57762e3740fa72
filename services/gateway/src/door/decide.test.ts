import { describe, expect, test } from 'vitest';
import type { RequestHead } from '../request-head.ts';
import { decideDoor } from './decide.ts';
import { doorRoutes } from './routes.ts';

type Headers = RequestHead['headers'];

function decide(method: string, target: string, headers: Headers = {}, httpVersion = '1.1') {
  return decideDoor({ method, target, httpVersion, headers });
}

function sentOn(method: string, target: string): string | null {
  const decision = decide(method, target);
  return decision.status === 'allowed' ? decision.admitted.path : null;
}

const v3 = '/_matrix/client/v3';
const roomId = '!VNIyqOmZBgpSUwBaut:countersign.local';
const room = `${v3}/rooms/${encodeURIComponent(roomId)}`;
const filter = encodeURIComponent('{"room":{"rooms":["!a:b"],"timeline":{"limit":40}},"presence":{"types":[]}}');

const listed = [
  'GET /_matrix/client/versions',
  'GET /_matrix/client/v3/account/whoami',
  'POST /_matrix/client/v3/logout {}',
  'GET /_matrix/client/v3/joined_rooms',
  'GET /_matrix/client/v3/sync ?filter&since&timeout',
  'POST /_matrix/client/v3/rooms/{roomId}/join {}',
  'GET /_matrix/client/v3/rooms/{roomId}/messages ?from&to&dir&limit&filter',
  'GET /_matrix/client/v3/rooms/{roomId}/state/m.room.encryption',
  'GET /_matrix/client/v3/rooms/{roomId}/state/m.room.encryption/',
  'PUT /_matrix/client/v3/rooms/{roomId}/send/m.room.message/{txnId} {…}',
  'PUT /_matrix/client/v3/rooms/{roomId}/send/m.reaction/{txnId} {…}',
  'GET /_matrix/client/v1/media/download/{serverName}/{mediaId}',
  'POST /_matrix/media/v3/upload ?filename text',
];

test('the list is these routes and no other', () => {
  const bodies = { none: '', 'empty-object': ' {}', object: ' {…}', text: ' text' } as const;
  const lines = doorRoutes.map(({ method, path, query, body }) => {
    const keys = Object.keys(query);
    return `${method} ${path}${keys.length === 0 ? '' : ` ?${keys.join('&')}`}${bodies[body]}`;
  });
  expect(lines).toEqual(listed);
});

describe('what the listener sends goes on', () => {
  test.each([
    ['GET', '/_matrix/client/versions'],
    ['GET', `${v3}/account/whoami`],
    ['POST', `${v3}/logout`],
    ['GET', `${v3}/joined_rooms`],
    ['GET', `${v3}/sync`],
    ['GET', `${v3}/sync?timeout=0`],
    ['GET', `${v3}/sync?timeout=60000`],
    ['GET', `${v3}/sync?filter=${filter}&timeout=30000`],
    ['GET', `${v3}/sync?filter=${filter}&timeout=30000&since=s72594_4483_1934_~x`],
    ['POST', `${room}/join`],
    ['GET', `${room}/messages`],
    ['GET', `${room}/messages?from=t1-2_3&to=s4_5&dir=f&limit=40&filter=${filter}`],
    ['GET', `${room}/messages?dir=b&from=t1&limit=1000`],
    ['GET', `${room}/state/m.room.encryption`],
    ['GET', `${room}/state/m.room.encryption/`],
    ['PUT', `${room}/send/m.room.message/gate-RUN_20261121-001-e67dw`],
    ['PUT', `${room}/send/m.room.message/${'a'.repeat(128)}`],
    ['PUT', `${v3}/rooms/!Jn1Z7V2ZT3BQXo2aM2jcuQ_abc-DEF/send/m.room.message/1`],
    ['GET', '/_matrix/client/v1/media/download/countersign.local/GXwdVqPfDqkPZGDYPNWLIuOk'],
    ['GET', '/_matrix/client/v1/media/download/mini.tail1234.ts.net%3A8448/a_b-C1'],
  ])('%s %s', (method, target) => {
    expect(sentOn(method, target)).toBe(target);
  });

  test('in one spelling, whichever way it was encoded', () => {
    expect(sentOn('POST', `${v3}/rooms/${roomId}/join`)).toBe(`${room}/join`);
    expect(sentOn('POST', `${v3}/rooms/%21VNIyqOmZBgpSUwBaut%3acountersign%2elocal/join`)).toBe(`${room}/join`);
    const written = new URLSearchParams({ filter: '{"types": ["m.room.message"], "x":"é+&=#"}', timeout: '1' });
    const expected = encodeURIComponent('{"types": ["m.room.message"], "x":"é+&=#"}');
    expect(sentOn('GET', `${v3}/sync?${written}`)).toBe(`${v3}/sync?filter=${expected}&timeout=1`);
  });

  test('a sync says for how long it is held', () => {
    const held = (target: string) => decide('GET', target);
    expect(held(`${v3}/sync?timeout=30000`)).toMatchObject({ admitted: { holdMs: 30_000 } });
    expect(held(`${v3}/sync`)).toMatchObject({ admitted: { holdMs: 0 } });
    expect(held(`${v3}/joined_rooms`)).toMatchObject({ admitted: { holdMs: 0 } });
  });
});

describe('headers', () => {
  test.each(['Bearer syt_bot', `Bearer ${'a'.repeat(4_096)}`])(
    'a bearer token is sent on as it is',
    (authorization) => {
      expect(decide('GET', `${v3}/sync`, { authorization })).toMatchObject({ admitted: { authorization } });
    },
  );

  test('without one, none is sent on', () => {
    expect(decide('GET', '/_matrix/client/versions')).toMatchObject({ admitted: { authorization: null } });
  });

  test.each([
    '',
    'Bearer',
    'Bearer ',
    'bearer syt_bot',
    'Bearer  syt_bot',
    'Bearer syt_bot ',
    'Bearer syt bot',
    'Bearer syt\tbot',
    'Bearer syt\u00e9',
    'Basic eDp5',
    'syt_bot',
    `Bearer ${'a'.repeat(4_097)}`,
  ])('an authorization that is no bearer token is refused: %j', (authorization) => {
    const decision = decide('GET', `${v3}/sync`, { authorization });
    expect(decision).toMatchObject({ status: 'refused' });
    expect(JSON.stringify(decision)).not.toContain('syt');
  });

  test.each([
    ['upgrade', 'websocket'],
    ['expect', '100-continue'],
    ['trailer', 'authorization'],
    ['content-encoding', 'gzip'],
    ['http2-settings', 'AAMAAABk'],
  ])('%s: %s is refused', (name, value) => {
    expect(decide('POST', `${room}/join`, { [name]: value })).toMatchObject({ status: 'refused' });
  });

  test.each([{ 'content-length': '2' }, { 'transfer-encoding': 'chunked' }])(
    'a route without a body takes none: %j',
    (headers) => {
      expect(decide('GET', `${v3}/sync`, headers)).toMatchObject({ status: 'refused' });
      expect(decide('PUT', `${room}/send/m.room.message/t1`, headers)).toMatchObject({ status: 'allowed' });
    },
  );
});

describe('a file', () => {
  const path = '/_matrix/media/v3/upload';
  const type = { 'content-type': 'text/plain; charset=utf-8' };

  test.each(['e67dw-demo.patch', 'e67dw-plan.md', 'my-task-1-a.b_c-D.patch'])(
    'of a name of ours goes on: %s',
    (name) => {
      expect(decide('POST', `${path}?filename=${name}`, { ...type, 'content-length': '5' })).toMatchObject({
        admitted: { path: `${path}?filename=${name}`, holdMs: 0 },
      });
    },
  );

  test.each([
    undefined,
    '',
    'text/plain',
    'text/plain;charset=utf-8',
    'text/plain; charset=UTF-8',
    'TEXT/PLAIN; charset=utf-8',
    'text/plain; charset=utf-8; boundary=x',
    'text/plain; charset=utf-8, text/html',
    'text/html; charset=utf-8',
    'image/svg+xml',
    'application/json',
    'multipart/form-data; boundary=x',
  ])('that calls itself %j goes nowhere', (contentType) => {
    const headers = contentType === undefined ? {} : { 'content-type': contentType };
    expect(decide('POST', `${path}?filename=e67dw-demo.patch`, headers)).toMatchObject({
      status: 'refused',
      refusal: { status: 403, errcode: 'COUNTERSIGN_NOT_ALLOWED' },
    });
  });

  test.each([
    '',
    '?',
    '?filename=',
    '?filename=index.html',
    '?filename=e67dw-demo.patch.html',
    '?filename=e67dw-demo.patch&filename=e67dw-demo.patch',
    '?filename=e67dw-demo.patch&user_id=@x:s',
    '?filename=..%2Fe67dw-demo.patch',
    '?filename=e67dw-demo.patch%00',
    '?filename=e67dw-demo.patch%0d%0a',
    '?filename=e67dw-demo%22.patch',
    '?filename=e67dw-demo%E2%80%AE.patch',
    '?filename=e67dw-plan.md%20',
    '?filename=+e67dw-plan.md',
    '?Filename=e67dw-plan.md',
    '?file%6Eame=e67dw-plan.md',
  ])('of another name, or of none, goes nowhere: %j', (query) => {
    expect(decide('POST', path + query, type)).toMatchObject({ status: 'refused' });
  });

  test('is asked for in one spelling', () => {
    expect(decide('POST', `${path}?filename=e67dw%2Dplan%2emd`, type)).toMatchObject({
      admitted: { path: `${path}?filename=e67dw-plan.md` },
    });
  });
});

test.each(['1.0', '2.0', '0.9'])('HTTP/%s is refused', (httpVersion) => {
  expect(decide('GET', '/_matrix/client/versions', {}, httpVersion)).toMatchObject({ status: 'refused' });
});
