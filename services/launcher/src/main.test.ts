import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'launcher-main-'));
});
afterEach(() => rm(folder, { recursive: true }));

const environment = (configs = join(import.meta.dirname, '../../../configs')) => ({
  PATH: process.env['PATH'],
  LAUNCHER_CONFIG_FOLDER: configs,
  LAUNCHER_SOCKET_PATH: join(folder, 'launcher.sock'),
  LAUNCHER_SERVICES_SOCKET_PATH: join(folder, 'services.sock'),
  LAUNCHER_SECRETS_FOLDER: folder,
  LAUNCHER_LOG_FOLDER: folder,
  LAUNCHER_DOCKER_SOCKET: join(folder, 'no-engine.sock'),
});

/** @returns the exit code of the container's health check */
function checkHealth(): Promise<number | null> {
  return new Promise((resolve) => {
    const script = join(import.meta.dirname, '../../kit/health.sh');
    const check = execFile('sh', [script, '--alive', join(folder, 'health.json')], () => resolve(check.exitCode));
  });
}

test('it is healthy while it runs, also without an engine; SIGTERM ends it with exit code 0', async () => {
  const launcher = spawn('node', [join(import.meta.dirname, 'main.ts')], { env: environment(), stdio: 'pipe' });
  const ended = once(launcher, 'exit');
  await expect.poll(checkHealth, { timeout: 10_000 }).toBe(0);
  launcher.kill('SIGTERM');
  expect(await ended).toEqual([0, null]);
  // What an earlier one said is no health of one that does not come up.
  await writeFile(join(folder, 'sandbox.yaml'), 'version: 1\nprofiles: {}\nextra: 1\n');
  await once(spawn('node', [join(import.meta.dirname, 'main.ts')], { env: environment(folder) }), 'exit');
  expect(await checkHealth()).toBe(1);
}, 20_000);

test('a configuration that cannot be used is said in one line; the exit code is 1', async () => {
  await writeFile(join(folder, 'sandbox.yaml'), 'version: 1\nprofiles: {}\nextra: 1\n');
  const launcher = spawn('node', [join(import.meta.dirname, 'main.ts')], { env: environment(folder), stdio: 'pipe' });
  const ended = once(launcher, 'exit');
  const said = (await Array.fromAsync(launcher.stderr)).join('');
  expect(said).toMatch(/^sandbox\.yaml:3: unknown key "extra".*\n$/);
  expect(await ended).toEqual([1, null]);
}, 20_000);
