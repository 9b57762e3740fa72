import type { RequestListener } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { HomeserverError } from '../homeserver-error.ts';
import { listenerLimits } from '../limits.ts';
import { makeBotToken, writeBotFile } from '../testing/bot-access.ts';
import { type Asked, json, readRequest, startDoor } from '../testing/door.ts';
import { bot, room, said } from '../testing/room-events.ts';
import { DoorFetch } from './door-fetch.ts';
import { Homeserver, type Post } from './matrix.ts';

const { signal } = new AbortController();
const post = (key: string, content: object): Post => ({ type: 'm.room.message', key, content });
const token = 'syt_secret_token';
const roomPath = `/_matrix/client/v3/rooms/${encodeURIComponent(room)}`;

async function begin(answer: RequestListener) {
  const asked: Asked[] = [];
  const { socketPath } = await startDoor(async (request, response) => {
    asked.push(await readRequest(request));
    answer(request, response);
  });
  const door = new DoorFetch(socketPath);
  onTestFinished(() => door[Symbol.asyncDispose]());
  const access = makeBotToken({ token, writtenAt: '2026-11-20T10:00:00.000Z' });
  return { ...access, asked, homeserver: new Homeserver(access.token, room, door.fetch) };
}

function answering(status: number, body: unknown, headers?: Record<string, string>): RequestListener {
  return (_, response) => json(response, status, body, headers);
}

function plain(
  status: number,
  type: string | null,
  body: string,
  headers: Record<string, string> = {},
): RequestListener {
  return (_, response) =>
    void response.writeHead(status, { ...headers, ...(type === null ? {} : { 'content-type': type }) }).end(body);
}

/** What kept a homeserver from telling who the bot is. */
async function failure(answer: RequestListener): Promise<HomeserverError> {
  const { homeserver } = await begin(answer);
  const error = await homeserver.whoAmI(signal).then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof HomeserverError))
    throw new Error('the homeserver did not fail in its own way', { cause: error });
  return error;
}

test('A20 A30 each request is the client API’s own and asks for no key, with the token in its head and nowhere else', async () => {
  const answers = [
    { user_id: bot },
    { joined_rooms: [room] },
    {},
    { algorithm: 'm.megolm.v1.aes-sha2' },
    { next_batch: 's1' },
    { next_batch: 's2' },
    { chunk: [] },
    { event_id: '$sent' },
  ];
  const { homeserver, asked } = await begin((_, response) => json(response, 200, answers.shift()));
  expect(await homeserver.whoAmI(signal)).toBe(bot);
  expect(await homeserver.isJoined(signal)).toBe(true);
  await homeserver.join(signal);
  expect(await homeserver.isEncrypted(signal)).toBe(true);
  expect((await homeserver.sync(null, 0, signal)).next_batch).toBe('s1');
  expect((await homeserver.sync('s1', 30_000, signal)).next_batch).toBe('s2');
  expect(await homeserver.messages('s1', 't1', signal)).toEqual({ chunk: [] });
  expect(await homeserver.send(post('0a1b', { msgtype: 'm.text', body: '–' }), signal)).toBe('$sent');
  expect(asked.map(({ method, path }) => `${method} ${path}`)).toEqual([
    'GET /_matrix/client/v3/account/whoami',
    'GET /_matrix/client/v3/joined_rooms',
    `POST ${roomPath}/join`,
    `GET ${roomPath}/state/m.room.encryption`,
    'GET /_matrix/client/v3/sync',
    'GET /_matrix/client/v3/sync',
    `GET ${roomPath}/messages`,
    `PUT ${roomPath}/send/m.room.message/0a1b`,
  ]);
  for (const { headers } of asked) expect(headers.authorization).toBe(`Bearer ${token}`);
  expect(JSON.stringify(asked.map(({ path, query, body }) => [path, query, body]))).not.toContain(token);
  expect(asked[4]?.query).not.toHaveProperty('since');
  expect(asked[5]?.query).toMatchObject({ since: 's1', timeout: '30000' });
  expect(asked[6]?.query).toMatchObject({ from: 's1', to: 't1', dir: 'f' });
  expect(JSON.parse(asked[7]?.body ?? '')).toEqual({ msgtype: 'm.text', body: '–' });
});

