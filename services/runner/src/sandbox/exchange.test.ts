import { randomBytes } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { encodeFrame } from '@countersign/contracts/frame-codec.ts';
import { expect, test, vi } from 'vitest';
import { beginExchange as begin, taskId as id } from '../testing/exchange-ground.ts';
import { endOf, type FakeSandbox } from '../testing/fake-sandbox.ts';
import { makeNamedPipe } from '../testing/named-pipe.ts';
import type { ExchangeOutcome } from './exchange.ts';

const mib = 1024 * 1024;

async function sizeReached(path: string, bytes: number): Promise<void> {
  while (!existsSync(path) || statSync(path).size < bytes) await sleep(2);
}

function deliveryOf(outcome: ExchangeOutcome) {
  if (!outcome.ok) throw new Error(outcome.reason);
  return outcome.delivery;
}

test('a sandbox gets its whole task and its whole result is taken', async () => {
  const { slot, start, greet, lines, files, packBytes } = await begin();
  await using _slot = slot;
  const outcome = start();
  const sandbox = await greet();
  const { task, texts, packs } = await sandbox.takeTask();
  expect(task.task).toBe(id);
  expect(texts).toEqual([{ name: 'objective', text: 'do it' }]);
  expect(packs[0]?.equals(packBytes)).toBe(true);

  const stdout = Buffer.from('hello from the tool\n');
  const bundle = randomBytes(3 * mib + 5);
  const artifact = Buffer.from('{"passed":3}');
  sandbox.say('progress', { summary: 'reading', step: 1 });
  sandbox.chunk('output', 0, stdout, 0, 5);
  sandbox.chunk('output', 0, stdout, 5);
  for (let offset = 0; offset < bundle.length; offset += mib)
    sandbox.chunk('bundle', 0, bundle, offset, Math.min(offset + mib, bundle.length));
  sandbox.chunk('artifact', 0, artifact);
  sandbox.text('summary', 'I did it');
  sandbox.text('handoff', 'next: rest');
  sandbox.say('end', endOf(id, { stdout, bundle, artifacts: [artifact] }));

  const done = await outcome;
  const delivery = deliveryOf(done);
  expect(delivery).toMatchObject({ summary: 'I did it', handoff: 'next: rest', plan: null, end: { exit_code: 0 } });
  expect(readFileSync(files.stdout)).toEqual(stdout);
  expect(readFileSync(delivery.bundlePath(0)).equals(bundle)).toBe(true);
  expect(readFileSync(delivery.artifactPath(0))).toEqual(artifact);
  expect(lines).toEqual(['reading']);
  if (done.ok) await done.acknowledge();
  expect(JSON.parse((await sandbox.nextNamed('ack')).toString())).toEqual({ task: id });
  await sandbox.closed;
});

test('F48 S041 S068 what comes after the end is not part of the result, neither by the same connection nor by another one', async () => {
  const { slot, start, greet, files, lines } = await begin();
  await using _slot = slot;
  const outcome = start();
  const sandbox = await greet();
  await sandbox.takeTask();
  const stdout = Buffer.from('all of it');
  sandbox.chunk('output', 0, stdout);
  sandbox.say('end', endOf(id, { stdout }));
  sandbox.chunk('output', 0, Buffer.from('and more'), 0);
  sandbox.say('progress', { summary: 'still here' });
  sandbox.text('summary', 'it was somebody else');
  sandbox.say('end', { ...endOf(id), exit_code: 1, reason: 'failed' });
  const done = await outcome;
  expect(deliveryOf(done)).toMatchObject({ summary: null, end: { exit_code: 0, reason: 'finished' } });
  const late = await greet('ended');
  late.chunk('output', 0, Buffer.from('and more'), stdout.length);
  late.say('end', { ...endOf(id), exit_code: 1, reason: 'failed' });
  if (done.ok) await done.acknowledge();
  await sandbox.nextNamed('ack');
  await slot[Symbol.asyncDispose]();
  late.hangUp();
  expect(readFileSync(files.stdout)).toEqual(stdout);
  expect(lines).toEqual([]);
  expect(deliveryOf(done)).toMatchObject({ summary: null, end: { exit_code: 0, reason: 'finished' } });
});

