import { cp, rm } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { editOf, reaction, text } from '../support/listener-content.ts';
import type { Asked } from '../support/listener-runner.ts';
import { Sentinel } from '../support/listener-sentinel.ts';
import { ListenerStage } from '../support/listener-stage.ts';
import { until } from '../support/listener-wait.ts';

let stage: ListenerStage;
let sentinel: Sentinel;
/** What each test's decisions are about. */
let asked: Asked & { readonly message: { readonly event_id: string } };
let number = 0;

beforeAll(async () => {
  stage = await ListenerStage.begin('never-again');
  sentinel = await Sentinel.post(stage);
});
afterAll(() => stage[Symbol.asyncDispose]());

beforeEach(async () => {
  number += 1;
  asked = await stage.asksFor(`target-${number}`);
});

/** Lets the operator act while the listener is down. */
function unheard(act: () => Promise<unknown>): () => Promise<void> {
  return async () => {
    await stage.home.listener.kill();
    await act();
    await stage.startListener();
  };
}

/** Waits until the listener has nothing left to post. */
async function silent(): Promise<void> {
  await until('all is posted', async () => (await stage.home.kept())?.outgoing.length === 0);
}

describe('A11 what was taken back before it was heard', () => {
  test('a message', async () => {
    const act = async () => stage.redacts(await stage.phone.say(`approve ${asked.record.id}`));
    expect(await sentinel.decisionsFrom(unheard(act))).toEqual([]);
  });

  test('a sign', async () => {
    const act = async () => stage.redacts(await stage.phone.react(asked.message.event_id, '✅'));
    expect(await sentinel.decisionsFrom(unheard(act))).toEqual([]);
  });

  test('the same, kept, is a decision', async () => {
    const act = async () => stage.phone.react(asked.message.event_id, '✅');
    expect(await sentinel.decisionsFrom(unheard(act))).toMatchObject([
      { kind: 'approve', subject: { task: asked.record.id } },
    ]);
  });
});

test('A10 what was edited before it was heard: neither the one nor the other', async () => {
  const act = async () => {
    await stage.sends(editOf(await stage.phone.say('hello'), `approve ${asked.record.id}`));
    await stage.sends(editOf(await stage.phone.say(`approve ${asked.record.id}`), `reject ${asked.record.id}`));
    await stage.sends(editOf(await stage.phone.say(`approve ${asked.record.id}`), 'hello'));
  };
  expect(await sentinel.decisionsFrom(unheard(act))).toEqual([]);
});

describe('A09 what was said before', () => {
  test('a restart does not count again', async () => {
    await stage.commandOf(await stage.phone.say(`approve ${asked.record.id}`));
    await stage.commandOf(await stage.phone.react(asked.message.event_id, '✅'));
    expect(await sentinel.decisionsFrom(unheard(() => Promise.resolve()))).toEqual([]);
  });

  test('an older state.json, put back: the same command at most, and nothing is said twice', async () => {
    const { home, runner, phone } = stage;
    await silent();
    const later = await stage.runner.ask(`later-${number}`);
    await home.listener.kill();
    await cp(home.path('state'), home.path('older'), { recursive: true });
    await stage.startListener();
    await phone.receives([later.record.id]);
    const said = await phone.say(`approve ${asked.record.id}`);
    const command = await stage.commandOf(said);
    for (const spooled of await home.spooled()) if (spooled.command.id === command.id) await runner.judge(spooled);
    await phone.signOn(said);
    const again = await sentinel.decisionsFrom(
      unheard(async () => {
        await rm(home.path('state'), { recursive: true });
        await cp(home.path('older'), home.path('state'), { recursive: true });
      }),
    );
    // The runner, which has judged a command, does not judge its id again.
    expect(new Set(again.map(({ id }) => id))).toEqual(new Set([command.id]));
    for (const { subject, kind } of again)
      expect({ subject, kind }).toEqual({ subject: command.subject, kind: 'approve' });
    await silent();
    // Words that counted get a sign, and no words.
    expect((await phone.signed()).filter((event) => event === said)).toHaveLength(1);
    expect(await stage.countRequests(asked)).toBe(1);
    expect(await stage.countRequests(later)).toBe(1);
  });

  test('the first start: an emptied state counts nothing of before, and asks again for nothing', async () => {
    const { home, phone } = stage;
    await silent();
    const heard = await phone.say(`reject ${asked.record.id} for now`);
    await stage.commandOf(heard);
    await home.listener.kill();
    await phone.say(`approve ${asked.record.id}`);
    await phone.react(asked.message.event_id, '✅');
    await rm(home.path('state'), { recursive: true });
    await cp(home.path('slots'), home.path('state'), { recursive: true });
    await stage.startListener();
    // What waits is asked for in the very messages that are there, so that they can be answered.
    await until('its requests are known again', async () => {
      const gates = (await home.kept())?.gates ?? [];
      return gates.some(({ event }) => event === asked.message.event_id);
    });
    await silent();
    expect(await sentinel.decisionsFrom(() => Promise.resolve())).toEqual([]);
    expect(await stage.countRequests(asked)).toBe(1);
    const answer = () => stage.sends(reaction(asked.message.event_id, '❌'), { type: 'm.reaction' });
    expect(await sentinel.decisionsFrom(answer)).toMatchObject([
      { kind: 'reject', subject: { task: asked.record.id } },
    ]);
  });
});

test('the state of another room is not taken for this one’s', async () => {
  const { home, synapse, phone, bot } = stage;
  const other = await synapse.makeRoom(phone.session, [bot]);
  await stage.sends(text(`approve ${asked.record.id}`), { room: other });
  await home.listener.kill();
  await home.writeBot({ user: bot.user, token: bot.token, room: other });
  const before = (await home.spooled()).length;
  await stage.startListener();
  await until('the new room is kept', async () => (await home.kept())?.room === other);
  await silent();
  expect(await home.spooled()).toHaveLength(before);
});
