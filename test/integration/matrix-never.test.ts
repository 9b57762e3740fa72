import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Content, editOf, inThread, reaction, replyTo, text } from '../support/listener-content.ts';
import { operatorId } from '../support/listener-home.ts';
import { Sentinel } from '../support/listener-sentinel.ts';
import { ListenerStage } from '../support/listener-stage.ts';
import type { Session } from '../support/matrix-http.ts';
import type { RoomEvent } from '../support/phone.ts';

let stage: ListenerStage;
let sentinel: Sentinel;
/** A member of the room who is not listed. */
let mallory: Session;
/** The messages that ask for `target` and `other`. */
let gate: string;
let asked: RoomEvent;
let otherGate: string;

beforeAll(async () => {
  stage = await ListenerStage.begin('never');
  sentinel = await Sentinel.post(stage);
  asked = (await stage.asksFor('target')).message;
  gate = asked.event_id;
  otherGate = (await stage.asksFor('other')).message.event_id;
  mallory = await joined('mallory');
});
afterAll(() => stage[Symbol.asyncDispose]());

async function joined(name: string): Promise<Session> {
  const { phone, synapse } = stage;
  const user = await synapse.registerUser(name);
  const room = `/rooms/${encodeURIComponent(phone.room)}`;
  await synapse.api('POST', `${room}/invite`, phone.session.token, { user_id: user.user });
  await synapse.api('POST', `${room}/join`, user.token, {});
  return user;
}

function isReplyTo(content: Content, event: string): boolean {
  return JSON.stringify(content['m.relates_to'] ?? null).includes(event);
}

/** Nothing comes of it. */
async function never(act: () => Promise<unknown>): Promise<void> {
  expect(await sentinel.decisionsFrom(act)).toEqual([]);
}

describe('A10 an edit', () => {
  test('of a harmless message into a decision', () =>
    never(async () => {
      const edit = await stage.sends(editOf(await stage.phone.say('hello'), 'approve target'));
      expect(await stage.phone.answerTo(edit)).toContain('does not count');
    }));

  test('of one decision into the opposite: the first one stands', async () => {
    const decisions = await sentinel.decisionsFrom(async () => {
      const first = await stage.phone.say('reject target');
      await stage.commandOf(first);
      await stage.sends(editOf(first, 'approve target'));
    });
    expect(decisions.map(({ kind }) => kind)).toEqual(['reject']);
  });

  test('of an edit', () =>
    never(async () => {
      const first = await stage.phone.say('hello');
      const edit = await stage.sends(editOf(first, 'hello there'));
      await stage.sends(editOf(edit, 'approve target'));
      await stage.sends(editOf(first, 'approve target'));
    }));

  test('by another user', () =>
    never(async () => stage.sends(editOf(await stage.phone.say('hello'), 'approve target'), { by: mallory })));

  test('that does not say of what', () =>
    never(async () => {
      await stage.sends(text('approve target', { 'm.new_content': text('approve target') }));
      await stage.sends(text('approve target', { 'm.new_content': null }));
    }));

  test('whose own text is a decision, whatever it would replace it with', () =>
    never(async () => {
      const edit = { rel_type: 'm.replace', event_id: await stage.phone.say('hello') };
      await stage.sends(text('approve target', { 'm.new_content': text('hello'), 'm.relates_to': edit }));
      await stage.sends(text('approve target', { 'm.relates_to': edit }));
    }));
});

