import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Profile } from '@countersign/contracts/launcher-api.ts';
import { createLogger } from '@countersign/kit/logger.ts';
import { expect, onTestFinished, test, vi } from 'vitest';
import { FakeSandbox } from '../testing/fake-sandbox.ts';
import { FakeGateway, FakeLauncher, fakeImage } from '../testing/fake-service.ts';
import { scratchFolder } from '../testing/scratch.ts';
import { Gateway, Launcher } from './clients.ts';
import { NoSandboxError, SandboxPool } from './pool.ts';
import { poolLimits } from './pool-limits.ts';

const down = { status: 503, body: { code: 'engine-down', message: 'the engine does not answer' } };

const standard: Profile = {
  name: 'default',
  image: fakeImage,
  definition: 'd'.repeat(64),
  runtime: 'runc',
  workspace_bytes: 1_000_000,
  memory_bytes: 2_000_000,
  toolchain: 'own',
  warm: 1,
};

async function begin(warm = 1) {
  let now = 0;
  const profile = { ...standard, warm };
  const folder = scratchFolder();
  const [slots, modelSlots] = [join(folder, 'slots'), join(folder, 'model-slots')];
  for (const path of [slots, modelSlots]) mkdirSync(path);
  const launcher = await FakeLauncher.listen(folder, slots);
  const gateway = await FakeGateway.listen(folder, modelSlots);
  const clients = { launcher: new Launcher(launcher.socket), gateway: new Gateway(gateway.socket) };
  const pool = new SandboxPool({
    slots,
    modelSlots,
    ...clients,
    clock: () => now,
    logger: createLogger('runner', 'silent'),
  });
  onTestFinished(async () => {
    await pool[Symbol.asyncDispose]();
    await clients.launcher[Symbol.asyncDispose]();
    await clients.gateway[Symbol.asyncDispose]();
  });
  const pass = (milliseconds: number) => {
    now += milliseconds;
  };
  return { folder, slots, modelSlots, launcher, gateway, pool, profile, pass };
}

const ids = (launcher: FakeLauncher) => [...launcher.sandboxes.keys()];

test('warm sandboxes are kept, and a task takes one that is there', async () => {
  const { launcher, gateway, pool, profile } = await begin(2);
  await pool.maintain([profile]);
  const warm = ids(launcher);
  expect(warm).toHaveLength(2);
  expect([...gateway.open].sort()).toEqual([...warm].sort());
  const slot = await pool.acquire(profile);
  expect(warm).toContain(slot.id);
  // Not while the task is on its way: that would take the processor from it.
  await pool.maintain([profile]);
  expect(ids(launcher)).toHaveLength(2);
  pool.begun(slot);
  await pool.maintain([profile]);
  expect(ids(launcher)).toHaveLength(3);
});

test('S045 two tasks never get the same sandbox', async () => {
  const { pool, profile } = await begin(1);
  await pool.maintain([profile]);
  const slots = await Promise.all([pool.acquire(profile), pool.acquire(profile), pool.acquire(profile)]);
  expect(new Set(slots.map((slot) => slot.id)).size).toBe(3);
});

test('another profile is started cold', async () => {
  const { launcher, pool, profile } = await begin(1);
  await pool.maintain([profile]);
  const [warm = ''] = ids(launcher);
  const slot = await pool.acquire({ ...profile, name: 'plan' });
  expect(slot.id).not.toBe(warm);
  expect(launcher.sandboxes.get(slot.id)?.profile).toBe('plan');
});

test('a warm sandbox that died is replaced and not handed out', async () => {
  const { launcher, slots, pool, profile } = await begin(1);
  await pool.maintain([profile]);
  const [dead = ''] = ids(launcher);
  launcher.connections.get(dead)?.hangUp();
  await sleep(20);
  const slot = await pool.acquire(profile);
  expect(slot.id).not.toBe(dead);
  pool.begun(slot);
  await Promise.all([pool.maintain([profile]), pool.maintain([profile])]);
  expect(launcher.removed).toEqual([dead]);
  expect(existsSync(join(slots, dead))).toBe(false);
  expect(ids(launcher)).toHaveLength(2);
});

test('several dead ones are replaced without losing a living one', async () => {
  const { launcher, pool, profile } = await begin(3);
  await pool.maintain([profile]);
  const [a = '', b = '', alive = ''] = ids(launcher);
  launcher.connections.get(a)?.hangUp();
  launcher.connections.get(b)?.hangUp();
  await sleep(20);
  await Promise.all([pool.maintain(null), pool.maintain(null)]);
  expect(ids(launcher)).toEqual([alive]);
  expect((await pool.acquire(profile)).id).toBe(alive);
});

