import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readProfiles, readSettings } from './config.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'launcher-config-'));
});
afterEach(() => rm(folder, { recursive: true }));

const profile = (image: string, memory = 3072) =>
  `{image: "${image}", runtime: auto, memory_mb: ${memory}, cpus: 2, pids: 256, workspace_mb: 2048, tmp_mb: 1024}`;

async function read(lines: readonly string[], tag = 'local') {
  await writeFile(join(folder, 'sandbox.yaml'), `${['version: 1', 'profiles:', ...lines].join('\n')}\n`);
  return readProfiles(readSettings({ LAUNCHER_CONFIG_FOLDER: folder, LAUNCHER_IMAGE_TAG: tag }));
}

test('every setting has the path in the container as its default', () => {
  expect(readSettings({ PATH: '/bin' })).toEqual({
    LAUNCHER_PROJECT: 'countersign',
    LAUNCHER_SLOTS_VOLUME: 'countersign_slots',
    LAUNCHER_MODEL_SLOTS_VOLUME: 'countersign_model-slots',
    LAUNCHER_IMAGE_TAG: 'local',
    LAUNCHER_SOCKET_PATH: '/run/launcher/launcher.sock',
    LAUNCHER_SERVICES_SOCKET_PATH: '/run/services/services.sock',
    LAUNCHER_SECRETS_FOLDER: '/secrets',
    LAUNCHER_CONFIG_FOLDER: '/configs',
    LAUNCHER_LOG_FOLDER: '/logs',
    LAUNCHER_DOCKER_SOCKET: '/var/run/docker.sock',
    LAUNCHER_LOG_LEVEL: 'info',
  });
});

test('all wrong settings are named together', () => {
  expect(() => readSettings({ LAUNCHER_PROJET: 'x', LAUNCHER_SLOTS_VOLUME: '/etc', LAUNCHER_PROJECT: 'a/b' })).toThrow(
    /LAUNCHER_SLOTS_VOLUME[\s\S]*LAUNCHER_PROJET|LAUNCHER_PROJET[\s\S]*LAUNCHER_SLOTS_VOLUME/,
  );
});

test('S009 one volume for both kinds of sockets is refused', () => {
  expect(() => readSettings({ LAUNCHER_SLOTS_VOLUME: 'one', LAUNCHER_MODEL_SLOTS_VOLUME: 'one' })).toThrow(
    /LAUNCHER_MODEL_SLOTS_VOLUME.*a volume of its own/,
  );
});

test('the shipped profiles are read', async () => {
  const configs = join(import.meta.dirname, '../../../configs');
  const profiles = await readProfiles(readSettings({ LAUNCHER_CONFIG_FOLDER: configs }));
  expect([...profiles.keys()]).toEqual(['default']);
  expect(profiles.get('default')).toMatchObject({ image: 'countersign/sandbox:local', memory_mb: 4096, pids: 256 });
});

test.each([
  ['countersign/sandbox', 'countersign/sandbox:t1'],
  ['host:5000/sandbox', 'host:5000/sandbox:t1'],
  ['countersign/sandbox:v2', 'countersign/sandbox:v2'],
  [`a@sha256:${'0'.repeat(64)}`, `a@sha256:${'0'.repeat(64)}`],
])('image %s is %s', async (written, meant) => {
  expect((await read([`  x: ${profile(written)}`], 't1')).get('x')?.image).toBe(meant);
});

test.each(['../containers', 'a/../b', 'a?x=1', 'a#b', 'A/b', '/a', 'a b', 'a%2fb', '-a'])(
  'S005 image %s is refused with its line',
  async (image) => {
    await expect(read([`  x: ${profile(image)}`])).rejects.toThrow(/^sandbox\.yaml:3: profiles\.x\.image/);
  },
);

test('all problems are reported at once, each with its line', async () => {
  const problems = read([`  one: ${profile('../a')}`, `  two: ${profile('a', 3071)}`]);
  await expect(problems).rejects.toThrow(/sandbox\.yaml:3: .*image[\s\S]*sandbox\.yaml:4: .*must hold workspace_mb/);
  await expect(read([`  x: {image: a, runtime: kata, privileged: true}`])).rejects.toThrow(/runtime[\s\S]*privileged/);
  await expect(read([`  UP: ${profile('a')}`])).rejects.toThrow(/sandbox\.yaml:3: /);
});

test('no more sandboxes wait than leave room for tasks', async () => {
  const many = (name: string, warm: number) => `  ${name}: ${profile('a').replace('}', `, warm: ${warm}}`)}`;
  await expect(read([many('one', 16), many('two', 16), many('three', 1)])).rejects.toThrow(/33 warm sandboxes/);
  expect((await read([many('one', 16), many('two', 16)])).size).toBe(2);
  await expect(read([many('one', 17)])).rejects.toThrow(/sandbox\.yaml:3: .*warm/);
});