test('a file goes up by its name, as the text that it calls itself, with every byte of it', async () => {
  const received: Buffer[] = [];
  const { socketPath } = await startDoor(async (request, response) => {
    for await (const part of request) received.push(part as Buffer);
    expect([request.method, request.url, request.headers['content-type'], request.headers.authorization]).toEqual([
      'POST',
      '/_matrix/media/v3/upload?filename=e67dw-demo.patch',
      'text/plain; charset=utf-8',
      `Bearer ${token}`,
    ]);
    json(response, 200, { content_uri: 'mxc://s/m' });
  });
  const door = new DoorFetch(socketPath);
  onTestFinished(() => door[Symbol.asyncDispose]());
  const access = makeBotToken({ token, writtenAt: '2026-11-20T10:00:00.000Z' });
  const homeserver = new Homeserver(access.token, room, door.fetch);
  const bytes = Buffer.from([...Array(256).keys()]);
  expect(await homeserver.upload('e67dw-demo.patch', bytes, signal)).toBe('mxc://s/m');
  expect(Buffer.concat(received)).toEqual(bytes);
});

test.each([{ content_uri: 'https://evil/x' }, { content_uri: 5 }, {}, []])(
  'an address that is none is not posted: %j',
  async (answer) => {
    const { homeserver } = await begin(answering(200, answer));
    await expect(homeserver.upload('e67dw-plan.md', Buffer.from('x'), signal)).rejects.toMatchObject({
      code: 'bad-answer',
      status: null,
    });
  },
);

test.each([
  [413, { errcode: 'M_TOO_LARGE', error: 'x' }, 'refused', 413],
  [404, { errcode: 'M_UNRECOGNIZED', error: 'x' }, 'missing', 404],
  [500, { errcode: 'M_UNKNOWN', error: 'x' }, 'unreachable', 500],
  [413, 'Request Entity Too Large', 'bad-answer', 413],
  [503, { errcode: 'COUNTERSIGN_UNREACHABLE', error: 'x' }, 'unreachable', null],
] as const)('what a homeserver says of a file is told by its status: %s %j', async (status, body, code, told) => {
  const { homeserver } = await begin(
    typeof body === 'string' ? plain(status, 'text/html', body) : answering(status, body),
  );
  await expect(homeserver.upload('e67dw-plan.md', Buffer.from('x'), signal)).rejects.toMatchObject({
    code,
    status: told,
  });
});

test('A18 of a sync only the pinned room is asked for', async () => {
  const { homeserver, asked } = await begin(answering(200, { next_batch: 's' }));
  await homeserver.sync('s0', 0, signal);
  const filter = JSON.parse(asked[0]?.query['filter'] ?? '');
  expect(filter.room).toMatchObject({
    rooms: [room],
    include_leave: true,
    timeline: { limit: listenerLimits.timelineEvents },
  });
  expect([filter.room.state, filter.room.ephemeral, filter.presence, filter.account_data]).toEqual(
    Array(4).fill({ types: [] }),
  );
});

test('A30 a token that is not taken is looked for anew, and each request bears the one of its time', async () => {
  const {
    homeserver,
    asked,
    secrets,
    token: access,
  } = await begin((request, response) =>
    request.headers.authorization === 'Bearer syt_next'
      ? json(response, 200, { user_id: bot })
      : json(response, 401, { errcode: 'M_UNKNOWN_TOKEN', error: 'x' }),
  );
  await expect(homeserver.whoAmI(signal)).rejects.toMatchObject({ code: 'unauthorised' });
  expect([access.now.token, access.accepted]).toEqual([token, null]);
  await writeBotFile(secrets, 'syt_next');
  await expect(homeserver.whoAmI(signal)).rejects.toMatchObject({ code: 'unauthorised' });
  expect([access.now.token, access.accepted]).toEqual(['syt_next', null]);
  expect(await homeserver.whoAmI(signal)).toBe(bot);
  expect(access.accepted).toBe(access.now.writtenAt);
  expect(asked.map(({ headers }) => headers.authorization)).toEqual([
    `Bearer ${token}`,
    `Bearer ${token}`,
    'Bearer syt_next',
  ]);
});