test('S045 an ended task’s sandbox, slot and way to the model go', async () => {
  const { launcher, gateway, slots, pool, profile } = await begin(0);
  const slot = await pool.acquire(profile);
  await pool.release(slot);
  expect(ids(launcher)).toEqual([]);
  expect([...gateway.open]).toEqual([]);
  expect(readdirSync(slots)).toEqual([]);
});

test('a sandbox that the launcher could not remove is removed when it is back', async () => {
  const { launcher, slots, pool, profile } = await begin(0);
  const slot = await pool.acquire(profile);
  launcher.refusal = down;
  await pool.release(slot);
  expect(readdirSync(slots)).toEqual([]);
  await pool.maintain(null);
  expect(ids(launcher)).toEqual([slot.id]);
  launcher.refusal = null;
  await pool.maintain(null);
  expect(ids(launcher)).toEqual([]);
});

test('without a launcher there is no sandbox, and the reason is the launcher’s', async () => {
  const { launcher, gateway, slots, pool, profile } = await begin(1);
  launcher.refusal = down;
  await expect(pool.acquire(profile)).rejects.toThrow(NoSandboxError);
  await expect(pool.acquire(profile)).rejects.toThrow('the engine does not answer (engine-down)');
  await pool.maintain([profile]);
  expect(readdirSync(slots)).toEqual([]);
  expect([...gateway.open]).toEqual([]);
});

test('a slot has a folder for the runner’s socket and another one for the gateway’s, and both go with it', async () => {
  const { slots, modelSlots, pool, profile } = await begin(0);
  const slot = await pool.acquire(profile);
  expect([readdirSync(join(slots, slot.id)), readdirSync(join(modelSlots, slot.id))]).toEqual([
    ['control.sock'],
    ['ollama.sock'],
  ]);
  expect(statSync(join(modelSlots, slot.id)).mode & 0o777).toBe(0o711);
  await pool.release(slot);
  expect([readdirSync(slots), readdirSync(modelSlots)]).toEqual([[], []]);
});

test('an adopted slot has its way to the model again', async () => {
  const { gateway, modelSlots, pool } = await begin(0);
  const id = 'd'.repeat(32);
  await pool.adopt(id);
  expect([...gateway.open]).toEqual([id]);
  expect(readdirSync(join(modelSlots, id))).toEqual(['ollama.sock']);
});

test('every slot is told again to a gateway that was restarted', async () => {
  const { gateway, pool, profile } = await begin(1);
  await pool.maintain([profile]);
  const used = await pool.acquire(profile);
  pool.begun(used);
  await pool.maintain([profile]);
  const before = [...gateway.open].sort();
  gateway.open.clear();
  await pool.repeatSlots();
  expect([...gateway.open].sort()).toEqual(before);
  expect(before).toContain(used.id);
});

test('while the gateway is away no sandbox is made to wait for a task', async () => {
  const { launcher, gateway, pool, profile } = await begin(1);
  const start = vi.spyOn(launcher.sandboxes, 'set');
  gateway.refusal = { status: 503 };
  await pool.maintain([profile]);
  expect(start).not.toHaveBeenCalled();
  gateway.refusal = null;
  await pool.maintain([profile]);
  expect(ids(launcher)).toHaveLength(1);
});

test('a slot that waits is told again only now and then', async () => {
  const { gateway, pool, pass, profile } = await begin(1);
  await pool.maintain([profile]);
  await pool.repeatSlots();
  gateway.open.clear();
  await pool.repeatSlots();
  expect([...gateway.open]).toEqual([]);
  pass(poolLimits.idleRepeatMs);
  await pool.repeatSlots();
  expect([...gateway.open]).toHaveLength(1);
});

test('a slot that is released while slots are repeated is not opened again', async () => {
  const { gateway, pool, profile } = await begin(0);
  const slots = await Promise.all([pool.acquire(profile), pool.acquire(profile), pool.acquire(profile)]);
  await Promise.all([pool.maintain(null), ...slots.map((slot) => pool.release(slot))]);
  await pool.maintain(null);
  expect([...gateway.open]).toEqual([]);
});

test('only what nobody here knows is tidied away', async () => {
  const { launcher, slots, modelSlots, pool, profile } = await begin(1);
  const [stranger, adopted] = ['a'.repeat(32), 'b'.repeat(32)];
  for (const id of [stranger, adopted]) {
    launcher.add(id);
    mkdirSync(join(slots, id, 'deep'), { recursive: true });
    writeFileSync(join(slots, id, 'deep', 'file'), 'x');
    mkdirSync(join(modelSlots, id));
    writeFileSync(join(modelSlots, id, 'ollama.sock'), '');
  }
  mkdirSync(join(modelSlots, 'e'.repeat(32)));
  launcher.add('c'.repeat(32), 'ended');
  mkdirSync(join(slots, 'lost+found'));
  await pool.adopt(adopted);
  await pool.maintain([profile]);
  const used = await pool.acquire(profile);
  expect(await pool.tidy()).toBe(2);
  expect(ids(launcher).sort()).toEqual([adopted, used.id].sort());
  expect(readdirSync(slots).sort()).toEqual([adopted, used.id, 'lost+found'].sort());
  expect(readdirSync(modelSlots).sort()).toEqual([adopted, used.id].sort());
});

