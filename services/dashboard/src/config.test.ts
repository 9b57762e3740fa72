import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError } from '@countersign/kit/config-file.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readDashboardConfig } from './config.ts';

const pem = generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' });

describe('the configuration', () => {
  let secrets: string;
  beforeEach(async () => {
    secrets = await mkdtemp(join(tmpdir(), 'dashboard-secrets-'));
    await writeFile(join(secrets, 'login-token'), `${'a'.repeat(43)}\n`);
    await writeFile(join(secrets, 'signing.key.pem'), pem);
  });
  afterEach(() => rm(secrets, { recursive: true }));

  const read = (environment: Record<string, string> = {}) =>
    readDashboardConfig({ DASHBOARD_SECRETS: secrets, ...environment });

  it('has what the container has where nothing is said, and no secret in it', async () => {
    const { config, secrets: read_ } = await read();
    expect(config).toMatchObject({ socket: '/run/page/page.sock', port: 7860, hosts: [], user: 'operator' });
    expect(read_.token.isRight('a'.repeat(43))).toBe(true);
    expect(JSON.stringify(config)).not.toContain('aaaa');
    expect(JSON.stringify(read_.token)).not.toContain('aaaa');
  });

  it('takes the hosts of a proxy as a browser writes them', async () => {
    const { config } = await read({ DASHBOARD_HOSTS: ' Box.Tail1234.ts.net, box:8443 ,' });
    expect(config.hosts).toEqual(['box.tail1234.ts.net', 'box:8443']);
  });

  it.each([
    { DASHBOARD_HOSTS: 'https://box' },
    { DASHBOARD_HOSTS: 'box/x' },
    { DASHBOARD_HOSTS: 'box.' },
    { DASHBOARD_HOSTS: '*.ts.net' },
    { DASHBOARD_HOSTS: 'a b' },
    { DASHBOARD_PORT: '0' },
    { DASHBOARD_PORT: 'x' },
    { DASHBOARD_USER: 'a b' },
    { DASHBOARD_HOST: 'box' },
  ])('refuses what it cannot use: %j', async (environment) => {
    await expect(read(environment)).rejects.toThrow(ConfigError);
  });

  it.each([
    ['login-token', ''],
    ['login-token', 'password'],
    ['login-token', 'a'.repeat(42)],
    ['signing.key.pem', 'no key'],
  ])('W13 does not start with a secret that is none: %s', async (name, text) => {
    await writeFile(join(secrets, name), text);
    await expect(read()).rejects.toThrow(`secrets/dashboard/${name} cannot be used`);
  });

  it('W13 does not start without a token', async () => {
    await rm(join(secrets, 'login-token'));
    await expect(read()).rejects.toThrow('secrets/dashboard/login-token cannot be used; scripts/up makes it');
  });
});
