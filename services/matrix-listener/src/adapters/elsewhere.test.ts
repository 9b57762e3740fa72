import { expect, onTestFinished, test } from 'vitest';
import { HomeserverError } from '../homeserver-error.ts';
import { makeBotToken } from '../testing/bot-access.ts';
import { type Asked, json, readRequest, startDoor } from '../testing/door.ts';
import { bot, room } from '../testing/room-events.ts';
import { DoorFetch } from './door-fetch.ts';
import { Homeserver } from './matrix.ts';

const { signal } = new AbortController();
const accessOf = (token: string) => makeBotToken({ token, writtenAt: '2026-11-20T10:00:00.000Z' }).token;

test.each([
  ['a base address', { well_known: { 'm.homeserver': { base_url: 'https://evil.test' } } }],
  ['an identity server', { 'm.identity_server': { base_url: 'https://evil.test' } }],
  ['its own name', { home_server: 'evil.test', 'm.homeserver': { base_url: 'https://evil.test' } }],
  ['where a session is refreshed', { refresh_token: 'x', expires_in_ms: 1, 'org.matrix.msc2965.authentication': {} }],
])(
  'A21 A30 a homeserver that tells %s anew is asked where it was, and gets the token nowhere else',
  async (_, more) => {
    const asked: Asked[] = [];
    const { socketPath } = await startDoor(async (request, response) => {
      asked.push(await readRequest(request));
      json(response, 200, { user_id: bot, joined_rooms: [room], next_batch: 's', event_id: '$e', chunk: [], ...more });
    });
    const door = new DoorFetch(socketPath);
    onTestFinished(() => door[Symbol.asyncDispose]());
    const homeserver = new Homeserver(accessOf('syt_secret_token'), room, door.fetch);
    expect(await homeserver.whoAmI(signal)).toBe(bot);
    expect(await homeserver.isJoined(signal)).toBe(true);
    await homeserver.sync('s', 0, signal);
    await homeserver.messages('s', 't', signal);
    await homeserver.send({ type: 'm.room.message', key: 't', content: { msgtype: 'm.text', body: 'x' } }, signal);
    // Everything came to the one door, and nothing was asked that leads to another.
    expect(asked).toHaveLength(5);
    expect(
      asked.filter(({ path }) => !path.startsWith('/_matrix/client/v3/') || /well-known|refresh|auth/.test(path)),
    ).toEqual([]);
  },
);

test.each<[string, number, (token: string) => unknown]>([
  ['in an error', 401, (token) => ({ errcode: 'M_UNKNOWN_TOKEN', error: `unknown token ${token}` })],
  ['in its code', 403, (token) => ({ errcode: token, error: 'x' })],
  [
    'in words that pass for the gateway’s',
    503,
    (token) => ({ errcode: 'COUNTERSIGN_ADDRESS', error: `no ${token}, ${token}` }),
  ],
  ['in no JSON', 500, (token) => token],
  ['in a good answer', 200, (token) => ({ user_id: [token] })],
])('A30 a homeserver that says the token back %s brings it into no message', async (_, status, answer) => {
  const token = 'SYT_SECRET_TOKEN';
  const { socketPath } = await startDoor((request, response) =>
    json(response, status, answer(String(request.headers.authorization).replace('Bearer ', ''))),
  );
  const door = new DoorFetch(socketPath);
  onTestFinished(() => door[Symbol.asyncDispose]());
  const failed = await new Homeserver(accessOf(token), room, door.fetch)
    .whoAmI(signal)
    .catch((error: unknown) => error);
  expect(failed).toBeInstanceOf(HomeserverError);
  expect((failed as HomeserverError).message).not.toContain(token);
  expect((failed as HomeserverError).message).not.toBe('');
});