test('a connection that is cut in the middle of a bundle is gone on with where it stopped', async () => {
  const { slot, start, greet, folder } = await begin();
  await using _slot = slot;
  const outcome = start();
  const bundle = randomBytes(4 * mib);
  const first = await greet();
  await first.takeTask();
  first.chunk('bundle', 0, bundle, 0, mib);
  await sizeReached(join(folder, 'incoming/bundle-0'), mib);
  // The second piece is cut off in its middle.
  first.raw(Buffer.from([0, 0x10, 0, 10, 0x84, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 1, 2, 3]));
  first.hangUp();

  const second = await greet('busy');
  const held = await second.nextResend();
  expect(held).toMatchObject({ stdout: 0, bundles: [mib] });
  for (let offset = mib; offset < bundle.length; offset += mib) second.chunk('bundle', 0, bundle, offset, offset + mib);
  second.say('end', endOf(id, { bundle }));
  const delivery = deliveryOf(await outcome);
  expect(readFileSync(delivery.bundlePath(0)).equals(bundle)).toBe(true);
});

test.each([
  ['by its first word', true],
  ['by its greeting, where the connection was lost before any word', false],
])('that a sandbox works on its task is heard %s', async (_, speaks) => {
  let heard = 0;
  const { slot, start, greet, lines } = await begin({}, { begun: () => (heard += 1) });
  await using _slot = slot;
  const outcome = start();
  let sandbox = await greet();
  await sandbox.takeTask();
  expect(heard).toBe(0);
  if (speaks) {
    for (const summary of ['checking out', 'the tool runs']) sandbox.say('progress', { summary });
    await vi.waitFor(() => expect(lines).toHaveLength(2));
  } else {
    sandbox.hangUp();
    sandbox = await greet('busy');
    await sandbox.nextResend();
  }
  expect(heard).toBe(1);
  const bundle = randomBytes(10);
  sandbox.chunk('bundle', 0, bundle);
  sandbox.say('end', endOf(id, { bundle }));
  deliveryOf(await outcome);
  expect(heard).toBe(1);
});

test('S068 bytes with another digest are asked for again, all of them', async () => {
  const { slot, start, greet } = await begin();
  await using _slot = slot;
  const outcome = start();
  const bundle = randomBytes(1_000);
  const wrong = Buffer.from(bundle);
  wrong[500] = (wrong[500] ?? 0) ^ 1;
  const sandbox = await greet();
  await sandbox.takeTask();
  sandbox.chunk('bundle', 0, wrong);
  sandbox.say('end', endOf(id, { bundle }));
  expect(await sandbox.nextResend()).toMatchObject({ bundles: [0] });
  sandbox.chunk('bundle', 0, bundle);
  sandbox.say('end', endOf(id, { bundle }));
  expect(readFileSync(deliveryOf(await outcome).bundlePath(0)).equals(bundle)).toBe(true);
});

test('a result that never matches its digests is given up', async () => {
  const { slot, start, greet } = await begin();
  await using _slot = slot;
  const outcome = start();
  const bundle = randomBytes(1_000);
  let sandbox = await greet();
  await sandbox.takeTask();
  let attempts = 0;
  const lie = async () => {
    for (;;) {
      attempts += 1;
      sandbox.chunk('bundle', 0, randomBytes(1_000));
      sandbox.say('end', endOf(id, { bundle }));
      try {
        await sandbox.nextResend();
      } catch {
        sandbox = await greet('ended');
        await sandbox.nextResend();
      }
    }
  };
  const lying = lie().catch(() => undefined);
  expect(await outcome).toEqual({ ok: false, errorClass: 'protocol', reason: 'the result does not match its digests' });
  expect(attempts).toBe(5);
  await slot[Symbol.asyncDispose]();
  await lying;
});