test('a bot that is in other rooms is not in its room', async () => {
  const { homeserver } = await begin(answering(200, { joined_rooms: ['!else:home.test', 5].slice(0, 1) }));
  expect(await homeserver.isJoined(signal)).toBe(false);
});

test('a room without encryption is not encrypted; one of which that cannot be told is not taken for one', async () => {
  const none = await begin(answering(404, { errcode: 'M_NOT_FOUND', error: 'none' }));
  expect(await none.homeserver.isEncrypted(signal)).toBe(false);
  const forbidden = await begin(answering(403, { errcode: 'M_FORBIDDEN', error: 'no' }));
  await expect(forbidden.homeserver.isEncrypted(signal)).rejects.toMatchObject({ code: 'forbidden' });
});

test.each([
  [401, 'M_UNKNOWN_TOKEN', 'unauthorised'],
  [401, 'M_MISSING_TOKEN', 'unauthorised'],
  [403, 'M_UNKNOWN_TOKEN', 'unauthorised'],
  [401, 'M_OTHER', 'unauthorised'],
  [403, 'M_FORBIDDEN', 'forbidden'],
  [404, 'M_NOT_FOUND', 'missing'],
  [429, 'M_LIMIT_EXCEEDED', 'limited'],
  [400, 'M_UNKNOWN', 'refused'],
  [413, 'M_TOO_LARGE', 'refused'],
  [500, 'M_UNKNOWN', 'unreachable'],
  [502, 'M_UNKNOWN', 'unreachable'],
  [503, 'M_RESOURCE_LIMIT_EXCEEDED', 'unreachable'],
] as const)('%d %s is %s', async (status, errcode, code) => {
  const error = await failure(answering(status, { errcode, error: 'words of the homeserver' }));
  expect(error).toMatchObject({ code, message: `the homeserver answered ${status} ${errcode}` });
});

test.each([
  ['COUNTERSIGN_NOT_ALLOWED', 403, 'refused'],
  ['COUNTERSIGN_ADDRESS', 503, 'address'],
  ['COUNTERSIGN_UNREACHABLE', 504, 'unreachable'],
  ['COUNTERSIGN_BAD_ANSWER', 502, 'bad-answer'],
] as const)('the door’s %s is told in its own words', async (errcode, status, code) => {
  const error = await failure(answering(status, { errcode, error: 'synapse has no address' }));
  expect(error).toMatchObject({ code, message: 'synapse has no address' });
});

