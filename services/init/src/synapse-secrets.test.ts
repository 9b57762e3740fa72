import { lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { adoptBotToken } from './bot-token.ts';
import { ensureSynapseSecrets } from './synapse-secrets.ts';

const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
const registration = ['synapse/registration.secret', 'enrol/registration.secret'] as const;

let secrets: string;
beforeEach(async () => {
  secrets = await mkdtemp(join(tmpdir(), 'countersign-init-'));
  for (const service of ['synapse', 'enrol', 'matrix-listener']) await mkdir(join(secrets, service));
});
afterEach(() => rm(secrets, { recursive: true }));

const text = (name: string) => readFile(join(secrets, name), 'utf8');

async function ensure(): Promise<string[]> {
  const lines: string[] = [];
  const report = (what: string, path: string) => lines.push(`${what}: ${path.slice(secrets.length + 1)}`);
  await ensureSynapseSecrets(secrets, owner, report);
  await adoptBotToken(secrets, owner, report);
  return lines;
}

async function everything(): Promise<string[]> {
  const names = (await readdir(secrets, { recursive: true })).filter((name) => /\.(secret|key)$/.test(name)).sort();
  return await Promise.all(names.map(async (name) => `${name} ${await text(name)}`));
}

describe('the secrets of Synapse', () => {
  test('are made once, each another one, the signing key in the format that Synapse reads', async () => {
    expect(await ensure()).toContain('made: synapse/macaroon.secret');
    const before = await everything();
    expect(
      new Set([await text('synapse/macaroon.secret'), await text('synapse/form.secret'), await text(registration[0])])
        .size,
    ).toBe(3);
    const [, key] = /^ed25519 a_[a-z]{4} ([A-Za-z0-9+/]+)\n$/.exec(await text('synapse/signing.key')) ?? [];
    expect(Buffer.from(key ?? '', 'base64')).toHaveLength(32);
    expect((await ensure()).filter((line) => !line.startsWith('left alone: '))).toEqual([]);
    expect(await everything()).toEqual(before);
  });

  test.each(registration)('%s is made from the other copy where a start was interrupted', async (lost) => {
    await ensure();
    const before = await text(lost);
    await rm(join(secrets, lost));
    expect(await ensure()).toContain(`made: ${lost}`);
    expect(await text(lost)).toBe(before);
  });

  test('a new server that is not the one the users were made with is refused: copies that differ', async () => {
    await ensure();
    await rm(join(secrets, registration[1]));
    await writeFile(join(secrets, registration[1]), 'another-secret-of-the-operators\n');
    await expect(ensure()).rejects.toThrow(/enrol\/registration\.secret is not the secret of .*Remove/);
  });

  test.each([
    ['synapse/signing.key', 'ed25519 a_abcd c2hvcnQ\n'],
    ['synapse/macaroon.secret', ''],
    ['enrol/registration.secret', 'two words here and more\n'],
  ])('%s that cannot be one is refused, not replaced and not shown', async (name, content) => {
    await writeFile(join(secrets, name), content);
    const failure = await ensure().then(String, (error: Error) => error.message);
    expect(failure).toMatch(/cannot be used.*Restore it/);
    if (content !== '') expect(failure).not.toContain(content.trim());
    expect(await text(name)).toBe(content);
  });

  test('a link in its place is refused, and what it leads to stays as it is', async () => {
    const outside = join(secrets, 'outside');
    await writeFile(outside, 'x'.repeat(40), { mode: 0o644 });
    await symlink(outside, join(secrets, registration[1]));
    await expect(ensure()).rejects.toThrow('is a symbolic link');
    expect((await lstat(outside)).mode & 0o777).toBe(0o644);
  });
});

describe("the operator's own matrix-bot.env", () => {
  const path = () => join(secrets, 'matrix-listener/matrix-bot.env');

  test('is closed to others and kept word for word', async () => {
    await writeFile(path(), 'MATRIX_BOT_TOKEN=x\n', { mode: 0o644 });
    await ensure();
    expect((await lstat(path())).mode & 0o777).toBe(0o600);
    expect(await text('matrix-listener/matrix-bot.env')).toBe('MATRIX_BOT_TOKEN=x\n');
  });

  test('is refused as a link', async () => {
    await symlink('/etc/passwd', path());
    await expect(ensure()).rejects.toThrow('matrix-bot.env is a symbolic link');
  });

  test('need not be there', async () => {
    await ensure();
    expect(await readdir(join(secrets, 'matrix-listener'))).toEqual([]);
  });
});