test.each<[string, (sandbox: FakeSandbox) => void, RegExp]>([
  [
    'a chunk that leaves a gap (F48)',
    (sandbox) => sandbox.chunk('bundle', 0, randomBytes(100), 50),
    /at 50 where 0 is due/,
  ],
  [
    'a chunk that goes back (F48)',
    (sandbox) => {
      sandbox.chunk('output', 0, Buffer.from('abc'));
      sandbox.chunk('output', 0, Buffer.from('abc'));
    },
    /where 3 is due/,
  ],
  ['too much output', (sandbox) => sandbox.chunk('output', 1, Buffer.alloc(1_001)), /more than 1000 bytes/],
  ['a third output stream', (sandbox) => sandbox.chunk('output', 2, Buffer.from('x')), /does not exist/],
  ['a bundle of no repository', (sandbox) => sandbox.chunk('bundle', 1, Buffer.from('x')), /unknown repository/],
  ['an artifact too many', (sandbox) => sandbox.chunk('artifact', 32, Buffer.from('x')), /artifact too many/],
  ['a plan that was not asked for', (sandbox) => sandbox.text('plan', 'x'), /a plan frame in mode run/],
  [
    'a second hello',
    (sandbox) => sandbox.say('hello', { protocol: 1, state: 'idle', task: null }),
    /hello frame may not come/,
  ],
  ['the end of another task', (sandbox) => sandbox.say('end', endOf('other')), /another task/],
  ['an unknown frame', (sandbox) => sandbox.raw(Buffer.from([0, 0, 0, 0, 0x7f])), /does not exist/],
  ['a frame too large', (sandbox) => sandbox.raw(Buffer.from([0xff, 0xff, 0xff, 0xff, 0x83])), /4294967295 bytes/],
  ['no JSON where JSON is due', (sandbox) => sandbox.raw(Buffer.from([0, 0, 0, 1, 0x82, 0x78])), /should hold JSON/],
  [
    'S059 an end that is as deeply nested as there is room for',
    (sandbox) => sandbox.raw(encodeFrame('end', Buffer.from(`${'['.repeat(32_768)}${']'.repeat(32_768)}`))),
    /expected object/,
  ],
  [
    'S059 an end with a deeply nested member',
    (sandbox) =>
      sandbox.raw(encodeFrame('end', Buffer.from(`{"checks":${'{"a":'.repeat(10_000)}1${'}'.repeat(10_001)}`))),
    /expected array/,
  ],
  [
    'S059 progress without an end to its nesting',
    (sandbox) => sandbox.raw(encodeFrame('progress', Buffer.from('{"a":'.repeat(3_000)))),
    /should hold JSON/,
  ],
])('S041 %s ends the connection, and the third time the attempt', async (_name, offend, reason) => {
  const { slot, start, greet } = await begin();
  await using _slot = slot;
  const outcome = start();
  for (const state of ['idle', 'busy', 'busy'] as const) {
    const sandbox = await greet(state);
    if (state === 'idle') await sandbox.takeTask();
    else await sandbox.nextResend();
    offend(sandbox);
    await Promise.race([outcome, sandbox.closed]);
  }
  expect(await outcome).toEqual({ ok: false, errorClass: 'protocol', reason: expect.stringMatching(reason) });
});

test('S041 a planner hands over a plan and no bytes besides', async () => {
  const { slot, start, greet } = await begin({ mode: 'plan' });
  await using _slot = slot;
  const outcome = start();
  const first = await greet();
  await first.takeTask();
  first.chunk('bundle', 0, Buffer.from('x'));
  await first.closed;
  const second = await greet('ended');
  await second.nextResend();
  second.say('end', endOf(id, { artifacts: [Buffer.alloc(0)] }));
  await second.closed;
  const third = await greet('ended');
  expect(await third.nextResend()).toMatchObject({ bundles: [0] });
  third.text('plan', '1. look\n2. write');
  third.say('end', endOf(id));
  expect(deliveryOf(await outcome).plan).toBe('1. look\n2. write');
});

test('a sandbox of another task is not listened to', async () => {
  const { slot, start, greet } = await begin();
  await using _slot = slot;
  const outcome = start();
  await (await greet('busy', 'other')).closed;
  const sandbox = await greet();
  await sandbox.takeTask();
  sandbox.say('end', endOf(id));
  expect(deliveryOf(await outcome).end.exit_code).toBe(0);
});

test('a second connection beside the first says nothing that counts', async () => {
  const { slot, start, greet } = await begin();
  await using _slot = slot;
  const outcome = start();
  const agent = await greet();
  await agent.takeTask();
  const other = await greet('busy');
  await other.closed;
  agent.say('end', endOf(id));
  expect(deliveryOf(await outcome).end.reason).toBe('finished');
});

