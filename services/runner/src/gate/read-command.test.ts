import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Channel } from '@countersign/contracts/command.ts';
import { keyIdOf } from '@countersign/contracts/key-id.ts';
import { expect, test } from 'vitest';
import { makeKeys } from '../testing/home.ts';
import { scratchFolder } from '../testing/scratch.ts';
import { readKeys } from './keys.ts';
import { readCommand } from './read-command.ts';

const now = new Date('2026-11-20T10:00:00.000Z');
const { keys, sign } = makeKeys();
const send = (changes: object = {}) => sign({ kind: 'send', subject: { text: 'hello' }, ...changes });
const read = (value: unknown, spool: Channel = 'shell', at = now, isDecided?: (id: string) => boolean) =>
  readCommand(Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)), spool, keys, at, isDecided);

test('a signed command is taken', () => {
  const command = send();
  expect(read(command)).toEqual({ ok: true, command });
});

test.each<[string, (command: ReturnType<typeof send>) => object]>([
  ['its text', (command) => ({ ...command, subject: { text: 'hellO' } })],
  ['its person', (command) => ({ ...command, actor: { ...command.actor, user: 'root' } })],
  ['its end', (command) => ({ ...command, expires_at: '2026-12-21T09:59:59.000Z' })],
  ['its id', (command) => ({ ...command, id: 'command-999999999999' })],
  ['its evidence', (command) => ({ ...command, evidence: 'other' })],
  [
    'its signature',
    (command) => ({ ...command, signature: command.signature.replace(/^./, (c) => (c === 'A' ? 'B' : 'A')) }),
  ],
])('A29 a command in which %s was changed is refused', (_name, change) => {
  expect(read(change(send()))).toMatchObject({ ok: false, reason: 'the signature is not good', command: null });
});

test.each<[string, unknown]>([
  ['nothing', ''],
  ['no JSON', 'approve x.md'],
  ['null', null],
  ['a list', [send()]],
  ['a member too many', { ...send(), admin: true }],
  ['a subject with a member too many', { ...send(), subject: { text: 'x', digest: 'y' } }],
  ['an unknown kind', { ...send(), kind: 'merge' }],
  ['a prototype', '{"__proto__":{"ok":true},"version":1}'],
  ['S059 deep nesting', '['.repeat(100_000)],
  ['S059 deep nesting with an end', `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
  [
    'S059 a subject that is deeply nested',
    { ...send(), subject: { text: JSON.parse(`${'['.repeat(1_000)}${']'.repeat(1_000)}`) } },
  ],
  ['no signature', { ...send(), signature: undefined }],
])('A29 %s is no command, and nothing is believed of it', (_name, value) => {
  expect(read(value)).toMatchObject({ ok: false, id: null, command: null });
});

test('A29 a command in another channel’s spool is refused', () => {
  expect(read(send(), 'matrix')).toMatchObject({
    ok: false,
    reason: 'the key belongs to another channel',
    command: null,
  });
});

test('A29 a channel cannot speak for another one', () => {
  const { id } = send();
  const matrixKey = [...keys].find(([, { channel }]) => channel === 'matrix')?.[0] ?? '';
  const shellKey = [...keys].find(([, { channel }]) => channel === 'shell')?.[0] ?? '';
  // Signed by the shell's key, said to come from Matrix; and the other way round.
  const claimed = sign({
    kind: 'send',
    subject: { text: 'x' },
    actor: { channel: 'matrix', user: 'op' },
    key_id: matrixKey,
  });
  expect(read(claimed, 'matrix').ok).toBe(true);
  expect(read(claimed, 'shell')).toMatchObject({ ok: false, reason: 'the key belongs to another channel' });
  const mixed = sign({
    kind: 'send',
    subject: { text: 'x' },
    actor: { channel: 'matrix', user: 'op' },
    key_id: shellKey,
  });
  expect(read(mixed, 'matrix').ok).toBe(false);
  expect(id).toMatch(/^command-/);
});

test('A22 A29 a key that is not known, as that of another house, is refused', () => {
  const stranger = makeKeys();
  expect(read(stranger.sign({ kind: 'send', subject: { text: 'x' } }))).toMatchObject({
    ok: false,
    reason: 'the command is signed with a key that is not known here',
  });
});

test('A23 a command counts until it expires, and what is left of a decided one after that', () => {
  const command = send();
  const end = new Date(command.expires_at);
  expect(read(command, 'shell', new Date(end.getTime() - 1)).ok).toBe(true);
  expect(read(command, 'shell', end)).toEqual({
    ok: false,
    id: command.id,
    reason: expect.stringMatching(/expired/),
    command,
  });
  expect(read(command, 'shell', end, (id) => id === command.id).ok).toBe(true);
});

test('a key counts for the channel of its file, and only Ed25519 keys are keys', async () => {
  const folder = scratchFolder();
  const { publicKey } = generateKeyPairSync('ed25519');
  const pem = publicKey.export({ type: 'spki', format: 'pem' });
  writeFileSync(join(folder, 'shell.pub.pem'), pem);
  writeFileSync(join(folder, 'stranger.pub.pem'), pem);
  writeFileSync(join(folder, '.gitkeep'), '');
  mkdirSync(join(folder, 'old'));
  expect([...(await readKeys(folder))].map(([id, { channel }]) => [id, channel])).toEqual([
    [keyIdOf('shell', publicKey), 'shell'],
  ]);
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey;
  writeFileSync(join(folder, 'matrix.pub.pem'), rsa.export({ type: 'spki', format: 'pem' }));
  await expect(readKeys(folder)).rejects.toThrow('Ed25519');
});