test('A21 words that pass for the door’s do nothing to a terminal, and end', async () => {
  const error = await failure(
    answering(503, { errcode: 'COUNTERSIGN_ADDRESS', error: `\u{1b}[2J\u{202e}${'x'.repeat(100_000)}` }),
  );
  expect(error.message).toMatch(/^\\u\{1b\}\[2J\\u\{202e\}x+$/);
  expect(error.message).toHaveLength(listenerLimits.reasonCharacters);
});

test.each([
  [
    'an errcode that is not one',
    { errcode: '\u{1b}[2J M_<b>BAD</b>\n', error: 'x' },
    'the homeserver answered 400 2JM_BAD',
  ],
  ['an errcode without an end', { errcode: 'M'.repeat(1_000) }, `the homeserver answered 400 ${'M'.repeat(64)}`],
])('A21 %s is told without what could act', async (_, body, message) => {
  expect((await failure(answering(400, body))).message).toBe(message);
});

test.each([
  ['null', null],
  ['a list', []],
  ['a text', 'M_FORBIDDEN'],
  ['a number', 5],
  ['no error', {}],
  ['an errcode that is a number', { errcode: 5 }],
  ['an errcode that is a list', { errcode: ['M_UNKNOWN'] }],
  ['an error that is an object', { errcode: '', error: { toString: 1 } }],
])('A21 a refusal whose body is %s is nobody’s last word', async (_, body) => {
  const { code } = await failure(answering(400, body));
  expect(code).toBe('bad-answer');
});

test.each([
  [400, 'text/html', 'bad-answer'],
  [404, 'text/html', 'missing'],
  [408, 'text/plain', 'bad-answer'],
  [413, null, 'bad-answer'],
  [421, 'nonsense;;=', 'bad-answer'],
  [429, 'text/html', 'limited'],
  [502, 'text/html', 'unreachable'],
  [503, 'text/plain; charset=utf-8', 'unreachable'],
] as const)('A21 %d of type %s, from whoever stands between, is %s', async (status, type, code) => {
  expect((await failure(plain(status, type, '<html>Bad gateway</html>'))).code).toBe(code);
});

test.each([400, 403, 500])('A21 %d that only calls itself JSON is a bad answer', async (status) => {
  expect((await failure(plain(status, 'application/json', '<html></html>'))).code).toBe('bad-answer');
});

test.each([
  ['HTML', plain(200, 'text/html', '<html></html>')],
  ['nothing', plain(200, 'application/json', '')],
  ['no content', plain(204, null, '')],
  ['half of it', plain(200, 'application/json', '{"user_id":')],
  ['bytes', plain(200, 'application/octet-stream', '\u{0}\u{1}\u{fffd}')],
  ['null', answering(200, null)],
  ['a list', answering(200, [bot])],
  ['a text', answering(200, bot)],
  ['another shape', answering(200, { user: bot })],
  ['a shape of lists', answering(200, { user_id: [bot] })],
  ['a great depth', plain(200, 'application/json', '['.repeat(1_000_000))],
  ['a great depth that ends', plain(200, 'application/json', `${'['.repeat(500_000)}${']'.repeat(500_000)}`)],
  [
    'a great depth in its right place',
    plain(200, 'application/json', `{"user_id":${'{"a":'.repeat(200_000)}1${'}'.repeat(200_001)}`),
  ],
])('A21 an answer that is %s is a bad one', async (_, answer) => {
  expect((await failure(answer)).code).toBe('bad-answer');
});

test('a right answer of a wrong type is a right answer', async () => {
  const { homeserver } = await begin(plain(200, 'text/plain', JSON.stringify({ user_id: bot })));
  expect(await homeserver.whoAmI(signal)).toBe(bot);
});

test('A21 what is deep within an event is carried and not looked into', async () => {
  const depth = 100_000;
  const content = `{"body":${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}}`;
  const event = JSON.stringify({ ...said('e', ''), content: 0 }).replace('"content":0', `"content":${content}`);
  const { homeserver } = await begin(plain(200, 'application/json', `{"chunk":[${event}]}`));
  expect((await homeserver.messages('a', 'b', signal)).chunk).toHaveLength(1);
});

test.each(['e', '', '$', '$e\n$f', 5, null, ['$e']])('A21 %j is no id of a message that was sent', async (event_id) => {
  const { homeserver } = await begin(answering(200, { event_id }));
  await expect(homeserver.send(post('k', {}), signal)).rejects.toMatchObject({ code: 'bad-answer' });
});

const { retryAfterMaximumMs } = listenerLimits;
const limit = (more: object) => ({ errcode: 'M_LIMIT_EXCEEDED', error: 'slow down', ...more });
test.each([
  ['milliseconds', answering(429, limit({ retry_after_ms: 1_500 })), 1_500],
  ['seconds in the head', answering(429, limit({}), { 'retry-after': '3' }), 3_000],
  ['the head before the body', answering(429, limit({ retry_after_ms: 1 }), { 'retry-after': '2' }), 2_000],
  ['the head of HTML', plain(429, 'text/html', 'slow', { 'retry-after': '2' }), 2_000],
  ['nothing', answering(429, limit({})), null],
  ['a year', answering(429, limit({ retry_after_ms: 31_536_000_000 })), retryAfterMaximumMs],
  ['more than any number', answering(429, limit({}), { 'retry-after': '9'.repeat(400) }), null],
  ['a very large number', answering(429, limit({ retry_after_ms: 1e300 })), retryAfterMaximumMs],
  ['the past', answering(429, limit({ retry_after_ms: -5_000 })), 0],
  ['a part of one', answering(429, limit({ retry_after_ms: 0.5 })), null],
  ['a text', answering(429, limit({ retry_after_ms: '5000' })), null],
  ['null', answering(429, limit({ retry_after_ms: null })), null],
  ['words', answering(429, limit({}), { 'retry-after': 'tomorrow' }), null],
  ['an invalid date', answering(429, limit({}), { 'retry-after': 'Invalid Date' }), null],
  ['a date long past', answering(429, limit({}), { 'retry-after': 'Thu, 01 Jan 1970 00:00:00 GMT' }), 0],
  [
    'a date far off',
    answering(429, limit({}), { 'retry-after': 'Fri, 31 Dec 9999 23:59:59 GMT' }),
    retryAfterMaximumMs,
  ],
] as const)('A21 a homeserver that asks to wait for %s is believed within reason', async (_, answer, retryAfterMs) => {
  expect(await failure(answer)).toMatchObject({ code: 'limited', retryAfterMs });
});

test.each<[string, (homeserver: Homeserver) => Promise<unknown>]>([
  ['whoami', (homeserver) => homeserver.whoAmI(signal)],
  ['joined_rooms', (homeserver) => homeserver.isJoined(signal)],
  ['join', (homeserver) => homeserver.join(signal)],
  ['the state of encryption', (homeserver) => homeserver.isEncrypted(signal)],
  ['sync', (homeserver) => homeserver.sync('s', 0, signal)],
  ['messages', (homeserver) => homeserver.messages('a', 'b', signal)],
  ['send', (homeserver) => homeserver.send(post('k', {}), signal)],
])('A32 a limit on %s is one, with its end, and is asked about once', async (_, ask) => {
  const { homeserver, asked } = await begin(answering(429, limit({ retry_after_ms: 6_500 })));
  await expect(ask(homeserver)).rejects.toMatchObject({
    code: 'limited',
    retryAfterMs: 6_500,
    message: 'the homeserver answered 429 M_LIMIT_EXCEEDED and asks to wait 7 s',
  });
  expect(asked).toHaveLength(1);
});

test('A09 a sync without a position is never the same question: a kept answer would be one of the past', async () => {
  const { homeserver, asked } = await begin(answering(200, { next_batch: 's' }));
  for (const since of [null, null, 's', 's']) await homeserver.sync(since, 0, signal);
  const [first, second, third, fourth] = asked.map(({ query }) => query['filter']);
  expect(first).not.toBe(second);
  expect(third).toBe(fourth);
});

const limitOf = ({ query }: Asked) => Number(query['limit'] ?? JSON.parse(query['filter'] ?? '').room.timeline.limit);

test('A21 events that are too many for one answer are asked for in fewer, and then in more again', async () => {
  let large = 0;
  const { homeserver, asked } = await begin((_, response) => {
    if (large-- > 0) json(response, 200, 'x'.repeat(listenerLimits.answerBytes + 1));
    else json(response, 200, { next_batch: 's', chunk: [] });
  });
  await homeserver.sync('s', 0, signal);
  large = 1;
  await homeserver.messages('a', 'b', signal);
  for (let page = 0; page < 6; page += 1) await homeserver.messages('a', 'b', signal);
  await homeserver.sync('s', 0, signal);
  expect(asked.map(limitOf)).toEqual([400, 400, 2, 2, 4, 8, 16, 32, 64, 128]);
});

test('A21 what is too much also in few is a bad answer', async () => {
  const { homeserver, asked } = await begin(answering(200, 'x'.repeat(listenerLimits.answerBytes + 1)));
  await expect(homeserver.sync('s', 0, signal)).rejects.toMatchObject({ code: 'bad-answer' });
  await expect(homeserver.sync('s', 0, signal)).rejects.toMatchObject({ code: 'bad-answer' });
  expect(asked.map(limitOf)).toEqual([400, 2, 2]);
});

test('any other failure is not asked about twice', async () => {
  const { homeserver, asked } = await begin(answering(500, { errcode: 'M_UNKNOWN' }));
  await expect(homeserver.sync('s', 0, signal)).rejects.toMatchObject({ code: 'unreachable' });
  await expect(homeserver.messages('a', 'b', signal)).rejects.toMatchObject({ code: 'unreachable' });
  expect(asked.map(limitOf)).toEqual([400, 400]);
});

test('what stops the listener is no failure of the homeserver', async () => {
  const { homeserver, asked } = await begin(() => undefined);
  const stop = new AbortController();
  const waiting = homeserver.sync('s', 30_000, stop.signal);
  await expect.poll(() => asked.length).toBe(1);
  const reason = new Error('stopped by SIGTERM');
  stop.abort(reason);
  await expect(waiting).rejects.toBe(reason);
  await expect(homeserver.whoAmI(stop.signal)).rejects.toBe(reason);
});

test('no error bears the token', async () => {
  const errors = [
    await failure(answering(401, { errcode: 'M_UNKNOWN_TOKEN', error: 'x' })),
    await failure(answering(500, 'x')),
    await failure((_, response) => void response.destroy()),
  ];
  for (const error of errors) {
    const causes = [error, error.cause].map((each) => (each instanceof Error ? `${each.message} ${each.stack}` : ''));
    expect(causes.join(' ') + JSON.stringify(error)).not.toContain(token);
  }
});

test('a file is fetched as it is, where it lies', async () => {
  const text = 'workspace: demo\n\u{feff}ü\r\n';
  const { homeserver, asked } = await begin((_, response) =>
    response.writeHead(200, { 'content-type': 'text/markdown' }).end(text),
  );
  expect(Buffer.from(await homeserver.download('home.test:8448', 'aB_-', signal)).toString()).toBe(text);
  expect(asked).toMatchObject([
    { method: 'GET', path: '/_matrix/client/v1/media/download/home.test%3A8448/aB_-', query: {} },
  ]);
});

test('a file that is not there, or more than an answer may be, is told as that', async () => {
  const gone = await begin(answering(404, { errcode: 'M_NOT_FOUND', error: 'x' }));
  await expect(gone.homeserver.download('s', 'm', signal)).rejects.toMatchObject({ code: 'missing' });
  const large = await begin((_, response) => response.end('x'.repeat(listenerLimits.answerBytes + 1)));
  await expect(large.homeserver.download('s', 'm', signal)).rejects.toMatchObject({ code: 'bad-answer' });
  const redirect = await begin((_, response) => response.writeHead(307, { location: 'http://evil.test/' }).end());
  await expect(redirect.homeserver.download('s', 'm', signal)).rejects.toMatchObject({ code: 'bad-answer' });
});

test('what it answers is counted, and what it refuses or leaves open is not', async () => {
  const statuses = [200, 500, 200, 404];
  const { homeserver } = await begin((_, response) => json(response, statuses.shift() ?? 500, { user_id: bot }));
  const counts: number[] = [];
  for (let turn = 0; turn < 4; turn += 1) {
    await homeserver.whoAmI(signal).catch(() => undefined);
    counts.push(homeserver.answers);
  }
  expect(counts).toEqual([1, 1, 2, 2]);
});
