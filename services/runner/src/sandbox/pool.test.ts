import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLogger } from '@countersign/kit/logger.ts';
import { expect, onTestFinished, test } from 'vitest';
import { FakeSandbox } from '../testing/fake-sandbox.ts';
import { FakeGateway, FakeLauncher } from '../testing/fake-service.ts';
import { scratchFolder } from '../testing/scratch.ts';
import { Gateway, Launcher } from './clients.ts';
import { NoSandboxError, SandboxPool } from './pool.ts';

const down = { status: 503, body: { code: 'engine-down', message: 'the engine does not answer' } };

async function begin(warm = 1) {
  const folder = scratchFolder();
  const slots = join(folder, 'slots');
  mkdirSync(slots);
  const launcher = await FakeLauncher.listen(folder, slots);
  const gateway = await FakeGateway.listen(folder);
  const clients = { launcher: new Launcher(launcher.socket), gateway: new Gateway(gateway.socket) };
  const pool = new SandboxPool({
    slots,
    ...clients,
    warm,
    warmProfile: 'default',
    logger: createLogger('runner', 'silent'),
  });
  onTestFinished(async () => {
    await pool[Symbol.asyncDispose]();
    await clients.launcher[Symbol.asyncDispose]();
    await clients.gateway[Symbol.asyncDispose]();
  });
  return { folder, slots, launcher, gateway, pool };
}

const ids = (launcher: FakeLauncher) => [...launcher.sandboxes.keys()];

test('warm sandboxes are kept, and a task takes one that is there', async () => {
  const { launcher, gateway, pool } = await begin(2);
  await pool.maintain(true);
  const warm = ids(launcher);
  expect(warm).toHaveLength(2);
  expect([...gateway.open].sort()).toEqual([...warm].sort());
  const slot = await pool.acquire('default');
  expect(warm).toContain(slot.id);
  expect(ids(launcher)).toHaveLength(2);
  await pool.maintain(true);
  expect(ids(launcher)).toHaveLength(3);
});

test('two tasks never get the same sandbox', async () => {
  const { pool } = await begin(1);
  await pool.maintain(true);
  const slots = await Promise.all([pool.acquire('default'), pool.acquire('default'), pool.acquire('default')]);
  expect(new Set(slots.map((slot) => slot.id)).size).toBe(3);
});

test('another profile is started cold', async () => {
  const { launcher, pool } = await begin(1);
  await pool.maintain(true);
  const [warm = ''] = ids(launcher);
  const slot = await pool.acquire('plan');
  expect(slot.id).not.toBe(warm);
  expect(launcher.sandboxes.get(slot.id)?.profile).toBe('plan');
});

test('a warm sandbox that died is replaced and not handed out', async () => {
  const { launcher, slots, pool } = await begin(1);
  await pool.maintain(true);
  const [dead = ''] = ids(launcher);
  launcher.connections.get(dead)?.hangUp();
  await sleep(20);
  expect((await pool.acquire('default')).id).not.toBe(dead);
  await Promise.all([pool.maintain(true), pool.maintain(true)]);
  expect(launcher.removed).toEqual([dead]);
  expect(existsSync(join(slots, dead))).toBe(false);
  expect(ids(launcher)).toHaveLength(2);
});

test('several dead ones are replaced without losing a living one', async () => {
  const { launcher, pool } = await begin(3);
  await pool.maintain(true);
  const [a = '', b = '', alive = ''] = ids(launcher);
  launcher.connections.get(a)?.hangUp();
  launcher.connections.get(b)?.hangUp();
  await sleep(20);
  await Promise.all([pool.maintain(false), pool.maintain(false)]);
  expect(ids(launcher)).toEqual([alive]);
  expect((await pool.acquire('default')).id).toBe(alive);
});

test('an ended task’s sandbox, slot and way to the model go', async () => {
  const { launcher, gateway, slots, pool } = await begin(0);
  const slot = await pool.acquire('default');
  await pool.release(slot);
  expect(ids(launcher)).toEqual([]);
  expect([...gateway.open]).toEqual([]);
  expect(readdirSync(slots)).toEqual([]);
});

