import { cp, rm, writeFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { ListenerHome } from '../support/listener-home.ts';
import { until } from '../support/listener-wait.ts';
import { Wire } from '../support/listener-wire.ts';
import type { Session } from '../support/matrix-http.ts';
import { Synapse } from '../support/synapse.ts';

const stopLimitMs = 5_000;
const unknownToken = 'syt_bm9ib2R5_unknownTokenOfNobody_0000';
const botFile = 'secrets/matrix-listener/matrix-bot.env';

let synapse: Synapse;
let operator: Session;
let bot: Session;
let mallory: Session;
let room: string;
let home: ListenerHome;

beforeAll(async () => {
  synapse = await Synapse.start('setup');
  operator = await synapse.registerUser('operator');
  bot = await synapse.registerUser('agentbot');
  mallory = await synapse.registerUser('mallory');
  room = await synapse.makeRoom(operator, [bot]);
  home = await ListenerHome.make();
  await home.writeHosts(synapse.url);
  home.gateway.start();
});
afterAll(async () => {
  await home[Symbol.asyncDispose]();
  await synapse[Symbol.asyncDispose]();
});
afterEach(async () => {
  await home.listener.kill();
  for (const token of [bot.token, mallory.token, unknownToken]) expect(await home.said()).not.toContain(token);
});

/** Starts the listener as the file says, and reads what it says of itself. */
async function says(bot: Bot, status: 'ok' | 'waiting' | 'failing', words: readonly string[]): Promise<void> {
  await home.writeBot(bot);
  home.listener.start();
  await home.listener.says(status, words);
}
type Bot = Parameters<ListenerHome['writeBot']>[0];

function roomPath(action: string, of = room): string {
  return `/rooms/${encodeURIComponent(of)}/${action}`;
}

describe('a file that is missing or wrong', () => {
  const cases: [string, () => Promise<void>, string[]][] = [
    [
      'no matrix-bot.env',
      () => rm(home.path('secrets/matrix-bot.env'), { force: true }),
      [`${botFile} is missing`, 'scripts/up', 'MATRIX_BOT_TOKEN='],
    ],
    [
      'an alias for a room',
      () => home.writeBot({ user: bot.user, token: bot.token, room: '"#countersign:countersign.local"' }),
      ['matrix-bot.env:3', 'MATRIX_ROOM_ID', 'alias'],
    ],
    [
      'a user without a server',
      () => home.writeBot({ user: 'agentbot', token: bot.token, room }),
      ['matrix-bot.env:1', '@name:server'],
    ],
    [
      'a token with a space',
      () => home.writeBot({ user: bot.user, token: `${unknownToken} ${unknownToken}`, room }),
      ['matrix-bot.env:2', 'MATRIX_BOT_TOKEN'],
    ],
    [
      'a misspelt setting',
      () => writeFile(home.path('secrets/matrix-bot.env'), `MATRIX_BOT_TOKN=${bot.token}\n`),
      ['matrix-bot.env:1', 'MATRIX_BOT_TOKN', 'allowed'],
    ],
    [
      'no key to sign with',
      async () => {
        await home.writeBot({ user: bot.user, token: bot.token, room });
        await cp(home.path('secrets/signing.key.pem'), home.path('key'));
        await rm(home.path('secrets/signing.key.pem'));
      },
      ['signing.key.pem', 'scripts/up'],
    ],
  ];
  test.each(cases)('%s', async (_name, write, words) => {
    await write();
    home.listener.start();
    const { code, printed } = await home.listener.ended();
    const report = await home.listener.health();
    await cp(home.path('key'), home.path('secrets/signing.key.pem')).catch(() => undefined);
    expect(code).toBe(1);
    expect(report).toMatchObject({ status: 'failing' });
    for (const word of words) {
      expect(report?.reason).toContain(word);
      expect(printed).toContain(word);
    }
  });
});

describe('what the homeserver does not accept', () => {
  test('a token that it does not know', () =>
    says({ user: bot.user, token: unknownToken, room }, 'failing', [
      'does not take the bot',
      botFile,
      'scripts/countersign rotate-bot-token',
    ]));

  test('a token of another user', () =>
    says({ user: bot.user, token: mallory.token, room }, 'failing', ['belongs to another user', bot.user, botFile]));

  test.each(['!nosuchroom:countersign.local', `!${'A'.repeat(43)}`])('a room that it does not know: %s', (unknown) =>
    says({ ...bot, room: unknown }, 'failing', [unknown, 'mend MATRIX_ROOM_ID', botFile]),
  );

  test('a room that the bot is not in: when it is invited, it joins by itself', async () => {
    const other = await synapse.makeRoom(operator, []);
    await says({ ...bot, room: other }, 'failing', [`${bot.user} is not in the room ${other}`, 'invite it']);
    await synapse.api('POST', roomPath('invite', other), operator.token, { user_id: bot.user });
    await home.listener.says('ok');
    expect((await synapse.api('GET', '/joined_rooms', bot.token))['joined_rooms']).toContain(other);
  });

  test('A32 a bot that is put out of the room, and banned from it', async () => {
    const other = await synapse.makeRoom(operator, [bot]);
    await says({ ...bot, room: other }, 'ok', []);
    for (const [out, back] of [
      ['kick', null],
      ['ban', 'unban'],
    ] as const) {
      await synapse.api('POST', roomPath(out, other), operator.token, { user_id: bot.user });
      await home.listener.says('failing', [bot.user, other, 'invite it']);
      if (back !== null) await synapse.api('POST', roomPath(back, other), operator.token, { user_id: bot.user });
      await synapse.api('POST', roomPath('invite', other), operator.token, { user_id: bot.user });
      await home.listener.says('ok');
    }
  });

  test('A20 an encrypted room, from the start and later', async () => {
    const encryption = { type: 'm.room.encryption', content: { algorithm: 'm.megolm.v1.aes-sha2' } };
    const encrypted = await synapse.makeRoom(operator, [bot], { initial_state: [encryption] });
    await says({ ...bot, room: encrypted }, 'failing', [encrypted, 'is encrypted', 'make another room']);
    await home.listener.kill();
    const other = await synapse.makeRoom(operator, [bot]);
    await says({ ...bot, room: other }, 'ok', []);
    await synapse.api('PUT', roomPath('state/m.room.encryption', other), operator.token, encryption.content);
    await home.listener.says('failing', [other, 'is encrypted', 'make another room']);
  });

  test('A30 a session that is ended while it listens', async () => {
    const second = await synapse.login('agentbot', 'agentbot-password');
    await says({ ...second, room }, 'ok', []);
    await synapse.api('POST', '/logout', second.token, {});
    await home.listener.says('failing', ['does not take the bot', botFile]);
    expect(await home.said()).not.toContain(second.token);
  });
});

describe('where the homeserver is', () => {
  test('down when the listener starts: it waits, and goes on by itself', async () => {
    await synapse.kill();
    await says({ ...bot, room }, 'waiting', ['does not answer', synapse.url]);
    await synapse.start();
    await home.listener.says('ok');
  });

  test('behind a gateway that is not there yet', async () => {
    await home.gateway.kill();
    await says({ ...bot, room }, 'waiting', ['the gateway does not answer']);
    home.gateway.start();
    await home.listener.says('ok');
  });

  test('a name without an address', async () => {
    await restartGateway('http://no-such-host.invalid:8008');
    await says({ ...bot, room }, 'failing', [
      'no-such-host.invalid does not resolve',
      'MATRIX_HOMESERVER in configs/hosts.env',
    ]);
  });

  test('A21 the gateway itself, when it is no test that asks', async () => {
    await restartGateway(synapse.url, '', { GATEWAY_ALLOW_LOOPBACK_UPSTREAM: '' });
    await says({ ...bot, room }, 'failing', ['127.0.0.1', 'host.docker.internal']);
  });

  test('A21 outside of the tailnet, and then listed as an exception', async () => {
    const address = ownAddress();
    await using wire = await Wire.to(synapse.url, address);
    await restartGateway(wire.url);
    const line = `ALLOWED_ADDRESSES=${address}`;
    await says({ ...bot, room }, 'failing', [address, 'not in the tailnet', line, 'configs/hosts.env']);
    await restartGateway(wire.url, address);
    await home.listener.says('ok');
    await restartGateway(synapse.url, '', { GATEWAY_ALLOW_LOOPBACK_UPSTREAM: '1' });
  });

  test('a port that nobody listens on', async () => {
    const origin = `http://127.0.0.1:${await freePort()}`;
    await restartGateway(origin);
    await says({ ...bot, room }, 'waiting', ['does not answer', origin]);
    await restartGateway(synapse.url);
    await home.listener.says('ok');
  });
});

test('ends when it is told to, also in the middle of a request that is held open', async () => {
  await says({ ...bot, room }, 'ok', []);
  const started = performance.now();
  const { code } = await home.listener.stop();
  expect(code).toBe(0);
  expect(performance.now() - started).toBeLessThan(stopLimitMs);
});

async function restartGateway(
  origin: string,
  allowed = '',
  change: Readonly<Record<string, string>> = {},
): Promise<void> {
  await home.gateway.kill();
  await home.writeHosts(origin, allowed);
  home.gateway.start(change);
  await until('the gateway listens', () => home.gateway.health());
}

/** An address of this host that others could reach. */
function ownAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  const found = all.find(({ family, internal }) => family === 'IPv4' && !internal);
  if (found === undefined) throw new Error('this host has no address but loopback');
  return found.address;
}
