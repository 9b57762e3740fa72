import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createDoor } from './door.ts';

let folder: string;
const open: (Server | Socket)[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-door-'));
});
afterEach(() => {
  for (const one of open.splice(0))
    if ('close' in one) one.close();
    else one.destroy();
  rmSync(folder, { recursive: true });
});

/** A page that does what a test says, a door before it, and a way to visit. */
async function begin(serve: (socket: Socket) => void, connections?: number) {
  const path = join(folder, 'page.sock');
  const guests: Socket[] = [];
  const page = createServer({ allowHalfOpen: true }, (socket) => {
    guests.push(socket);
    socket.on('error', () => undefined);
    serve(socket);
  }).listen(path);
  await once(page, 'listening');
  const door = createDoor(path, connections).listen(0, '127.0.0.1');
  await once(door, 'listening');
  open.push(page, door);
  const visit = async () => {
    const visitor = connect({ port: (door.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen: true });
    visitor.on('error', () => undefined);
    open.push(visitor);
    await once(visitor, 'connect');
    return visitor;
  };
  return { page, door, guests, visit };
}

async function everything(socket: Socket): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(socket as AsyncIterable<Buffer>));
}

test('W19 bytes pass as they are, in both directions, whatever they are', async () => {
  const sent = randomBytes(5 * 1024 * 1024);
  const { visit } = await begin((socket) => socket.pipe(socket));
  const visitor = await visit();
  const back = everything(visitor);
  visitor.end(sent);
  expect((await back).equals(sent)).toBe(true);
});

test('an answer comes also after the visitor has said all', async () => {
  const { visit } = await begin((socket) => {
    socket.resume();
    socket.on('end', () => setTimeout(() => socket.end('late'), 50));
  });
  const visitor = await visit();
  visitor.end('question');
  expect((await everything(visitor)).toString()).toBe('late');
});

test('each piece of a stream arrives by itself', async () => {
  const { visit, guests } = await begin((socket) => socket.resume());
  const visitor = await visit();
  await expect.poll(() => guests.length).toBe(1);
  for (const word of ['one', 'two', 'three']) {
    const next = once(visitor, 'data');
    guests[0]?.write(word);
    expect(String((await next)[0])).toBe(word);
  }
});

test('whoever goes takes the other with them', async () => {
  const { visit, guests } = await begin((socket) => socket.resume().on('end', () => socket.end()));
  const [leaving, left] = [await visit(), await visit()];
  await expect.poll(() => guests.length).toBe(2);
  const gone = guests.map((guest) => once(guest, 'close'));
  leaving.resetAndDestroy();
  await Promise.race(gone);
  expect(guests.filter(({ destroyed }) => !destroyed)).toHaveLength(1);
  for (const guest of guests) guest.destroy();
  expect((await everything(left)).length).toBe(0);
});

test('where there is no page the visitor is hung up on, and the next one finds it again', async () => {
  const { page, door, visit } = await begin((socket) => socket.end('here'));
  page.close();
  await once(page, 'close');
  expect((await everything(await visit())).length).toBe(0);
  page.listen(join(folder, 'page.sock'));
  await once(page, 'listening');
  expect((await everything(await visit())).toString()).toBe('here');
  expect(door.listening).toBe(true);
});

test('W18 so many come in at a time; the others are hung up on, and later there is room', async () => {
  const { visit, guests } = await begin((socket) => socket.write('welcome'), 2);
  const [first, second] = [await visit(), await visit()];
  await expect.poll(() => guests.length).toBe(2);
  expect((await everything(await visit())).length).toBe(0);
  first.resetAndDestroy();
  await expect
    .poll(async () => {
      const next = await visit();
      const data = await Promise.race([once(next, 'data').then(String), once(next, 'close').then(() => '')]);
      return data;
    })
    .toBe('welcome');
  expect(second.destroyed).toBe(false);
});

test('W18 what a slow visitor does not read stays at the page', async () => {
  let sent = 0;
  const { visit } = await begin((socket) => {
    const piece = Buffer.alloc(65_536);
    const more = () => {
      while (socket.write(piece)) sent += piece.length;
    };
    socket.on('drain', more);
    more();
  });
  const visitor = await visit();
  visitor.pause();
  await sleep(500);
  const before = sent;
  await sleep(300);
  expect(sent).toBe(before);
  expect(sent).toBeLessThan(64 * 1024 * 1024);
});
