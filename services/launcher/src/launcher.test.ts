import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keyIdOf } from '@countersign/contracts/key-id.ts';
import { LauncherHealth, Sandbox, SandboxList } from '@countersign/contracts/launcher-api.ts';
import { ServiceContainer, signServiceOrder } from '@countersign/contracts/services-api.ts';
import { readHealth } from '@countersign/kit/health.ts';
import { SocketClient } from '@countersign/kit/socket-client.ts';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readSettings } from './config.ts';
import { EngineError } from './engine-error.ts';
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
    LAUNCHER_SERVICES_SOCKET_PATH: join(folder, 'services.sock'),
    LAUNCHER_SECRETS_FOLDER: folder,
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

test('it says how it is where the page can read it, and that the engine does not answer', async () => {
  const engine = new FakeEngine();
  await using _launcher = await createLauncher(settings(), { engine });
  await expect
    .poll(() => readHealth(folder))
    .toMatchObject({ alive: true, report: { service: 'launcher', status: 'ok', reason: '' } });
  await using _other = await createLauncher({
    ...settings(),
    LAUNCHER_SOCKET_PATH: join(folder, 'other.sock'),
    LAUNCHER_SERVICES_SOCKET_PATH: join(folder, 'other-services.sock'),
  });
  await expect
    .poll(() => readHealth(folder))
    .toMatchObject({ report: { status: 'failing', reason: expect.stringMatching(/no-engine\.sock/) } });
});

test('it does not come up with a wrong configuration', async () => {
  await writeFile(join(folder, 'sandbox.yaml'), 'version: 1\nprofiles: {}\nextra: 1\n');
  await expect(createLauncher({ ...settings(), LAUNCHER_CONFIG_FOLDER: folder })).rejects.toThrow(
    'sandbox.yaml:3: unknown key "extra"',
  );
});

test('services are for another socket, on which no sandbox can be asked for, and without a key nothing is ordered', async () => {
  const { LAUNCHER_SERVICES_SOCKET_PATH: path } = settings();
  await using _launcher = await createLauncher(settings(), { engine: new FakeEngine() });
  expect((await stat(path)).mode & 0o777).toBe(0o660);
  await using client = new SocketClient('launcher', path);
  await expect(client.request('GET', '/services/runner', ServiceContainer)).rejects.toMatchObject({
    status: 404,
    body: { code: 'no-such-service', message: expect.stringMatching(/no container/) },
  });
  await expect(client.request('GET', '/sandboxes', SandboxList)).rejects.toMatchObject({ status: 404 });
});

test.each([
  ['of the dashboard counts', (pem: string) => pem, 'bad-signature'],
  ['that is damaged is none, and holds up no sandbox', () => 'no key', 'unknown-key'],
])('a key %s', async (_what, written, code) => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const pem = publicKey.export({ format: 'pem', type: 'spki' }).toString();
  await writeFile(join(folder, 'dashboard.pub.pem'), written(pem));
  const log = pino({ level: 'silent' });
  await using _launcher = await createLauncher(settings(), { engine: new FakeEngine(), logger: log });
  await using client = new SocketClient('launcher', settings().LAUNCHER_SERVICES_SOCKET_PATH);
  const at = (ms: number) => new Date(Date.now() + ms).toISOString();
  const order = signServiceOrder(
    {
      version: 1,
      id: 'order-00000000000001',
      kind: 'service_stop',
      subject: { service: 'runner' },
      actor: { channel: 'dashboard', user: 'operator' },
      evidence: '',
      issued_at: at(0),
      expires_at: at(10_000),
      key_id: keyIdOf('dashboard', publicKey),
    },
    privateKey,
  );
  const body = { ...order, evidence: 'changed' };
  await expect(client.request('POST', '/orders', ServiceContainer, { body })).rejects.toMatchObject({
    status: 403,
    body: { code },
  });
});

test('a fault while it looks for what an earlier one left ends it', async () => {
  const engine = new FakeEngine();
  engine.list = () => Promise.reject(new TypeError('a fault'));
  await expect(createLauncher(settings(), { engine })).rejects.toThrow(TypeError);
});

test('a question to the engine that its end breaks off is no news of the engine', async () => {
  const engine = new FakeEngine();
  const asked = Promise.withResolvers<void>();
  engine.version = (signal?: AbortSignal) => {
    asked.resolve();
    return new Promise((_, reject) => {
      signal?.addEventListener('abort', () => reject(new EngineError('unreachable', 'no answer in time')));
    });
  };
  {
    await using _launcher = await createLauncher(settings(), { engine });
    await asked.promise;
  }
  expect(await readHealth(folder)).toBeNull();
});
