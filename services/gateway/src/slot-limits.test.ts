import { mkdir } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { chat, type FixtureOptions, type GatewayFixture, startGateway, until } from './gateway-fixture.ts';

let gateway: GatewayFixture | undefined;

async function start(options?: FixtureOptions): Promise<GatewayFixture> {
  gateway = await startGateway(options);
  return gateway;
}

afterEach(async () => {
  await gateway?.[Symbol.asyncDispose]();
  gateway = undefined;
});

/** A chat over a connection of its own that stays open: the status of its answer, 0 where there is none. */
function openStream(path: string) {
  const body = JSON.stringify(chat);
  const socket = createConnection(path);
  socket.on('error', () => undefined);
  socket.write(`POST /api/chat HTTP/1.1\r\nhost: x\r\ncontent-length: ${body.length}\r\n\r\n${body}`);
  const status = new Promise<number>((resolve) => {
    socket.once('data', (answer) => resolve(Number(/^HTTP\/1\.1 (\d{3}) /.exec(String(answer))?.[1] ?? 0)));
    socket.once('close', () => resolve(0));
  });
  return { status, leave: () => socket.destroy() };
}

describe('limits of a slot', () => {
  test('S056 so many requests at once, and then again', async () => {
    const { ask, upstream } = await start({ overrides: { limits: { concurrentRequests: 2 } } });
    const waiting: (() => void)[] = [];
    upstream.answer = (_request, response) => void waiting.push(() => response.end('{}'));
    const asked = [ask('/api/chat', chat), ask('/api/chat', chat)];
    await until(() => waiting.length === 2);
    expect(await ask('/api/chat', chat)).toMatchObject({ status: 429 });
    expect(await ask('/api/tags')).toMatchObject({ status: 429 });
    for (const end of waiting.splice(0)) end();
    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual([200, 200]);
    upstream.answer = (_request, response) => void response.end('{}');
    expect(await ask('/api/chat', chat)).toMatchObject({ status: 200 });
  });

  test('S036 of a thousand streams at once eight are served, no other slot waits, and those that leave make room', async () => {
    const { control, slotsFolder, slotSocket, upstream } = await start();
    const other = 'a'.repeat(32);
    await mkdir(join(slotsFolder, other));
    await control('PUT', `/slots/${other}`);
    let cancelled = 0;
    upstream.answer = (_request, response) => {
      response.on('close', () => {
        cancelled += 1;
      });
      response.write('{"n":1}\n');
    };
    const streams = Array.from({ length: 1_000 }, () => openStream(slotSocket));
    const statuses = await Promise.all(streams.map(({ status }) => status));
    expect(statuses.filter((status) => status === 200)).toHaveLength(8);
    expect(statuses.filter((status) => ![0, 200, 429].includes(status))).toEqual([]);
    expect(upstream.seen).toHaveLength(8);
    const beside = openStream(join(slotsFolder, other, 'ollama.sock'));
    expect(await beside.status).toBe(200);
    for (const { leave } of [...streams, beside]) leave();
    await until(() => cancelled === 9);
    expect(await openStream(slotSocket).status).toBe(200);
  }, 60_000);

  test.each([
    ['announced', 'content-length: 1073741824', Buffer.alloc(65_536)],
    [
      'in chunks',
      'transfer-encoding: chunked',
      Buffer.concat([Buffer.from('10000\r\n'), Buffer.alloc(65_536), Buffer.from('\r\n')]),
    ],
  ])('S036 of a gigabyte that comes %s little more is read than a body may have', async (_how, header, piece) => {
    const { slotSocket, upstream } = await start({ overrides: { limits: { bodyBytes: 1_000_000 } } });
    const socket = createConnection(slotSocket);
    let answer = '';
    const fill = () => {
      while (answer === '' && socket.write(piece));
    };
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => {
      answer += String(bytes);
    });
    socket.on('drain', fill);
    socket.write(`POST /api/chat HTTP/1.1\r\nhost: x\r\n${header}\r\n\r\n`);
    fill();
    await new Promise((resolve) => socket.on('close', resolve));
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(socket.bytesWritten).toBeLessThan(4_000_000);
    expect(upstream.seen).toEqual([]);
  });

  test('S036 a body that says it is too large, and one that is', async () => {
    const { ask, raw, upstream } = await start({ overrides: { limits: { bodyBytes: 1_000 } } });
    const large = { ...chat, messages: [{ role: 'user', content: 'x'.repeat(1_000) }] };
    expect(await ask('/api/chat', large)).toMatchObject({ status: 413 });
    const chunk = `1f4\r\n${'x'.repeat(500)}\r\n`;
    const answer = await raw(
      `POST /api/chat HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n${chunk.repeat(3)}0\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    expect(upstream.seen).toEqual([]);
  });

  test('a refusal is seen by a client that is still sending', async () => {
    const { ask } = await start();
    expect(await ask('/api/pull', `"${'x'.repeat(8_000_000)}"`)).toMatchObject({ status: 403 });
  });

  test('a body for which there is no room now', async () => {
    const { ask } = await start({ overrides: { limits: { heldBytes: 50 } } });
    expect(await ask('/api/chat', chat)).toMatchObject({ status: 503 });
    expect(await ask('/api/show', { model: 'coder:7b' })).toMatchObject({ status: 200 });
  });

  test('room is given back', async () => {
    const { ask } = await start({ overrides: { limits: { heldBytesOfAllSlots: 200 } } });
    for (let request = 0; request < 10; request += 1) {
      expect(await ask('/api/chat', chat)).toMatchObject({ status: 200 });
    }
  });

  test('S040: what it may send in its life', async () => {
    const { ask, upstream } = await start({ overrides: { limits: { sentBytes: 200 } } });
    const statuses = [];
    for (let request = 0; request < 4; request += 1) statuses.push((await ask('/api/chat', chat)).status);
    expect(statuses).toEqual([200, 200, 429, 429]);
    expect(upstream.seen).toHaveLength(2);
  });

  test('lines in the log', async () => {
    const { ask, logged } = await start({ overrides: { limits: { logLines: 3 } } });
    const before = logged.length;
    for (let request = 0; request < 9; request += 1) await ask('/api/pull', {});
    expect(logged.slice(before).map(({ msg }) => msg)).toEqual([
      'request refused',
      'request refused',
      'slot has used up its log lines; nothing more of it is logged',
    ]);
  });
});