test('a verification that lost its connection is lost: whoever connects then may be what was verified', async () => {
  const { slot, start, greet } = await begin({ mode: 'verify' });
  await using _slot = slot;
  const outcome = start();
  const agent = await greet();
  await agent.takeTask();
  agent.hangUp();
  const other = await greet('busy');
  other.say('end', { ...endOf(id), checks: [{ exit_code: 0, duration_ms: 1 }] });
  expect(await outcome).toMatchObject({ ok: false, errorClass: 'sandbox_lost' });
});

test.each(['run', 'plan', 'rebase'] as const)('checks with the end of a %s are refused', async (mode) => {
  const { slot, start, greet } = await begin({ mode });
  await using _slot = slot;
  const outcome = start();
  for (const state of ['idle', 'busy', 'busy'] as const) {
    const sandbox = await greet(state);
    if (state === 'idle') await sandbox.takeTask();
    else await sandbox.nextResend();
    sandbox.say('end', { ...endOf(id), checks: [] });
    await Promise.race([outcome, sandbox.closed]);
  }
  expect(await outcome).toMatchObject({ ok: false, errorClass: 'protocol' });
});

test('a stop is passed on, and what was done is still collected', async () => {
  const { slot, start, greet, stop } = await begin();
  await using _slot = slot;
  const outcome = start();
  const sandbox = await greet();
  await sandbox.takeTask();
  stop.abort('timeout');
  expect(JSON.parse((await sandbox.nextNamed('stop')).toString())).toEqual({ reason: 'timeout' });
  const stdout = Buffer.from('half\n');
  sandbox.chunk('output', 0, stdout);
  sandbox.say('end', { ...endOf(id, { stdout }), exit_code: null, reason: 'stopped', error_class: 'stopped' });
  expect(deliveryOf(await outcome).end.reason).toBe('stopped');
});

test('a stop reaches a sandbox that connects again after it', async () => {
  const { slot, start, greet, stop } = await begin({}, { waits: { collectMs: 5_000, lostCheckMs: 10 } });
  await using _slot = slot;
  const outcome = start();
  const first = await greet();
  await first.takeTask();
  first.hangUp();
  stop.abort('file_changed');
  const second = await greet('busy');
  await second.nextResend();
  expect(JSON.parse((await second.nextNamed('stop')).toString())).toEqual({ reason: 'file_changed' });
  second.say('end', endOf(id));
  expect((await outcome).ok).toBe(true);
});

test.each(['connected', 'gone', 'not reading'])(
  'S057 a sandbox that is %s and does not end after a stop is given up',
  async (how) => {
    const { slot, start, greet, stop } = await begin();
    await using _slot = slot;
    const outcome = start();
    const sandbox = await greet();
    if (how !== 'not reading') await sandbox.takeTask();
    if (how === 'gone') sandbox.hangUp();
    stop.abort('timeout');
    expect(await outcome).toEqual({
      ok: false,
      errorClass: 'sandbox_lost',
      reason: 'the sandbox did not end within 100 ms of being stopped',
    });
  },
);

test('a sandbox that the launcher no longer has is given up, after a second look', async () => {
  let looks = 0;
  const lost = () => Promise.resolve(++looks > 1 ? 'the sandbox ran out of memory' : null);
  const { slot, start, greet } = await begin({}, { lost });
  await using _slot = slot;
  const outcome = start();
  const sandbox = await greet();
  await sandbox.takeTask();
  sandbox.hangUp();
  expect(await outcome).toEqual({ ok: false, errorClass: 'sandbox_lost', reason: 'the sandbox ran out of memory' });
  expect(looks).toBeGreaterThanOrEqual(3);
});

test('while a sandbox is connected nobody asks whether it is lost', async () => {
  let looks = 0;
  const { slot, start, greet } = await begin({}, { lost: () => Promise.resolve(`look ${++looks}`) });
  await using _slot = slot;
  const sandboxComing = greet();
  const outcome = start();
  const sandbox = await sandboxComing;
  await sandbox.takeTask();
  const before = looks;
  await sleep(60);
  expect(looks).toBe(before);
  sandbox.say('end', endOf(id));
  expect((await outcome).ok).toBe(true);
});

