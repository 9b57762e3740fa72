import { generateKeyPairSync } from 'node:crypto';
import { utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from '@countersign/kit/config-file.ts';
import { expect, test } from 'vitest';
import { readListenerConfig, readLogsFolder } from './config.ts';
import { bot, operator, room } from './testing/room-events.ts';
import { scratchFolder } from './testing/scratch.ts';

const token = 'syt_a_secret';
const good = `MATRIX_BOT_USER=${bot}\nMATRIX_BOT_TOKEN=${token}\nMATRIX_ROOM_ID=${room}\n`;
const stages = [
  'version: 1',
  'stages:',
  '  staging:',
  '    gate: approval',
  '    sandbox_profile: default',
  '    approval_hours: 24',
  '    decide:',
  '      - channel: shell',
  '      - channel: matrix',
  `        persons: ["${operator}"]`,
].join('\n');

function begin(files: { env?: string | null; stages?: string; key?: string | null } = {}) {
  const configs = scratchFolder();
  const secrets = scratchFolder();
  const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' });
  writeFileSync(join(configs, 'stages.yaml'), files.stages ?? stages);
  if (files.env !== null) writeFileSync(join(secrets, 'matrix-bot.env'), files.env ?? good);
  if (files.key !== null) writeFileSync(join(secrets, 'signing.key.pem'), files.key ?? pem);
  return { LISTENER_CONFIGS: configs, LISTENER_SECRETS: secrets };
}

test('the paths are those of the container unless they are told otherwise', async () => {
  const files = begin();
  const writtenAt = '2026-11-20T10:00:00.123Z';
  utimesSync(join(files.LISTENER_SECRETS, 'matrix-bot.env'), new Date(), new Date(writtenAt));
  const { config, secrets } = await readListenerConfig(files);
  expect(config).toMatchObject({
    volumes: '/volumes',
    spool: '/spool',
    state: '/state',
    logs: '/logs',
    door: '/run/matrix/synapse.sock',
    logLevel: 'info',
    secrets: files.LISTENER_SECRETS,
    bot,
    room,
    stages: { stages: { staging: { decide: [{ channel: 'shell' }, { channel: 'matrix', persons: [operator] }] } } },
  });
  expect(secrets.access).toEqual({ token, writtenAt });
  expect(secrets.key.asymmetricKeyType).toBe('ed25519');
  expect(JSON.stringify(config)).not.toContain(token);
  const told = await readListenerConfig({ ...begin(), LISTENER_SPOOL: '/elsewhere', OTHER: 'x' });
  expect(told.config.spool).toBe('/elsewhere');
});

test('where the log goes is known before anything else can be', () => {
  expect(readLogsFolder({})).toBe('/logs');
  expect(readLogsFolder({ LISTENER_LOGS: '/elsewhere' })).toBe('/elsewhere');
  expect(() => readLogsFolder({ LISTENER_LOG: '/elsewhere' })).toThrow('unknown setting LISTENER_LOG');
});

test.each([
  ['a misspelt setting', { LISTENER_SECRET: '/x' }, 'unknown setting LISTENER_SECRET'],
  ['a level that there is not', { LISTENER_LOG_LEVEL: 'loud' }, 'LISTENER_LOG_LEVEL'],
])('%s is refused', async (_, more, message) => {
  const read = readListenerConfig({ ...begin(), ...more });
  await expect(read).rejects.toThrow(ConfigError);
  await expect(read).rejects.toThrow(message);
});

test.each([
  ['no file', null, /matrix-bot\.env is missing\. .* write its three lines: MATRIX_BOT_USER=@name:server/],
  ['an empty file', '', /MATRIX_BOT_USER.*\n.*MATRIX_BOT_TOKEN.*\n.*MATRIX_ROOM_ID/],
  ['no token', good.replace(token, ''), /MATRIX_BOT_TOKEN/],
  ['a token of two words', good.replace(token, '"two words"'), /an access token has no spaces/],
  ['A18 an alias for the room', good.replace(room, '"#room:home.test"'), /an alias \(#…\) is none/],
  ['a bot without a server', good.replace(bot, '@agentbot'), /a Matrix user is @name:server/],
  ['more than is known', `${good}MATRIX_HOMESERVER=http://x\n`, /unknown setting MATRIX_HOMESERVER/],
  ['a setting twice', `${good}${good}`, /stands here a second time/],
])('A30 %s for a bot is refused, with what to do and without the token', async (_, env, message) => {
  const read = readListenerConfig(begin({ env }));
  await expect(read).rejects.toThrow(ConfigError);
  await expect(read).rejects.toThrow(message);
  await expect(read).rejects.not.toThrow(token);
});

test.each([
  ['no key', null],
  ['half a key', '-----BEGIN PRIVATE KEY-----\nMC4CAQ'],
  [
    'a key of another kind',
    generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  ],
])('%s to sign with is refused', async (_, key) => {
  await expect(readListenerConfig(begin({ key }))).rejects.toThrow(
    'secrets/matrix-listener/signing.key.pem cannot be used; scripts/up makes it',
  );
});

test('who may decide through the room is named in full', async () => {
  const nobody = stages.replace(/\n {8}persons.*/, '');
  await expect(readListenerConfig(begin({ stages: nobody }))).rejects.toThrow('channel matrix needs persons');
  const name = stages.replace(operator, 'operator');
  await expect(readListenerConfig(begin({ stages: name }))).rejects.toThrow('not a Matrix user');
});