describe('who is not listed', () => {
  test('A01 a member of the room, in words and with a sign, who is told so', () =>
    never(async () => {
      const said = await stage.sends(text('approve target'), { by: mallory });
      await stage.sends(reaction(gate, '✅'), { by: mallory, type: 'm.reaction' });
      expect(await stage.phone.answerTo(said)).toContain('may not decide');
    }));

  test('A02 a member with the operator’s id for a name', () =>
    never(async () => {
      const profile = `/profile/${encodeURIComponent(mallory.user)}/displayname`;
      await stage.synapse.api('PUT', profile, mallory.token, { displayname: operatorId });
      const member = `/rooms/${encodeURIComponent(stage.phone.room)}/state/m.room.member/${encodeURIComponent(mallory.user)}`;
      await stage.synapse.api('PUT', member, mallory.token, { membership: 'join', displayname: operatorId });
      await stage.sends(text('approve target'), { by: mallory });
      await stage.sends(reaction(otherGate, '✅'), { by: mallory, type: 'm.reaction' });
    }));

  test.each(['operator.countersign.local', '0perator', 'operator_', 'operator=3acountersign.local'])(
    'A02 a member whose id is like the operator’s: %s',
    async (name) => {
      const user = await joined(name);
      await never(async () => {
        await stage.sends(text('approve target'), { by: user });
        await stage.sends(reaction(gate, '✅'), { by: user, type: 'm.reaction' });
      });
    },
  );

  test('A08 A30 the bot itself, with its own token', () =>
    never(async () => {
      await stage.sends(text('approve target'), { by: stage.bot });
      await stage.sends(replyTo(gate, 'approve'), { by: stage.bot });
      await stage.sends(reaction(gate, '✅'), { by: stage.bot, type: 'm.reaction' });
    }));

  test('A08 an answer whose quote says what its own words do not', () =>
    never(async () => {
      const quotes = [
        `> <${operatorId}> approve target\n\n`,
        '> approve target\n> approve target\n',
        '>approve target\n\n',
      ];
      for (const quote of quotes) await stage.sends(replyTo(gate, 'looks good', quote));
      for (const quote of quotes) await stage.sends(replyTo(gate, '', quote));
      await stage.sends(text(`> <${operatorId}> approve target`));
      const quoted = await stage.sends(replyTo(gate, 'approve', `> <${stage.bot.user}> approve target\n\n`), {
        by: mallory,
      });
      await stage.sends(replyTo(quoted, 'fine'));
    }));
});

describe('A18 another room that the bot is in', () => {
  test.each([
    ['with the same name', { name: 'Countersign' }],
    ['a conversation of two', { is_direct: true, preset: 'trusted_private_chat' }],
  ])('%s', async (_which, content) => {
    const operator = stage.phone.session;
    const room = await stage.synapse.makeRoom(operator, [stage.bot], content);
    await never(async () => {
      const copy = await stage.sends(asked.content, { by: stage.bot, room });
      await stage.sends(text('approve target'), { room });
      await stage.sends(replyTo(copy, 'approve'), { room });
      await stage.sends(reaction(copy, '✅'), { type: 'm.reaction', room });
    });
  });

  test('which the pinned room says it was replaced with', async () => {
    const operator = stage.phone.session;
    const room = await stage.synapse.makeRoom(operator, [stage.bot]);
    await never(async () => {
      const tombstone = `/rooms/${encodeURIComponent(stage.phone.room)}/state/m.room.tombstone`;
      await stage.synapse.api('PUT', tombstone, operator.token, { body: 'moved', replacement_room: room });
      await stage.sends(text('approve target'), { room });
    });
  });
});

describe('what is no plain message of text', () => {
  test.each(['m.notice', 'm.emote', 'm.image', 'm.location', 'org.example', 'M.TEXT'])(
    'A08 a message of the kind %j',
    (msgtype) => never(() => stage.sends({ msgtype, body: 'approve target', url: 'mxc://x/y' })),
  );

  test('A08 a message whose HTML says something else, which is said', () =>
    never(async () => {
      const html = { format: 'org.matrix.custom.html' };
      const shown = [
        'reject target',
        '<s>approve target</s> no, wait',
        'approve <b>other</b>',
        '',
        7,
        ['approve target'],
      ];
      for (const formatted_body of shown) await stage.sends(text('approve target', { ...html, formatted_body }));
      const last = await stage.sends(text('approve target', { ...html, formatted_body: '<p>looks good</p>' }));
      expect(await stage.phone.answerTo(last)).toContain('send it as plain text');
    }));

  test('A19 state of the room', () =>
    never(async () => {
      const { synapse, phone } = stage;
      const state = `/rooms/${encodeURIComponent(phone.room)}/state`;
      for (const [type, content] of [
        ['m.room.message', text('approve target')],
        ['m.reaction', reaction(gate, '✅')],
        ['m.room.topic', { topic: 'approve target' }],
        ['m.room.name', { name: 'approve target' }],
      ] as const)
        await synapse.api('PUT', `${state}/${type}`, phone.session.token, content);
    }));

  test('events of other types with a decision’s content', () =>
    never(async () => {
      for (const type of ['m.sticker', 'm.room.encrypted', 'org.example.approve', 'm.room.messages', 'm.reactions'])
        await stage.sends({ ...text('approve target'), ...reaction(gate, '✅') }, { type });
    }));
});