test('leaving rejects with its reason and leaves what came', async () => {
  const { slot, start, greet, leave, files } = await begin();
  await using _slot = slot;
  const outcome = start();
  const sandbox = await greet();
  await sandbox.takeTask();
  sandbox.chunk('output', 0, Buffer.from('so far\n'));
  sandbox.say('progress', { summary: 'x' });
  await sizeReached(files.stdout, 'so far\n'.length);
  const reason = new Error('stopped by SIGTERM');
  leave.abort(reason);
  await expect(outcome).rejects.toBe(reason);
  expect(readFileSync(files.stdout, 'utf8')).toBe('so far\n');

  // The next runner goes on from there.
  const again = start({ leave: new AbortController().signal });
  const back = await greet('busy');
  expect(await back.nextResend()).toMatchObject({ stdout: 'so far\n'.length });
  back.say('end', endOf(id, { stdout: Buffer.from('so far\n') }));
  expect((await again).ok).toBe(true);
});

test('leaving before a sandbox came rejects too', async () => {
  const { slot, start, leave } = await begin();
  await using _slot = slot;
  const outcome = start();
  leave.abort(new Error('stopped by SIGTERM'));
  await expect(outcome).rejects.toThrow('stopped by SIGTERM');
});

test('an error of our own disk is told at once and not taken for a lost connection', async () => {
  const { slot, start, greet, pack } = await begin();
  await using _slot = slot;
  rmSync(pack.path);
  const outcome = start();
  await greet();
  await expect(outcome).rejects.toMatchObject({ code: 'ENOENT' });
});

test('S063, S066 what comes lies in files of ours, of which the sandbox chose nothing but the bytes', async () => {
  const { slot, start, greet, files } = await begin();
  await using _slot = slot;
  const outcome = start();
  const sandbox = await greet();
  await sandbox.takeTask();
  const artifact = Buffer.from('#!/bin/sh\n');
  const bundle = randomBytes(10);
  sandbox.chunk('artifact', 0, artifact);
  sandbox.chunk('bundle', 0, bundle);
  sandbox.say('end', endOf(id, { artifacts: [artifact], bundle }));
  const delivery = deliveryOf(await outcome);
  expect(readdirSync(files.folder).sort()).toEqual(['artifact-0', 'bundle-0']);
  for (const path of [delivery.artifactPath(0), delivery.bundlePath(0), files.stdout]) {
    const { mode, nlink, uid } = lstatSync(path);
    expect({ mode: mode & 0o177111, nlink, uid }).toEqual({ mode: 0o100000, nlink: 1, uid: process.getuid?.() });
  }
});

test('S067 a pipe where output is to go is waited for by nobody', async () => {
  const { slot, start, greet, files } = await begin();
  await using _slot = slot;
  makeNamedPipe(files.stdout);
  const outcome = start();
  const sandbox = await greet();
  await sandbox.takeTask();
  sandbox.chunk('output', 0, Buffer.from('x'));
  await expect(outcome).rejects.toMatchObject({ code: 'ESPIPE' });
});

test('S041 S069 a planted link where output is to go is not followed', async () => {
  const { slot, start, greet, files, folder } = await begin();
  await using _slot = slot;
  writeFileSync(join(folder, 'precious'), 'precious');
  symlinkSync(join(folder, 'precious'), files.stdout);
  const outcome = start();
  const sandbox = await greet();
  await sandbox.takeTask();
  sandbox.chunk('output', 0, Buffer.from('overwritten'));
  await expect(outcome).rejects.toMatchObject({ code: 'ELOOP' });
  expect(readFileSync(join(folder, 'precious'), 'utf8')).toBe('precious');
});

test('no file is left open, however an exchange ends', async () => {
  const open = () => readdirSync('/proc/self/fd').length;
  const before = open();
  const whole = await begin();
  const outcome = whole.start();
  const sandbox = await whole.greet();
  await sandbox.takeTask();
  sandbox.chunk('output', 0, Buffer.from('x'));
  whole.leave.abort(new Error('over'));
  await expect(outcome).rejects.toThrow('over');
  await sandbox.closed;
  await whole.slot[Symbol.asyncDispose]();
  expect(open()).toBeLessThanOrEqual(before);
});
