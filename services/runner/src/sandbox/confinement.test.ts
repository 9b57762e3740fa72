import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfinementAspect, type ConfinementProof } from '@countersign/contracts/confinement.ts';
import type { EventBody } from '@countersign/contracts/event.ts';
import type { Profile } from '@countersign/contracts/launcher-api.ts';
import { createLogger } from '@countersign/kit/logger.ts';
import { expect, onTestFinished, test } from 'vitest';
import { endOf } from '../testing/fake-sandbox.ts';
import { FakeGateway, FakeLauncher, fakeImage } from '../testing/fake-service.ts';
import { scratchFolder } from '../testing/scratch.ts';
import { Gateway, Launcher } from './clients.ts';
import { Confinement, confinementCommands } from './confinement.ts';
import { confinementLimits } from './confinement-limits.ts';
import { SandboxPool } from './pool.ts';

const aspects = ConfinementAspect.options;
const profile: Profile = {
  name: 'default',
  image: fakeImage,
  definition: 'd'.repeat(64),
  runtime: 'runc',
  workspace_bytes: 1_000_000,
  memory_bytes: 2_000_000,
  toolchain: 'own',
  warm: 0,
};
const never = new AbortController().signal;
const held = aspects.map(() => 0);

async function begin() {
  let now = 0;
  const folder = scratchFolder();
  const [slots, modelSlots] = [join(folder, 'slots'), join(folder, 'model-slots')];
  for (const path of [slots, modelSlots]) mkdirSync(path);
  const launcher = await FakeLauncher.listen(folder, slots);
  const gateway = await FakeGateway.listen(folder, modelSlots);
  const clients = { launcher: new Launcher(launcher.socket), gateway: new Gateway(gateway.socket) };
  const pool = new SandboxPool({ slots, modelSlots, ...clients, logger: createLogger('runner', 'silent') });
  const events: EventBody[] = [];
  const told: (readonly ConfinementProof[])[] = [];
  const confinement = new Confinement({
    pool,
    journal: {
      append: (body: EventBody) => {
        events.push(body);
        return Promise.resolve({} as never);
      },
    },
    folder: join(folder, 'confinement'),
    now: () => new Date('2026-11-29T10:00:00.000Z'),
    told: (proofs) => {
      told.push(proofs);
      return Promise.resolve();
    },
    clock: () => now,
  });
  onTestFinished(async () => {
    await pool[Symbol.asyncDispose]();
    await clients.launcher[Symbol.asyncDispose]();
    await clients.gateway[Symbol.asyncDispose]();
  });
  /** The sandbox that comes next ends its aspects with these codes. */
  const ends = async (codes: readonly (number | null)[], output = '') => {
    const known = new Set(launcher.connections.keys());
    await expect.poll(() => [...launcher.connections.keys()].some((id) => !known.has(id))).toBe(true);
    const [, sandbox] = [...launcher.connections].find(([id]) => !known.has(id)) ?? [];
    const { task } = (await sandbox?.takeTask()) ?? {};
    const stdout = Buffer.from(output);
    if (stdout.length > 0) sandbox?.chunk('output', 0, stdout);
    const checks = codes.map((exit_code) => ({ exit_code, duration_ms: 1 }));
    sandbox?.say('end', { ...endOf('confinement', { stdout }), checks });
    return task;
  };
  const pass = (milliseconds: number) => {
    now += milliseconds;
  };
  return { folder, launcher, gateway, pool, confinement, events, told, ends, pass };
}

test('nothing gets a sandbox before each aspect was tried in one, without a model and without a checkout', async () => {
  const { launcher, gateway, confinement, events, told, ends } = await begin();
  expect(confinement.hold(profile, null)).toBe('sandboxes of profile default are tried for leaks first');
  const [task, isNew] = await Promise.all([ends(held), confinement.turn([profile], never)]);
  expect(isNew).toBe(true);
  expect(task).toMatchObject({ mode: 'verify', repositories: [], conditions: confinementCommands('runc') });
  expect(task?.conditions).toHaveLength(aspects.length);
  expect(gateway.open.size).toBe(0);
  expect(launcher.sandboxes.size).toBe(0);
  expect(confinement.hold(profile, null)).toBeNull();
  expect(events.map(({ event, summary }) => [event, summary])).toEqual([
    ['confinement_tried', 'sandboxes of profile default are confined, in runc'],
  ]);
  expect(told.at(-1)).toEqual([
    {
      profile: 'default',
      toolchain: 'own',
      image: fakeImage,
      runtime: 'runc',
      at: '2026-11-29T10:00:00.000Z',
      status: 'confined',
      failed: [],
      reason: '',
    },
  ]);
  // Once is enough.
  expect(await confinement.turn([profile], never)).toBe(false);
  expect(launcher.removed).toHaveLength(1);
});

