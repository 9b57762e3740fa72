import { generateKeyPairSync } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, isSignatureGood } from '@countersign/contracts/command.ts';
import { commandLimits } from '@countersign/contracts/limits.ts';
import { expect, test } from 'vitest';
import { makeGate } from '../testing/gates.ts';
import { observed, operator, reaction, said, saidAt } from '../testing/room-events.ts';
import { scratchFolder } from '../testing/scratch.ts';
import { commandIdOf } from './command-id.ts';
import { CommandWriter } from './command-writer.ts';
import type { Judgement } from './judge.ts';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const gate = makeGate({ task: 'gated' });

function begin(now: () => number = () => saidAt) {
  const spool = scratchFolder();
  const names = () => readdirSync(spool).sort();
  return {
    writer: new CommandWriter(spool, privateKey, now),
    names,
    commands: () => names().map((name) => Command.parse(JSON.parse(readFileSync(join(spool, name), 'utf8')))),
  };
}

function decide(change: Partial<Judgement & { kind: 'decide' }> = {}): Judgement & { kind: 'decide' } {
  return { kind: 'decide', decision: 'approve', gate, reason: '', answerTo: '$e', ...change };
}

test('an approval names the digest that was shown, who said it and the event that shows it', async () => {
  const { writer, commands, names } = begin();
  const id = await writer.write(decide(), observed(reaction('e', '✅', 'gate')));
  const [command] = commands();
  expect(command).toMatchObject({
    id,
    kind: 'approve',
    subject: { task: 'gated', digest: gate.digest },
    actor: { channel: 'matrix', user: operator },
    evidence: '$e',
    issued_at: new Date(saidAt).toISOString(),
    expires_at: new Date(saidAt + commandLimits.lifetimeMs).toISOString(),
  });
  expect(command !== undefined && isSignatureGood(command, publicKey)).toBe(true);
  expect(command?.key_id).toMatch(/^matrix-[0-9a-f]{16}$/);
  expect(names()).toEqual([expect.stringMatching(/^\d{15}-[A-Za-z0-9_-]+\.json$/)]);
});

test('a rejection bears its reason, cut to what a command may hold', async () => {
  const { writer, commands } = begin();
  await writer.write(decide({ decision: 'reject', reason: `"no"\n${'x'.repeat(3_000)}` }), observed(said('e', '')));
  const [command] = commands();
  expect(command?.kind === 'reject' && command.subject).toEqual({
    task: 'gated',
    digest: gate.digest,
    reason: `"no"\n${'x'.repeat(3_000)}`.slice(0, commandLimits.reasonCharacters),
  });
});

test.each([
  ['merge', '', { task: 'gated', digest: gate.digest }],
  ['merge', 'unverified', { task: 'gated', digest: gate.digest, unverified: true }],
  ['rebase', '', { task: 'gated', digest: gate.digest }],
] as const)('a %s with the words %j names the digest that was shown', async (decision, reason, subject) => {
  const { writer, commands } = begin();
  await writer.write(decide({ decision, reason }), observed(said('e', '')));
  expect(commands()).toMatchObject([{ kind: decision, subject, evidence: '$e' }]);
  expect(commands()[0]?.subject).toEqual(subject);
});

test('a reason that is cut within a character is still signed and read', async () => {
  const { writer, commands } = begin();
  await writer.write(decide({ decision: 'reject', reason: `x${'🙂'.repeat(1_500)}` }), observed(said('e', '')));
  const [command] = commands();
  expect(command !== undefined && isSignatureGood(command, publicKey)).toBe(true);
});

test('A22 the same event makes the same command, another event another one', async () => {
  const { writer, commands } = begin();
  const first = await writer.write(decide(), observed(said('e', 'approve gated')));
  const again = await begin(() => saidAt + 5_000).writer.write(decide(), observed(said('e', 'approve gated')));
  const other = await writer.write(decide(), observed(said('f', 'approve gated')));
  expect(again).toBe(first);
  expect(other).not.toBe(first);
  expect(commands().map(({ id }) => id)).toEqual([first, other]);
});

test('A24 commands lie in the order in which they were given, also within a moment and when the clock goes back', async () => {
  const times = [saidAt, saidAt, saidAt - 60_000, saidAt + 1];
  const { writer, commands } = begin(() => times.shift() ?? 0);
  const ids: string[] = [];
  for (const name of ['a', 'b', 'c', 'd']) ids.push(await writer.write(decide(), observed(said(name, ''))));
  expect(commands().map(({ id }) => id)).toEqual(ids);
});

test.each([
  { kind: 'cancel', subject: { task: 'gated', reason: 'too slow' } },
  { kind: 'retry', subject: { task: 'gated' } },
  { kind: 'pause', subject: { reason: '' } },
  { kind: 'resume', subject: {} },
] as const)('an order is signed as it was read: $kind', async (asked) => {
  const { writer, commands } = begin();
  const id = await writer.write({ kind: 'order', asked, answerTo: '$e' }, observed(said('e', '')));
  const [command] = commands();
  expect(command).toMatchObject({ id, ...asked, actor: { channel: 'matrix', user: operator }, evidence: '$e' });
  expect(command !== undefined && isSignatureGood(command, publicKey)).toBe(true);
});

test('A22 whatever withdraws an approval makes the same command, which is none that an event can make', async () => {
  const { writer, commands } = begin();
  const given = { event: '$e', sender: operator, task: 'gated', command: commandIdOf('$e'), issued: 1, answerTo: '$g' };
  const first = await writer.revoke({ ...given, event: '$e', answerTo: '$g' }, '$redaction');
  const again = await writer.revoke({ ...given, event: '$e', answerTo: '$g' }, '$edit');
  expect(again).toBe(first);
  expect(commands()).toMatchObject([
    { kind: 'revoke', subject: { task: 'gated', command: given.command }, evidence: '$redaction' },
    { kind: 'revoke', subject: { task: 'gated', command: given.command }, evidence: '$edit' },
  ]);
  expect([commandIdOf('$e'), commandIdOf('$redaction'), commandIdOf('$revoke:$e')]).not.toContain(first);
});

test('a disk that fails is the caller’s to know', async () => {
  const full = () => Promise.reject(new Error('ENOSPC: no space left on device'));
  const writer = new CommandWriter(scratchFolder(), privateKey, () => saidAt, full);
  await expect(writer.write(decide(), observed(said('e', '')))).rejects.toThrow('ENOSPC');
});
