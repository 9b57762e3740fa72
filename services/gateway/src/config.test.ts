import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readConfig, readLogsFolder } from './config.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gateway-config-'));
  for (const name of ['hosts.env', 'agent.env']) {
    await cp(new URL(`../../../configs/${name}`, import.meta.url), join(folder, name));
  }
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

const agent = (model: string) => `OLLAMA_MODEL=${model}\nMAX_TASKS=4\nMAX_TASKS_PER_WORKSPACE=1\n`;

test('as shipped, the model server is that of the stack', async () => {
  expect(await readConfig({ GATEWAY_CONFIGS: folder })).toMatchObject({
    slotsFolder: '/model-slots',
    socketPath: '/run/gateway/gateway.sock',
    logsFolder: '/logs',
    doorPath: '/run/matrix/synapse.sock',
    allowLoopbackUpstream: false,
    allowedAddresses: [],
    upstream: { kind: 'ollama', origin: 'http://model:11434', model: 'qwen2.5-coder:7b' },
    homeserver: { kind: 'embedded', origin: 'http://synapse:8008' },
  });
});

test('a homeserver of the operator is used instead, and both may be at listed addresses', async () => {
  await writeFile(
    join(folder, 'hosts.env'),
    'MATRIX_HOMESERVER=https://mac-studio/\nALLOWED_ADDRESSES=192.168.1.20, 10.0.0.0/8\n',
  );
  expect(await readConfig({ GATEWAY_CONFIGS: folder })).toMatchObject({
    allowedAddresses: ['192.168.1.20', '10.0.0.0/8'],
    homeserver: { kind: 'own', origin: 'https://mac-studio' },
  });
});

test.each(['ollama', 'own'])('a server of the operator is used instead, brought up for %s', async (kind) => {
  await writeFile(join(folder, 'hosts.env'), 'OLLAMA_BASE_URL=http://mac-studio:11434/\n');
  expect(await readConfig({ GATEWAY_CONFIGS: folder, GATEWAY_MODEL_KIND: kind })).toMatchObject({
    upstream: { kind: 'own', origin: 'http://mac-studio:11434', model: 'qwen2.5-coder:7b' },
  });
});

test('a rehearsal that was asked for stays one', async () => {
  await writeFile(join(folder, 'hosts.env'), 'OLLAMA_BASE_URL=http://mac-studio:11434/\n');
  expect(await readConfig({ GATEWAY_CONFIGS: folder, GATEWAY_MODEL_KIND: 'rehearsal' })).toMatchObject({
    upstream: { kind: 'rehearsal', origin: 'http://model:11434', model: 'rehearsal' },
  });
});

test('a server of the operator that was taken away again is asked for', async () => {
  await expect(readConfig({ GATEWAY_CONFIGS: folder, GATEWAY_MODEL_KIND: 'own' })).rejects.toThrow(/OLLAMA_BASE_URL/);
});

test.each([
  ['qwen2.5-coder:7b', 'rehearsal'],
  ['rehearsal-no-tools', 'rehearsal-no-tools'],
])('the stand-in serves its own models: %s', async (configured, model) => {
  await writeFile(join(folder, 'agent.env'), agent(configured));
  expect(await readConfig({ GATEWAY_CONFIGS: folder, GATEWAY_MODEL_KIND: 'rehearsal' })).toMatchObject({
    upstream: { kind: 'rehearsal', model },
  });
});

test.each([
  'http://mac-studio:11434/ollama',
  'http://mac-studio:11434/?a=b',
  'http://user:secret@mac-studio:11434',
  'http://mac-studio:11434/#x',
  'ftp://mac-studio',
  'mac-studio:11434',
  'nonsense',
])('an address that is more or less than scheme, host and port is refused: %s', async (url) => {
  await writeFile(join(folder, 'hosts.env'), `# mine\nOLLAMA_BASE_URL="${url}"\n`);
  await expect(readConfig({ GATEWAY_CONFIGS: folder })).rejects.toThrow(/^hosts\.env:2: OLLAMA_BASE_URL/);
});

test.each(['gpt-oss:120b-cloud', 'qwen3-coder:cloud', 'x-CLOUD'])('a cloud model is refused: %s', async (model) => {
  await writeFile(join(folder, 'agent.env'), agent(model));
  await expect(readConfig({ GATEWAY_CONFIGS: folder })).rejects.toThrow(/agent\.env: OLLAMA_MODEL: .* cloud/);
});

test('a misspelt setting is refused, in the files and in the environment', async () => {
  await expect(readConfig({ GATEWAY_CONFIGS: folder, GATEWAY_SLOT: '/x' })).rejects.toThrow('GATEWAY_SLOT;');
  await writeFile(join(folder, 'hosts.env'), 'OLLAMA_URL=http://x\n');
  await expect(readConfig({ GATEWAY_CONFIGS: folder })).rejects.toThrow(/^hosts\.env:1: unknown setting OLLAMA_URL/);
});

test('the health check finds the logs where the service does', () => {
  expect(readLogsFolder({})).toBe('/logs');
  expect(readLogsFolder({ GATEWAY_LOGS: '/elsewhere' })).toBe('/elsewhere');
});
