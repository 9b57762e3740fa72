import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LauncherHealth, Sandbox } from '@countersign/contracts/launcher-api.ts';
import { SocketClient } from '@countersign/kit/socket-client.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readSettings } from './config.ts';
import { createLauncher } from './launcher.ts';
import { FakeEngine } from './testing/fake-engine.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'launcher-'));
});
afterEach(() => rm(folder, { recursive: true }));

const settings = () =>
  readSettings({
    LAUNCHER_CONFIG_FOLDER: join(import.meta.dirname, '../../../configs'),
    LAUNCHER_SOCKET_PATH: join(folder, 'launcher.sock'),
    LAUNCHER_LOG_FOLDER: folder,
    LAUNCHER_DOCKER_SOCKET: join(folder, 'no-engine.sock'),
    LAUNCHER_LOG_LEVEL: 'error',
  });

test('it serves its socket, which only owner and group may use, and is gone when it is stopped', async () => {
  const { LAUNCHER_SOCKET_PATH: path } = settings();
  {
    await using _launcher = await createLauncher(settings(), { engine: new FakeEngine() });
    expect((await stat(path)).mode & 0o777).toBe(0o660);
    await using client = new SocketClient('launcher', path);
    const body = { profile: 'default', slot: 'a'.repeat(32) };
    expect(await client.request('POST', '/sandboxes', Sandbox, { body })).toMatchObject({ state: 'running' });
  }
  await using client = new SocketClient('launcher', path);
  await expect(client.request('GET', '/health', LauncherHealth)).rejects.toMatchObject({ code: 'unreachable' });
});

test('it comes up without an engine and says what is missing', async () => {
  await using _launcher = await createLauncher(settings());
  await using client = new SocketClient('launcher', settings().LAUNCHER_SOCKET_PATH);
  expect(await client.request('GET', '/health', LauncherHealth)).toMatchObject({
    status: 'engine-down',
    reason: expect.stringMatching(/ENOENT.*no-engine\.sock/),
  });
  const body = { profile: 'default', slot: 'a'.repeat(32) };
  await expect(client.request('POST', '/sandboxes', Sandbox, { body })).rejects.toMatchObject({
    status: 503,
    body: { code: 'engine-down' },
  });
});

test('it does not come up with a wrong configuration', async () => {
  await writeFile(join(folder, 'sandbox.yaml'), 'version: 1\nprofiles: {}\nextra: 1\n');
  await expect(createLauncher({ ...settings(), LAUNCHER_CONFIG_FOLDER: folder })).rejects.toThrow(
    'sandbox.yaml:3: unknown key "extra"',
  );
});