test('one that leaks is named, kept from tasks, and tried again after a minute; what it said is kept', async () => {
  const { folder, confinement, events, ends, pass } = await begin();
  const codes = aspects.map((aspect) => (aspect === 'names' ? 1 : aspect === 'sockets' ? 2 : 0));
  await Promise.all([ends(codes, 'leak: example.com\n'), confinement.turn([profile], never)]);
  const words = 'sandboxes of profile default are not confined (names), and no task runs in them';
  expect(confinement.hold(profile, null)).toBe(words);
  expect(events.map(({ summary }) => summary)).toEqual([words]);
  const output = join(folder, 'confinement', 'default', 'stdout.log');
  expect(readFileSync(output, 'utf8')).toBe('leak: example.com\n');
  expect(existsSync(join(folder, 'confinement', 'default', 'incoming'))).toBe(false);
  pass(confinementLimits.againMs.leaks - 1);
  expect(await confinement.turn([profile], never)).toBe(false);
  pass(1);
  const [, isNew] = await Promise.all([ends(held), confinement.turn([profile], never)]);
  expect([isNew, confinement.hold(profile, null)]).toEqual([true, null]);
});

test.each([
  ['an aspect that could not be tried', [2, 0, 0, 0, 0, 0], 'network did not come to an end'],
  ['an aspect that was killed', [0, null, 0, 0, 0, 0], 'names did not come to an end'],
  ['fewer ends than aspects', [0, 0, 0, 0, 0], 'writable-root did not come to an end'],
  ['no end at all', [], `${aspects.join(', ')} did not come to an end`],
])('%s is no proof', async (_, codes, reason) => {
  const { confinement, events, ends } = await begin();
  await Promise.all([ends(codes), confinement.turn([profile], never)]);
  expect(confinement.hold(profile, null)).toBe(
    `sandboxes of profile default could not be tried for leaks, and no task runs in them: ${reason}`,
  );
  expect(events).toHaveLength(1);
});

test('without a sandbox there is no proof; it is said once, and tried again soon', async () => {
  const { launcher, confinement, events, ends, pass } = await begin();
  launcher.refusal = { status: 503, body: { code: 'engine-down', message: 'the engine does not answer' } };
  expect(await confinement.turn([profile], never)).toBe(false);
  expect(confinement.hold(profile, null)).toMatch(/could not be tried.*the engine does not answer/);
  pass(confinementLimits.againMs.untried);
  await confinement.turn([profile], never);
  expect(events).toHaveLength(1);
  launcher.refusal = null;
  pass(confinementLimits.againMs.untried);
  await Promise.all([ends(held), confinement.turn([profile], never)]);
  expect(confinement.hold(profile, null)).toBeNull();
});

test('another image, and another definition, are tried anew; what no task gets any more is forgotten', async () => {
  const { confinement, told, ends } = await begin();
  await Promise.all([ends(held), confinement.turn([profile], never)]);
  const other = { ...profile, definition: 'e'.repeat(64) };
  expect(confinement.hold(other, null)).toMatch(/are tried for leaks first/);
  await Promise.all([ends(held), confinement.turn([other], never)]);
  expect(confinement.hold(other, null)).toBeNull();
  expect(confinement.hold(profile, null)).toMatch(/are tried for leaks first/);
  expect(told.at(-1)).toHaveLength(1);
});

test('a workspace’s own image is tried when a task waits for it', async () => {
  const { launcher, confinement, told, ends } = await begin();
  const own = { ...profile, toolchain: 'workspace' as const, definition: 'f'.repeat(64) };
  expect(confinement.hold(own, 'shop')).toMatch(/are tried for leaks first/);
  const [task] = await Promise.all([ends(held), confinement.turn([], never)]);
  expect(task?.task).toBe('confinement');
  expect(confinement.hold(own, 'shop')).toBeNull();
  await confinement.turn([], never);
  expect(confinement.hold(own, 'shop')).toBeNull();
  expect(told.at(-1)?.map(({ toolchain }) => toolchain)).toEqual(['workspace']);
  expect(launcher.removed).toHaveLength(1);
});

test('when the launcher was away everything is tried anew', async () => {
  const { confinement, told, ends } = await begin();
  await confinement.forget();
  expect(told).toEqual([]);
  await Promise.all([ends(held), confinement.turn([profile], never)]);
  await confinement.forget();
  expect(told.at(-1)).toEqual([]);
  expect(confinement.hold(profile, null)).toMatch(/are tried for leaks first/);
});

test('a sandbox that waits since before proves nothing: what is tried is made now', async () => {
  const { launcher, pool, confinement, ends } = await begin();
  const warm = { ...profile, warm: 1 };
  await pool.maintain([warm]);
  const [waiting] = launcher.sandboxes.keys();
  await Promise.all([ends(held), confinement.turn([warm], never)]);
  expect(confinement.hold(warm, null)).toBeNull();
  expect([...launcher.sandboxes.keys()]).toEqual([waiting]);
  expect(launcher.removed).toHaveLength(1);
  expect(launcher.removed).not.toContain(waiting);
});

test('F04 whoever is leaving waits for no proof, and says nothing of it', async () => {
  const { launcher, confinement, events } = await begin();
  const leave = new AbortController();
  const turning = confinement.turn([profile], leave.signal);
  await expect.poll(() => launcher.connections.size).toBe(1);
  leave.abort(new Error('leaving'));
  await expect(turning).rejects.toThrow('leaving');
  expect(events).toEqual([]);
});