describe('A13 a sign', () => {
  test.each(['👍', 'approve', '✅ approve', '✅✅', '✅❌', '\u2714', '✓', '✅\u200d', ' ✅', ''])(
    'that is not ✅ or ❌ alone: %j',
    (key) => never(() => stage.sends(reaction(gate, key), { type: 'm.reaction' })),
  );

  test('on what is no gate message of the bot’s', () =>
    never(async () => {
      const copy = await stage.sends(asked.content, { by: mallory });
      const copyOfBot = await stage.sends(asked.content, { by: stage.bot });
      const refusal = await stage.phone.say('approve nothing');
      await stage.phone.answerTo(refusal);
      const own = (await stage.phone.events()).filter(
        ({ sender, event_id }) => sender === stage.bot.user && event_id !== gate,
      );
      const answer = own.find(({ content }) => JSON.stringify(content['m.relates_to'] ?? '').includes(refusal));
      for (const event of [copy, copyOfBot, await stage.phone.say('hello'), answer?.event_id ?? ''])
        await stage.phone.react(event, '✅');
      for (const event of [copy, copyOfBot]) await stage.sends(replyTo(event, 'approve'));
    }));

  test('that is written as another kind of relation', () =>
    never(async () => {
      for (const rel_type of ['m.reference', 'm.thread', 'm.replace', 'org.example', ''])
        await stage.sends({ 'm.relates_to': { rel_type, event_id: gate, key: '✅' } }, { type: 'm.reaction' });
    }));
});

describe('A14 an answer to one request that names another', () => {
  test.each([
    ['a reply', () => stage.sends(replyTo(gate, 'approve other'))],
    ['a reply that rejects', () => stage.sends(replyTo(gate, 'approve other.md'))],
    ['in its thread', () => stage.sends(inThread(gate, 'approve other'))],
    ['a reply in its thread to the other', () => stage.sends(inThread(gate, 'approve', otherGate))],
    ['a reply in the thread of the other', () => stage.sends(inThread(otherGate, 'approve target', gate))],
  ])('%s, and is told so', async (_how, say) => {
    await never(async () => expect(await stage.phone.answerTo(await say())).toMatch(/^Refused: .*(?:answer|thread)/));
  });
});

describe('A16 A17 a name that is none is answered with the reason, and with nothing else', () => {
  const unknown = [
    'nothing.md',
    'TARGET',
    'targ',
    'target.md.bak',
    't\u0430rget',
    '../../inbox/target.md',
    'target; rm -rf /',
    '$(target)',
    '-rf',
    '--all',
    '*',
    '<b>target</b>',
    '&#116;arget',
    '"target"',
    '@room',
    'x'.repeat(2_900),
  ];
  const unclear = [
    'target\nother',
    'target\r\nother',
    'target\u2028other',
    'tar\u200bget',
    '\u202etegrat',
    'tar\u00a0get',
    '\ufefftarget\u0007',
    'x'.repeat(3_500),
    'x'.repeat(40_000),
  ];
  test.each([
    ['unknown', unknown, /^Refused: nothing that was asked for in this room is called "/],
    ['unclear', unclear, /^Refused: (?:one command a message|the command holds invisible|a command has at most)/],
    ['none', ['', ' '], /^Refused: say which/],
  ])('%s', async (_kind, names, reason) => {
    const said: string[] = [];
    await never(async () => {
      for (const name of names) said.push(await stage.phone.say(`approve ${name}`));
    });
    for (const event of said) {
      const answer = await stage.phone.answerTo(event);
      expect(answer).toMatch(reason);
      expect(answer.length).toBeLessThan(500);
    }
    const answers = (await stage.phone.received()).filter(({ content }) =>
      said.some((event) => isReplyTo(content, event)),
    );
    expect(answers).toHaveLength(names.length);
    expect(answers.filter(({ content }) => content['formatted_body'] !== undefined)).toEqual([]);
  });

  test('A15 ambiguous: the answer names the ids', async () => {
    for (const id of ['same-one', 'same-two'])
      await stage.asksFor(id, { file: `same-${id}.md`, dropped_as: 'same.md' });
    await never(async () => {
      const answer = await stage.phone.answerTo(await stage.phone.say('approve same.md'));
      for (const words of ['same-one', 'same-two', 'name the id']) expect(answer).toContain(words);
    });
  });
});
