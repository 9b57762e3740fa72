import { existsSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { decodeJson } from '@countersign/contracts/frame-codec.ts';
import { ProgressFrame } from '@countersign/contracts/frames.ts';
import { expect, test } from 'vitest';
import { FakeSandbox } from '../testing/fake-sandbox.ts';
import { scratchFolder } from '../testing/scratch.ts';
import { type Connection, Slot } from './slot.ts';

const never = new AbortController().signal;

async function begin() {
  const slots = scratchFolder();
  const slot = await Slot.open(slots);
  return { slots, slot, greet: (state: 'idle' | 'busy' = 'idle') => FakeSandbox.greet(slots, slot.id, state) };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(5);
}

async function summaries(connection: Connection): Promise<string[]> {
  const found: string[] = [];
  for await (const frame of connection.frames) found.push(decodeJson(frame.payload, ProgressFrame).summary);
  return found;
}

test('a slot can be passed through and connected to by another user, and not be listed', async () => {
  const { slots, slot } = await begin();
  await using _slot = slot;
  expect(slot.id).toMatch(/^[0-9a-f]{32}$/);
  expect(statSync(join(slots, slot.id)).mode & 0o777).toBe(0o711);
  expect(statSync(join(slots, slot.id, 'control.sock')).mode & 0o777).toBe(0o666);
});

test('a sandbox that said hello is handed out once, with all that it sends', async () => {
  const { slot, greet } = await begin();
  await using _slot = slot;
  const sandbox = await greet();
  await slot.greeted(never);
  expect(slot.isGreeted).toBe(true);
  const connection = await slot.nextConnection(never);
  expect(slot.isGreeted).toBe(false);
  expect(connection.hello.state).toBe('idle');
  sandbox.say('progress', { summary: 'one' });
  sandbox.say('progress', { summary: 'two' });
  await sleep(10);
  sandbox.hangUp();
  expect(await summaries(connection)).toEqual(['one', 'two']);
});

test('a warm sandbox that dies is noticed though nobody reads', async () => {
  const { slot, greet } = await begin();
  await using _slot = slot;
  const sandbox = await greet();
  await slot.greeted(never);
  sandbox.hangUp();
  await until(() => !slot.isGreeted);
  expect(slot.isGreeted).toBe(false);
});

test('while a connection is open nobody takes its place, and when it is lost the next one does', async () => {
  const { slot, greet } = await begin();
  await using _slot = slot;
  const first = await greet();
  const older = await slot.nextConnection(never);
  const second = await greet('busy');
  await second.closed;
  expect(older.isOpen).toBe(true);
  first.hangUp();
  await until(() => !older.isOpen);
  await greet('busy');
  const newer = await slot.nextConnection(never);
  expect(newer.hello.state).toBe('busy');
});

test('one who connects and never says hello displaces nobody', async () => {
  const { slots, slot, greet } = await begin();
  await using _slot = slot;
  await greet();
  await slot.greeted(never);
  const silent = await FakeSandbox.connect(slots, slot.id);
  await sleep(20);
  expect(slot.isGreeted).toBe(true);
  silent.hangUp();
});

test('S056 a sandbox cannot hold many connections open', async () => {
  const { slots, slot } = await begin();
  await using _slot = slot;
  const all = await Promise.all(Array.from({ length: 20 }, () => FakeSandbox.connect(slots, slot.id)));
  let closed = 0;
  for (const sandbox of all) void sandbox.closed.then(() => closed++);
  await until(() => closed === 16);
  expect(closed).toBe(16);
});

test.each([
  ['garbage', (sandbox: FakeSandbox) => sandbox.raw(Buffer.from('GET / HTTP/1.1\r\n\r\n'))],
  ['another frame', (sandbox: FakeSandbox) => sandbox.say('progress', { summary: 'x' })],
  [
    'a hello of another protocol',
    (sandbox: FakeSandbox) => sandbox.say('hello', { protocol: 2, state: 'idle', task: null }),
  ],
  ['a frame for the other direction', (sandbox: FakeSandbox) => sandbox.say('ack', { task: 'abcde' })],
])('a first frame that is %s ends the connection', async (_name, speak) => {
  const { slots, slot } = await begin();
  await using _slot = slot;
  const sandbox = await FakeSandbox.connect(slots, slot.id);
  speak(sandbox);
  await sandbox.closed;
  expect(slot.isGreeted).toBe(false);
});

test('waiting for a connection ends with its signal', async () => {
  const { slot } = await begin();
  await using _slot = slot;
  await expect(slot.nextConnection(AbortSignal.timeout(10))).rejects.toThrow('timeout');
  const stop = new AbortController();
  const waiting = slot.greeted(stop.signal);
  stop.abort(new Error('the runner is ending'));
  await expect(waiting).rejects.toThrow('the runner is ending');
});

test('S045 a slot that has served is gone, with its connections', async () => {
  const { slots, slot, greet } = await begin();
  const sandbox = await greet();
  await slot.greeted(never);
  await slot[Symbol.asyncDispose]();
  await sandbox.closed;
  expect(existsSync(join(slots, slot.id))).toBe(false);
});

test('a slot that is left can be opened again by the next runner, also after a kill', async () => {
  const { slots, slot, greet } = await begin();
  await greet();
  await slot.greeted(never);
  await slot.leave();
  expect(existsSync(join(slots, slot.id))).toBe(true);
  await using again = await Slot.open(slots, slot.id);
  // A killed runner leaves its socket behind; a second server on the path stands for that.
  await using third = await Slot.open(slots, slot.id);
  await FakeSandbox.greet(slots, third.id, 'busy', 'abcde');
  expect((await third.nextConnection(never)).hello.task).toBe('abcde');
  expect(again.isGreeted).toBe(false);
});

test('what lies at the socket’s place and is no socket is not taken for one', async () => {
  const slots = scratchFolder();
  const id = 'a'.repeat(32);
  mkdirSync(join(slots, id, 'control.sock'), { recursive: true });
  await expect(Slot.open(slots, id)).rejects.toThrow();
});
