import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, commandFileName, isSignatureGood } from '@countersign/contracts/command.ts';
import { keyIdOf } from '@countersign/contracts/key-id.ts';
import { commandLimits } from '@countersign/contracts/limits.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { giveCommand, spoolCommand } from './command-spool.ts';

const { privateKey } = generateKeyPairSync('ed25519');
const giving = {
  id: 'a-command-of-tests',
  actor: { channel: 'dashboard' as const, user: 'operator' },
  evidence: 'request 1',
  issuedMs: Date.parse('2026-01-02T03:04:05.678Z'),
};

describe('command spool', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'command-spool-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it('signs in the name of the channel, for as long as a command stays good', () => {
    const command = giveCommand({ kind: 'retry', subject: { task: 't1' } }, giving, privateKey);
    expect(isSignatureGood(command, createPublicKey(privateKey))).toBe(true);
    expect(command.key_id).toBe(keyIdOf('dashboard', createPublicKey(privateKey)));
    expect(command.issued_at).toBe('2026-01-02T03:04:05.678Z');
    expect(Date.parse(command.expires_at) - giving.issuedMs).toBe(commandLimits.lifetimeMs);
  });

  it('leaves one whole file under the name that the runner goes by', async () => {
    const command = giveCommand({ kind: 'resume', subject: {} }, giving, privateKey);
    await spoolCommand(folder, command);
    expect(await readdir(folder)).toEqual([commandFileName(command)]);
    const text = await readFile(join(folder, commandFileName(command)), 'utf8');
    expect(Command.parse(JSON.parse(text))).toEqual(command);
  });

  it('writes nothing that is larger than the runner reads', async () => {
    const content = '\u0001'.repeat(commandLimits.fileBytes / 6);
    const asked = { kind: 'submit' as const, subject: { file: 'a.md', content: content.slice(0, 256 * 1024) } };
    const command = { ...giveCommand(asked, giving, privateKey), evidence: content };
    await expect(spoolCommand(folder, command)).rejects.toThrow(RangeError);
    expect(await readdir(folder)).toEqual([]);
  });
});
