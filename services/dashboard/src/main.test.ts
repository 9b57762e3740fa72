import { execFile, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

const pem = generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' });

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'dashboard-main-'));
  for (const name of ['volumes/runs', 'volumes/logs', 'volumes/inbox', 'volumes/outbox', 'secrets', 'spool', 'logs'])
    await mkdir(join(folder, name), { recursive: true });
  await writeFile(join(folder, 'secrets/signing.key.pem'), pem);
  await writeFile(join(folder, 'secrets/login-token'), `${'m'.repeat(43)}\n`);
});
afterEach(() => rm(folder, { recursive: true }));

const environment = () => ({
  PATH: process.env['PATH'],
  DASHBOARD_VOLUMES: join(folder, 'volumes'),
  DASHBOARD_CONFIGS: join(import.meta.dirname, '../../../configs'),
  DASHBOARD_SECRETS: join(folder, 'secrets'),
  DASHBOARD_SPOOL: join(folder, 'spool'),
  DASHBOARD_INDEX: join(folder, 'index'),
  DASHBOARD_LOGS: join(folder, 'logs'),
  DASHBOARD_SOCKET: join(folder, 'page.sock'),
  DASHBOARD_SERVICES_SOCKET: join(folder, 'no-launcher.sock'),
});

const start = () => spawn('node', [join(import.meta.dirname, 'main.ts')], { env: environment(), stdio: 'pipe' });

/** What the container's health check says, and its exit code. */
function checkHealth(): Promise<readonly [code: number | null, words: string]> {
  return new Promise((resolve) => {
    const script = join(import.meta.dirname, '../../kit/health.sh');
    const check = execFile('sh', [script, join(folder, 'logs/health.json')], (_error, words) =>
      resolve([check.exitCode, words]),
    );
  });
}

test('it is healthy while it runs, without anybody else, and SIGTERM ends it with exit code 0', async () => {
  const dashboard = start();
  const ended = once(dashboard, 'exit');
  await expect.poll(checkHealth, { timeout: 20_000 }).toEqual([0, '']);
  dashboard.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
}, 40_000);

test('without its token it does not start, and says why where one looks for its health', async () => {
  await rm(join(folder, 'secrets/login-token'));
  expect(await once(start(), 'exit')).toEqual([1, null]);
  expect(await checkHealth()).toEqual([1, 'secrets/dashboard/login-token cannot be used; scripts/up makes it\n']);
}, 20_000);
