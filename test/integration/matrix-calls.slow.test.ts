import { setTimeout as sleep } from 'node:timers/promises';
import { RoomSettings } from '@countersign/contracts/config/room.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { operatorId } from '../support/listener-home.ts';
import { ListenerStage } from '../support/listener-stage.ts';
import type { Phone, RoomEvent } from '../support/phone.ts';

const minute = 60_000;
let stage: ListenerStage;

beforeAll(async () => {
  stage = await ListenerStage.begin('calls');
  // Somebody who sits before a client of the room is called as anybody else.
  const presence = `/presence/${encodeURIComponent(operatorId)}/status`;
  await stage.synapse.api('PUT', presence, stage.phone.session.token, { presence: 'online' });
});
afterAll(() => stage[Symbol.asyncDispose]());

/** The messages that call for decisions that wait, oldest first. */
async function calls(phone: Phone): Promise<RoomEvent[]> {
  return (await phone.received()).filter(({ content }) =>
    /(?:A decision still waits|\d+ decisions wait) for you:/.test(String(content['body'])),
  );
}

/** The one call that comes after so many, and what has rung by it since everything was last read. */
async function nextCall(before: number, timeoutMs: number): Promise<RoomEvent & { readonly rung: number }> {
  const { phone } = stage;
  await expect.poll(() => calls(phone), { timeout: timeoutMs, interval: 500 }).toHaveLength(before + 1);
  const [call] = (await calls(phone)).slice(before);
  if (call === undefined) throw new Error('a call is gone');
  const rung = await phone.notifications();
  await phone.readsAll();
  return { ...call, rung };
}

test('a decision that waits rings again, before it expires, and at last by name in a room that is muted', async () => {
  const { phone } = stage;
  const settings = { reminder_minutes: [1], escalation_minutes: 2, expiry_warning_minutes: 1 };
  await stage.callsAs(RoomSettings.parse({ version: 1, ...settings }));
  const one = await stage.asksFor('one');
  // So far apart that no two calls are due together.
  await sleep(20_000);
  const brief = await stage.asksFor('brief', {}, 'Be quick.\n', 2.5 * minute);
  const asked = [
    { task: 'one', event: one.message.event_id },
    { task: 'brief', event: brief.message.event_id },
  ];
  expect(await calls(phone)).toEqual([]);
  await phone.readsAll();
  expect(await phone.notifications()).toBe(0);

  for (const [count, { task, event }] of asked.entries()) {
    const { content, rung } = await nextCall(count, 1.5 * minute);
    expect(content['body']).toMatch(
      new RegExp(`^A decision still waits for you:\n${task}: approval of staging, for 1 min`),
    );
    expect(content).toMatchObject({ 'm.relates_to': { rel_type: 'm.thread', event_id: event }, 'm.mentions': {} });
    expect(rung).toBe(1);
  }
  const warned = await nextCall(2, minute);
  expect(warned.content['body']).toMatch(/^A decision still waits for you:\nbrief: .*; expires in less than a minute/);
  expect(warned.rung).toBe(1);

  const mute = `/pushrules/global/room/${encodeURIComponent(phone.room)}`;
  await stage.synapse.api('PUT', mute, phone.session.token, { actions: [] });
  const { content, rung } = await nextCall(3, minute);
  expect(content['body']).toMatch(new RegExp(`^${operatorId}: A decision still waits for you:\none: `));
  expect(content).toMatchObject({ 'm.mentions': { user_ids: [operatorId] } });
  expect(content['m.relates_to']).toBeUndefined();
  expect(rung).toBe(1);
  await stage.synapse.api('DELETE', mute, phone.session.token);
  for (const { task, event } of asked) {
    const evidence = await phone.react(event, '❌');
    expect((await stage.commandOf(evidence)).subject).toMatchObject({ task });
    await stage.runner.judgeAll();
    await phone.showsAt(event, ['🚫 Rejected']);
  }
}, 360_000);

test(
  'in quiet hours prod alone rings, and what waits at their end rings once, together',
  async () => {
    const { phone } = stage;
    const clock = (at: number) => new Date(at).toISOString().slice(11, 16);
    // Settings name whole minutes; at least half of one is left for what is asked within them.
    const end = Math.ceil((Date.now() + 30_000) / minute) * minute;
    const settings = RoomSettings.parse({
      version: 1,
      reminder_minutes: [],
      escalation_minutes: null,
      expiry_warning_minutes: null,
      quiet_hours: { from: clock(end - 2 * minute), to: clock(end), time_zone: 'UTC' },
    });
    await stage.callsAs(settings);
    const before = (await calls(phone)).length;
    await phone.readsAll();
    await stage.asksFor('night-one');
    await stage.asksFor('night-two');
    expect(await phone.notifications()).toBe(0);
    await stage.asksFor('live', { stage: 'prod' });
    expect(await phone.notifications()).toBe(1);
    await phone.readsAll();
    expect(Date.now()).toBeLessThan(end);

    const morning = await nextCall(before, end - Date.now() + 30_000);
    expect(Date.now()).toBeGreaterThanOrEqual(end);
    expect(morning.content['body']).toMatch(/^2 decisions wait for you:\nnight-one: .*\nnight-two: /);
    expect(morning.rung).toBe(1);
    await sleep(5_000);
    expect(await calls(phone)).toHaveLength(before + 1);
    expect(await phone.notifications()).toBe(0);
  },
  3 * minute,
);