test('a sandbox that the launcher could not remove is removed when it is back', async () => {
  const { launcher, slots, pool } = await begin(0);
  const slot = await pool.acquire('default');
  launcher.refusal = down;
  await pool.release(slot);
  expect(readdirSync(slots)).toEqual([]);
  await pool.maintain(false);
  expect(ids(launcher)).toEqual([slot.id]);
  launcher.refusal = null;
  await pool.maintain(false);
  expect(ids(launcher)).toEqual([]);
});

test('without a launcher there is no sandbox, and the reason is the launcher’s', async () => {
  const { launcher, gateway, slots, pool } = await begin(1);
  launcher.refusal = down;
  await expect(pool.acquire('default')).rejects.toThrow(NoSandboxError);
  await expect(pool.acquire('default')).rejects.toThrow('the engine does not answer (engine-down)');
  await pool.maintain(true);
  expect(readdirSync(slots)).toEqual([]);
  expect([...gateway.open]).toEqual([]);
});

test('every slot is told again to a gateway that was restarted', async () => {
  const { gateway, pool } = await begin(1);
  await pool.maintain(true);
  const used = await pool.acquire('default');
  await pool.maintain(true);
  const before = [...gateway.open].sort();
  gateway.open.clear();
  await pool.maintain(true);
  expect([...gateway.open].sort()).toEqual(before);
  expect(before).toContain(used.id);
});

test('a slot that is released while slots are repeated is not opened again', async () => {
  const { gateway, pool } = await begin(0);
  const slots = await Promise.all([pool.acquire('default'), pool.acquire('default'), pool.acquire('default')]);
  await Promise.all([pool.maintain(false), ...slots.map((slot) => pool.release(slot))]);
  await pool.maintain(false);
  expect([...gateway.open]).toEqual([]);
});

test('only what nobody here knows is tidied away', async () => {
  const { launcher, slots, pool } = await begin(1);
  const [stranger, adopted] = ['a'.repeat(32), 'b'.repeat(32)];
  for (const id of [stranger, adopted]) {
    launcher.add(id);
    mkdirSync(join(slots, id, 'deep'), { recursive: true });
    writeFileSync(join(slots, id, 'deep', 'file'), 'x');
  }
  launcher.add('c'.repeat(32), 'ended');
  mkdirSync(join(slots, 'lost+found'));
  await pool.adopt(adopted);
  await pool.maintain(true);
  const used = await pool.acquire('default');
  expect(await pool.tidy()).toBe(2);
  expect(ids(launcher).sort()).toEqual([adopted, used.id].sort());
  expect(readdirSync(slots).sort()).toEqual([adopted, used.id, 'lost+found'].sort());
});

test('a sandbox that is being started meanwhile is not tidied away', async () => {
  const { launcher, pool } = await begin(0);
  const [slot] = await Promise.all([pool.acquire('default'), pool.tidy(), pool.tidy()]);
  expect(ids(launcher)).toEqual([slot.id]);
  expect(slot.isGreeted).toBe(true);
});

test('tidying says so when the launcher does not answer', async () => {
  const { launcher, pool } = await begin(0);
  launcher.refusal = down;
  await expect(pool.tidy()).rejects.toThrow('503');
});

test('ending leaves sandboxes in use to the next runner and removes the idle ones', async () => {
  const { launcher, slots, pool } = await begin(2);
  await pool.maintain(true);
  const used = await pool.acquire('default');
  await pool[Symbol.asyncDispose]();
  expect(ids(launcher)).toEqual([used.id]);
  expect(readdirSync(slots)).toEqual([used.id]);
});

test('ending does not wait for a sandbox that never says hello', async () => {
  const { launcher, slots, pool } = await begin(1);
  launcher.greets = false;
  const filling = pool.maintain(true);
  while (launcher.sandboxes.size === 0) await sleep(2);
  await pool[Symbol.asyncDispose]();
  await filling;
  expect(ids(launcher)).toEqual([]);
  expect(readdirSync(slots)).toEqual([]);
});

test('an adopted slot waits for its sandbox to come again', async () => {
  const { slots, pool } = await begin(0);
  const slot = await pool.adopt('d'.repeat(32));
  await FakeSandbox.greet(slots, slot.id, 'busy', 'abcde');
  expect((await slot.nextConnection(new AbortController().signal)).hello).toMatchObject({
    state: 'busy',
    task: 'abcde',
  });
});
