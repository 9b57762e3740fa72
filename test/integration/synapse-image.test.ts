import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { docker } from '../support/launcher-fixture.ts';
import type { Session } from '../support/matrix-http.ts';
import { Synapse, synapseImage } from '../support/synapse.ts';

// The image as it is shipped, with none of the settings that other tests relax.
let synapse: Synapse;
let operator: Session & { readonly password: string };

beforeAll(async () => {
  synapse = await Synapse.start('image', { asShipped: true });
  operator = await synapse.registerUser('operator');
});
afterAll(() => synapse[Symbol.asyncDispose]());

const status = async (method: string, path: string, token: string | null = null, body?: unknown) =>
  (await synapse.request(method, path, token, body)).status;

test('is Synapse 1.160 or newer', async () => {
  const { server_version: version } = await synapse.api('GET', '/_synapse/admin/v1/server_version');
  const [major = 0, minor = 0] = String(version).split('.').map(Number);
  expect([major, minor >= 160]).toEqual([1, true]);
});

describe('A04 nobody makes himself a user', () => {
  test.each([
    ['without a word', { username: 'eve', password: 'x' }],
    ['with m.login.dummy', { username: 'eve', password: 'x', auth: { type: 'm.login.dummy' } }],
    ['with a token', { username: 'eve', password: 'x', auth: { type: 'm.login.registration_token', token: 'x' } }],
  ])('%s', async (_how, body) => {
    expect(await synapse.request('POST', '/register', null, body)).toMatchObject({
      status: 403,
      body: { errcode: 'M_FORBIDDEN' },
    });
  });

  test('as a guest', async () => {
    expect(await status('POST', '/register?kind=guest', null, {})).toBe(403);
  });

  test('with a guessed registration secret', async () => {
    const { nonce } = await synapse.api('GET', '/_synapse/admin/v1/register');
    const guess = { nonce, username: 'eve', password: 'x', admin: true, mac: '0'.repeat(40) };
    expect(await status('POST', '/_synapse/admin/v1/register', null, guess)).toBe(403);
  });
});

describe('A03 other servers', () => {
  test.each([
    '/_matrix/federation/v1/version',
    '/_matrix/federation/v1/publicRooms',
    '/_matrix/federation/v1/query/profile?user_id=@operator:countersign.local',
    '/_matrix/key/v2/server',
    '/.well-known/matrix/server',
  ])('find nothing at %s', async (path) => {
    const answer = await fetch(`${synapse.url}${path}`);
    expect(answer.status).toBe(404);
  });

  test('are not asked: neither for a room nor for a user', async () => {
    const room = encodeURIComponent('#room:example.org');
    expect(await status('POST', `/join/${room}`, operator.token, {})).not.toBe(200);
    expect(await status('GET', '/profile/@somebody:example.org', operator.token)).not.toBe(200);
  });
});

describe('what the operator does not need is off', () => {
  test('presence', async () => {
    const path = `/presence/${operator.user}/status`;
    await synapse.request('PUT', path, operator.token, { presence: 'online' });
    expect(await synapse.api('GET', path, operator.token)).toMatchObject({ presence: 'offline' });
  });

  test('the list of public rooms, also for reading', async () => {
    expect(await status('GET', '/publicRooms')).toBe(401);
    const made = await synapse.request('POST', '/createRoom', operator.token, { visibility: 'public' });
    expect(await synapse.api('GET', '/publicRooms', operator.token)).toMatchObject({ chunk: [] });
    expect([200, 403]).toContain(made.status);
  });

  test('looking for users', async () => {
    const found = await synapse.api('POST', '/user_directory/search', operator.token, { search_term: 'operator' });
    expect(found).toMatchObject({ results: [] });
    expect(await status('GET', `/profile/${operator.user}`)).toBe(401);
  });

  test('previews of links, which would fetch what a message names', async () => {
    const preview = `/_matrix/client/v1/media/preview_url?url=${encodeURIComponent('http://127.0.0.1:8008/')}`;
    expect(await status('GET', preview, operator.token)).toBe(404);
  });

  test('aliases other than the one that enrol makes', async () => {
    expect(await status('POST', '/createRoom', operator.token, { room_alias_name: 'other' })).not.toBe(200);
    const eve = await synapse.registerUser('eve');
    expect(await status('POST', '/createRoom', eve.token, { room_alias_name: 'countersign' })).not.toBe(200);
  });

  test("Synapse's administration, for a user who is none of its administrators", async () => {
    expect(await status('GET', '/_synapse/admin/v2/users', operator.token)).toBe(403);
    expect(await status('GET', '/_synapse/admin/v1/rooms', operator.token)).toBe(403);
  });
});

test('a room is of version 12 and not encrypted unless somebody asks for it', async () => {
  const room = await synapse.makeRoom(operator, []);
  expect(await synapse.state(operator.token, room, 'm.room.create')).toMatchObject({ room_version: '12' });
  expect(await synapse.state(operator.token, room, 'm.room.encryption')).toBeNull();
});

test('the bot may write a hundred messages at once', async () => {
  const room = await synapse.makeRoom(operator, []);
  const sent = await Promise.all(Array.from({ length: 100 }, (_, n) => synapse.say(operator.token, room, `${n}`)));
  expect(new Set(sent).size).toBe(100);
});

test('passwords cannot be tried for long, and no token or password gets into the log', async () => {
  const wrong = (n: number) => ({
    type: 'm.login.password',
    identifier: { type: 'm.id.user', user: 'operator' },
    password: `guess-${n}`,
  });
  const codes: number[] = [];
  for (let n = 0; n < 12; n++) codes.push(await status('POST', '/login', null, wrong(n)));
  expect(codes).toContain(429);
  await synapse.request('GET', `/account/whoami?access_token=${operator.token}`);
  const log = await synapse.logs();
  expect(log).toContain('STARTING SERVER');
  for (const secret of [operator.token, operator.password, 'guess-0', await registrationSecret()])
    expect(log).not.toContain(secret);
});

test('nothing secret stands in the image, and what it keeps survives being killed', async () => {
  const room = await synapse.makeRoom(operator, []);
  await synapse.kill();
  await synapse.start();
  expect(await synapse.state(operator.token, room, 'm.room.create')).not.toBeNull();
  const history = await docker('image', 'history', '--no-trunc', synapseImage);
  expect(history).not.toMatch(/ed25519 a_|secret_key:|shared_secret:/);
  const listed = await docker('exec', synapse.containerId, 'find', '/etc/countersign', '/data', '-name', '*.key');
  expect(listed).toBe('');
});

async function registrationSecret(): Promise<string> {
  return (await readFile(join(synapse.folder, 'secrets/synapse/registration.secret'), 'utf8')).trim();
}
