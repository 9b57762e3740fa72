import { once } from 'node:events';
import { lstat, mkdir, readFile, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { chat, type GatewayFixture, startGateway, until } from './gateway-fixture.ts';

let gateway: GatewayFixture;

beforeEach(async () => {
  gateway = await startGateway({ overrides: { limits: { sweepMs: 20, slots: 3 } } });
});

afterEach(async () => {
  await gateway[Symbol.asyncDispose]();
});

const other = 'a'.repeat(32);
const none = { prompt: 0, completion: 0, requests: 0 };

test('a slot is opened, told of and closed', async () => {
  const { control, slotsFolder } = gateway;
  await mkdir(join(slotsFolder, other));
  expect(await control('GET', `/slots/${other}`)).toMatchObject({ status: 404 });
  expect(await control('PUT', `/slots/${other}`)).toEqual({
    status: 200,
    body: { id: other, tokens: none, exceeded: null, events: null, posts: [] },
  });
  expect((await lstat(join(slotsFolder, other, 'ollama.sock'))).mode & 0o7777).toBe(0o666);
  expect(await control('GET', `/slots/${other}`)).toEqual({
    status: 200,
    body: { id: other, tokens: none, exceeded: null, events: null, posts: [] },
  });
  expect(await control('GET', '/health')).toEqual({ status: 200, body: { status: 'ok', slots: 2 } });
  expect(await control('DELETE', `/slots/${other}`)).toEqual({ status: 204, body: null });
  expect(await control('DELETE', `/slots/${other}`)).toEqual({ status: 204, body: null });
  expect(await control('GET', `/slots/${other}`)).toMatchObject({ status: 404 });
  await expect(lstat(join(slotsFolder, other, 'ollama.sock'))).rejects.toThrow('ENOENT');
});

test('opening again changes nothing: the socket stays and a request under way goes on', async () => {
  const { control, slot, slotSocket, upstream, ask } = gateway;
  const before = (await lstat(slotSocket)).ino;
  let end: (() => void) | undefined;
  upstream.answer = (_request, response) => {
    end = () => response.end('{}');
  };
  const asked = ask('/api/tags');
  await until(async () => end !== undefined);
  const answers = await Promise.all(Array.from({ length: 5 }, () => control('PUT', `/slots/${slot}`)));
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
  end?.();
  expect(await asked).toMatchObject({ status: 200 });
  expect((await lstat(slotSocket)).ino).toBe(before);
});

test('a socket that has gone is made anew, and what was used stays counted', async () => {
  const { control, slot, slotSocket, upstream, ask, usage } = gateway;
  upstream.answer = (_request, response) => response.end('{"prompt_eval_count":1,"eval_count":2}');
  await ask('/api/chat', chat);
  await unlink(slotSocket);
  await control('PUT', `/slots/${slot}`);
  expect(await ask('/api/chat', chat)).toMatchObject({ status: 200 });
  expect(await usage()).toEqual({ prompt: 2, completion: 4, requests: 2 });
});

test('the stale socket of a killed predecessor is replaced', async () => {
  const { control, slot, slotSocket, ask } = gateway;
  await control('DELETE', `/slots/${slot}`);
  const predecessor = createServer().listen(`${slotSocket}.old`);
  await once(predecessor, 'listening');
  await rename(`${slotSocket}.old`, slotSocket);
  predecessor.close();
  await once(predecessor, 'close');
  expect((await lstat(slotSocket)).isSocket()).toBe(true);
  expect(await control('PUT', `/slots/${slot}`)).toMatchObject({ status: 200 });
  expect(await ask('/api/tags')).toMatchObject({ status: 200 });
});

test('a file in the place of the socket is left alone, and said', async () => {
  const { control, slotsFolder, logged } = gateway;
  await mkdir(join(slotsFolder, other));
  await writeFile(join(slotsFolder, other, 'ollama.sock'), 'theirs');
  expect(await control('PUT', `/slots/${other}`)).toMatchObject({ status: 500 });
  expect(await readFile(join(slotsFolder, other, 'ollama.sock'), 'utf8')).toBe('theirs');
  expect(logged).toContainEqual(expect.objectContaining({ msg: 'control request failed' }));
  expect(await control('GET', `/slots/${other}`)).toMatchObject({ status: 404 });
});

test('a slot whose folder has vanished is closed by itself', async () => {
  const { control, slot, slotsFolder } = gateway;
  await rm(join(slotsFolder, slot), { recursive: true });
  await until(async () => (await control('GET', `/slots/${slot}`)).status === 404);
  expect(await control('PUT', `/slots/${slot}`)).toMatchObject({ status: 404 });
});

test('S008 a folder that is a link is none', async () => {
  const { control, slot, slotsFolder } = gateway;
  await symlink(join(slotsFolder, slot), join(slotsFolder, other));
  expect(await control('PUT', `/slots/${other}`)).toMatchObject({ status: 404 });
});

test('closing a slot ends its requests upstream', async () => {
  const { control, slot, upstream, ask } = gateway;
  let cancelled = false;
  upstream.answer = (_request, response) => {
    response.on('close', () => {
      cancelled = true;
    });
  };
  const asked = expect(ask('/api/tags')).rejects.toThrow();
  await until(async () => upstream.seen.length === 1);
  await control('DELETE', `/slots/${slot}`);
  await asked;
  await until(async () => cancelled);
});

test('S045 one slot is not another', async () => {
  const { control, slot, slotsFolder, ask } = gateway;
  await mkdir(join(slotsFolder, other));
  await control('PUT', `/slots/${other}`);
  await ask('/api/chat', chat);
  expect(await control('GET', `/slots/${other}`)).toMatchObject({ body: { tokens: { requests: 0 } } });
  expect(await control('GET', `/slots/${slot}`)).toMatchObject({ body: { tokens: { requests: 1 } } });
});

test('so many slots and no more', async () => {
  const { control, slotsFolder } = gateway;
  const statuses = [];
  for (const id of ['b', 'c', 'd'].map((digit) => digit.repeat(32))) {
    await mkdir(join(slotsFolder, id));
    statuses.push((await control('PUT', `/slots/${id}`)).status);
  }
  expect(statuses).toEqual([200, 200, 503]);
});

test.each([
  ['PUT', '/slots/..', 400],
  ['PUT', '/slots/%2e%2e', 400],
  ['PUT', '/slots/%2e%2e%2fx', 400],
  ['PUT', `/slots/${'A'.repeat(32)}`, 400],
  ['PUT', `/slots/${'a'.repeat(31)}`, 400],
  ['GET', `/slots/${'a'.repeat(32)}/ollama.sock`, 404],
  ['POST', `/slots/${'a'.repeat(32)}`, 404],
  ['GET', '/nothing', 404],
] as const)('%s %s is answered with %i', async (method, path, status) => {
  expect(await gateway.control(method, path)).toMatchObject({ status, body: { error: expect.any(String) } });
});

test('the work loop says that it turns, and waits visibly while the model is not there', async () => {
  const { control, logsFolder, upstream } = gateway;
  const health = async () => {
    const text = await readFile(join(logsFolder, 'health.json'), 'utf8').catch(() => '{}');
    return JSON.parse(text);
  };
  await until(async () => (await health()).service === 'gateway');
  expect(await health()).toMatchObject({ service: 'gateway', status: 'ok', reason: '' });
  upstream.answer = (_request, response) => response.end('{"models":[]}');
  await control('GET', '/model');
  await until(async () => (await health()).status === 'waiting');
  expect(await health()).toMatchObject({ reason: expect.stringContaining('coder:7b') });
});

test('a slot that cannot be looked at is said, and the loop goes on', async () => {
  const { slotsFolder, control, slot } = gateway;
  await rename(slotsFolder, `${slotsFolder}-away`);
  await until(async () => (await control('GET', `/slots/${slot}`)).status === 404);
  await rename(`${slotsFolder}-away`, slotsFolder);
  expect(await control('PUT', `/slots/${slot}`)).toMatchObject({ status: 200 });
});