test('a sandbox that is being started meanwhile is not tidied away', async () => {
  const { launcher, pool, profile } = await begin(0);
  const [slot] = await Promise.all([pool.acquire(profile), pool.tidy(), pool.tidy()]);
  expect(ids(launcher)).toEqual([slot.id]);
  expect(slot.isGreeted).toBe(true);
});

test('tidying says so when the launcher does not answer', async () => {
  const { launcher, pool } = await begin(0);
  launcher.refusal = down;
  await expect(pool.tidy()).rejects.toThrow('503');
});

test('ending leaves sandboxes in use to the next runner and removes the idle ones', async () => {
  const { launcher, slots, pool, profile } = await begin(2);
  await pool.maintain([profile]);
  const used = await pool.acquire(profile);
  await pool[Symbol.asyncDispose]();
  expect(ids(launcher)).toEqual([used.id]);
  expect(readdirSync(slots)).toEqual([used.id]);
});

test('ending does not wait for a sandbox that never says hello', async () => {
  const { launcher, slots, pool, profile } = await begin(1);
  launcher.greets = false;
  const filling = pool.maintain([profile]);
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

test('a warm sandbox of an older image or definition serves no task, and is replaced', async () => {
  const { launcher, pool, profile } = await begin(1);
  await pool.maintain([profile]);
  const [old] = ids(launcher);
  const changed = { ...profile, definition: 'e'.repeat(64) };
  const slot = await pool.acquire(changed);
  expect(slot.id).not.toBe(old);
  pool.begun(slot);
  await pool.maintain([changed]);
  expect(ids(launcher)).not.toContain(old);
  expect(ids(launcher)).toHaveLength(2);
});

test('of each profile as many wait as it says, and none of one that tasks do not get any more', async () => {
  const { launcher, pool, profile } = await begin(2);
  const other = { ...profile, name: 'large', warm: 1 };
  await pool.maintain([profile, other, { ...profile, name: 'rare', warm: 0 }]);
  const waiting = () => [...launcher.sandboxes.values()].map((sandbox) => sandbox.profile).sort();
  expect(waiting()).toEqual(['default', 'default', 'large']);
  await pool.maintain([other]);
  expect(waiting()).toEqual(['large']);
  await pool.maintain([{ ...other, warm: 0 }]);
  expect(waiting()).toEqual([]);
});

test('one that was given back before anything began in it holds up no other', async () => {
  const { launcher, pool, profile } = await begin(1);
  await pool.release(await pool.acquire(profile));
  await pool.maintain([profile]);
  expect(ids(launcher)).toHaveLength(1);
});

test('one that nobody needed for an hour makes room for a new one, one after the other', async () => {
  const { launcher, pool, profile, pass } = await begin(2);
  await pool.maintain([profile]);
  const [first, second] = ids(launcher);
  pass(poolLimits.idleMs);
  await pool.maintain([profile]);
  expect(ids(launcher)).toEqual([first, second]);
  pass(1);
  // Nothing could take its place.
  await pool.maintain(null);
  expect(ids(launcher)).toEqual([first, second]);
  await pool.maintain([profile]);
  expect(ids(launcher)).toHaveLength(2);
  expect(ids(launcher)).toContain(second);
  await pool.maintain([profile]);
  expect(ids(launcher)).toHaveLength(2);
  expect(ids(launcher)).not.toContain(second);
});

test('a profile that cannot be had holds up no other one', async () => {
  const { launcher, pool, profile } = await begin(1);
  const broken = { ...profile, name: 'gpu', image: `sha256:${'9'.repeat(64)}` };
  await pool.maintain([broken, profile]);
  expect([...launcher.sandboxes.values()].map((sandbox) => sandbox.profile)).toEqual(['default']);
});

test('none is made beside one that a task waits for', async () => {
  const { launcher, pool, profile } = await begin(1);
  const [slot] = await Promise.all([pool.acquire(profile), pool.maintain([profile])]);
  expect(ids(launcher)).toEqual([slot.id]);
});

test('a sandbox that says no word holds up the others for half a minute and no longer', async () => {
  const { launcher, pool, profile, pass } = await begin(1);
  const slot = await pool.acquire(profile);
  pass(poolLimits.dispatchMs);
  await pool.maintain([profile]);
  expect(ids(launcher)).toEqual([slot.id]);
  pass(1);
  await pool.maintain([profile]);
  expect(ids(launcher)).toHaveLength(2);
});

test('what must not depend on a model takes a warm sandbox as well, whose way is closed for good', async () => {
  const { launcher, gateway, pool, profile } = await begin(1);
  await pool.maintain([profile]);
  const [warm] = ids(launcher);
  const repeated = pool.repeatSlots();
  const slot = await pool.acquireWithoutModel(profile);
  await repeated;
  expect(slot.id).toBe(warm);
  await pool.repeatSlots();
  expect([...gateway.open]).toEqual([]);
  expect(pool.meter(slot)).toBeNull();
});

test('and a new one where the gateway does not say that the way is closed', async () => {
  const { launcher, gateway, modelSlots, pool, profile } = await begin(1);
  await pool.maintain([profile]);
  const [warm = ''] = ids(launcher);
  gateway.refusal = { status: 503 };
  const slot = await pool.acquireWithoutModel(profile);
  expect(slot.id).not.toBe(warm);
  await vi.waitFor(() => expect(ids(launcher)).toEqual([slot.id]));
  expect(readdirSync(join(modelSlots, slot.id))).toEqual([]);
});

test('a sandbox of another image than was asked for is no sandbox', async () => {
  const { launcher, pool, profile } = await begin(0);
  await expect(pool.acquire({ ...profile, image: `sha256:${'9'.repeat(64)}` })).rejects.toThrow(NoSandboxError);
  expect(ids(launcher)).toEqual([]);
});

test('a sandbox without a model never gets a way to one, also not when every way is opened again', async () => {
  const { gateway, launcher, pool, modelSlots, profile } = await begin(0);
  const slot = await pool.acquireWithoutModel(profile, 'project');
  expect(launcher.sandboxes.has(slot.id)).toBe(true);
  await pool.repeatSlots();
  expect(gateway.open.has(slot.id)).toBe(false);
  expect(readdirSync(join(modelSlots, slot.id))).toEqual([]);
  const other = await pool.acquire(profile);
  await pool.repeatSlots();
  expect([...gateway.open]).toEqual([other.id]);
  await pool.release(slot);
  expect(existsSync(join(modelSlots, slot.id))).toBe(false);
});

const budget = { tokens: 1_000, requests: 5 };
const tokens = { prompt: 10, completion: 20, requests: 3 };

test('a warm slot has no budget; a task’s is told before it begins, and again and again with what it has spent', async () => {
  const { gateway, pool, profile } = await begin(1);
  await pool.maintain([profile]);
  await pool.repeatSlots();
  expect([...gateway.orders.values()]).toEqual([{}]);
  const slot = await pool.acquire(profile, null, budget);
  expect(gateway.orders.get(slot.id)).toEqual({ budget });
  gateway.readings.set(slot.id, { tokens });
  await pool.repeatSlots();
  await pool.repeatSlots();
  expect(gateway.orders.get(slot.id)).toEqual({ budget, spent: tokens });
});

test('no task begins whose budget the gateway does not know', async () => {
  const { gateway, launcher, pool, profile } = await begin(1);
  await pool.maintain([profile]);
  gateway.refusal = { status: 503 };
  await expect(pool.acquire(profile, null, budget)).rejects.toThrow(NoSandboxError);
  expect(ids(launcher)).toEqual([]);
});

test('what a slot has used is heard, also of a gateway that has gone or has just come back', async () => {
  const { gateway, pool, profile } = await begin(0);
  const slot = await pool.acquire(profile, null, budget);
  const heard: unknown[] = [];
  pool.meter(slot)?.listen((reading) => heard.push(reading));
  gateway.readings.set(slot.id, { tokens, exceeded: 'requests' });
  await pool.repeatSlots();
  const reading = { id: slot.id, tokens, exceeded: 'requests', events: null, posts: [] };
  expect(heard).toEqual([reading]);
  gateway.readings.clear();
  expect(await pool.metered(slot)).toEqual(reading);
  gateway.refusal = { status: 500 };
  expect(await pool.metered(slot)).toEqual(reading);
  gateway.refusal = null;
  await pool.release(slot);
  expect(await pool.metered(slot)).toBeNull();
});

test('an adopted slot’s budget reaches a gateway that was away', async () => {
  const { gateway, pool } = await begin(0);
  gateway.refusal = { status: 503 };
  const slot = await pool.adopt('d'.repeat(32), budget);
  gateway.refusal = null;
  await pool.repeatSlots();
  expect(gateway.orders.get(slot.id)).toMatchObject({ budget });
});
