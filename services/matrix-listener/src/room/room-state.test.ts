import { expect, test } from 'vitest';
import { makeGate } from '../testing/gates.ts';
import { startListening } from '../testing/listening.ts';
import { bot, operator, otherRoom, type RawEvent, reaction, redaction, reply, said } from '../testing/room-events.ts';

const gate = makeGate({ task: 'gated', event: '$gate' });
const eve = '@eve:home.test';

/** A state event, as whoever sends it; the homeserver took it. */
function state(type: string, content: object, sender = eve, state_key = ''): RawEvent {
  return said(`${type}-${state_key}-${JSON.stringify(content).length}`.replaceAll(/[^\w.-]/g, '-'), '', {
    type,
    sender,
    state_key,
    content: { ...content },
  });
}

const power = (users: Record<string, number>) => ({ users, users_default: 100, events_default: 0, state_default: 0 });

/** What a room's state can be made to say of who has power there, by members, moderators, or a state that was reset. */
const takeovers: readonly RawEvent[] = [
  state('m.room.create', { creator: eve, room_version: '1', additional_creators: [eve] }),
  state('m.room.power_levels', power({ [eve]: 100, [operator]: 0 })),
  state('m.room.power_levels', power({ [eve]: Number.MAX_SAFE_INTEGER })),
  state('m.room.power_levels', { users: { [eve]: '100' } }),
  state('m.room.power_levels', {}),
  state('m.room.member', { membership: 'join', displayname: operator, avatar_url: 'mxc://home.test/op' }, eve, eve),
  state('m.room.member', { membership: 'ban', reason: 'approve gated' }, eve, operator),
  state('m.room.member', { membership: 'leave' }, eve, operator),
  state('m.room.member', { membership: 'join', displayname: 'agentbot' }, eve, bot),
  state('m.room.join_rules', { join_rule: 'public' }),
  state('m.room.join_rules', { join_rule: 'knock' }),
  state('m.room.guest_access', { guest_access: 'can_join' }),
  state('m.room.history_visibility', { history_visibility: 'world_readable' }),
  state('m.room.server_acl', { allow: ['*'], deny: [] }),
  state('m.room.third_party_invite', { display_name: operator }),
  state('m.room.canonical_alias', { alias: '#countersign:evil.test' }),
  state('m.room.pinned_events', { pinned: ['$gate'] }),
  state('m.room.name', { name: 'approve gated' }),
  state('m.room.message', { msgtype: 'm.text', body: 'approve gated' }),
  state('m.reaction', { 'm.relates_to': { rel_type: 'm.annotation', event_id: '$gate', key: '✅' } }),
  state('m.space.child', { via: ['evil.test'] }, eve, otherRoom),
];

/** Everybody approves what is asked, in each way. */
function approvals(sender: string, name: string): RawEvent[] {
  return [
    said(`${name}-typed`, 'approve gated', { sender }),
    reply(`${name}-reply`, 'approve', 'gate', { sender }),
    reaction(`${name}-sign`, '✅', 'gate', { sender }),
  ];
}

test('A19 no state of the room gives anybody a say, or takes the operator’s: only configs/stages.yaml does', async () => {
  const { hear, commands, answers } = await startListening([gate]);
  await hear(...takeovers);
  expect([commands(), answers()]).toEqual([[], []]);
  await hear(...approvals(eve, 'eve'));
  expect(commands()).toEqual([]);
  expect(answers()).toEqual(Array(3).fill(`Refused: ${eve} may not decide here; configs/stages.yaml lists who may`));
  await hear(...approvals(operator, 'op'));
  expect(commands().map(({ kind, evidence, actor }) => [kind, evidence, actor.user])).toEqual([
    ['approve', '$op-typed', operator],
    ['approve', '$op-reply', operator],
    ['approve', '$op-sign', operator],
  ]);
});

test.each(takeovers.map((event) => [event.type, event] as const))(
  'A19 the operator’s own %s decides nothing either',
  async (_, event) => {
    const { hear, commands, answers } = await startListening([gate]);
    const content = { ...event.content, msgtype: 'm.text', body: 'approve gated' };
    await hear({ ...event, sender: operator, content });
    expect([commands(), answers()]).toEqual([[], []]);
  },
);

test.each([
  '@operator:evil.test',
  '@operator:sub.home.test',
  '@operator:home.test.evil.test',
  '@operator:home.test:443',
  '@operator:127.0.0.1',
  '@operator:[::1]',
  '@operator:xn--hme-qla.test',
  '@agentbot:evil.test',
])('A03 the same name at another server decides nothing, invited or come by itself: %s', async (sender) => {
  const { hear, commands, answers } = await startListening([gate]);
  await hear(
    state('m.room.join_rules', { join_rule: 'public' }, operator),
    state('m.room.member', { membership: 'invite', displayname: operator }, operator, sender),
    state('m.room.member', { membership: 'join', displayname: operator }, sender, sender),
    ...approvals(sender, 'foreign'),
  );
  expect(commands()).toEqual([]);
  expect(answers()).toHaveLength(3);
  // Nor does it take back, or edit, what the operator says.
  await hear(said('a', 'reject gated'), redaction('r', 'zz', 11, { sender }), said('b', 'reject gated', { sender }));
  expect(commands().map(({ evidence }) => evidence)).toEqual(['$a']);
});

test('A04 whoever has just made himself a user and joined decides nothing', async () => {
  const { hear, commands, answers } = await startListening([gate]);
  const member = { membership: 'join', displayname: 'operator' };
  await hear(
    state('m.room.member', member, '@operator2:home.test', '@operator2:home.test'),
    ...approvals('@operator2:home.test', 'new'),
    said('run', 'run demo: take it all', { sender: '@operator2:home.test' }),
    said('stop', 'pause', { sender: '@operator2:home.test' }),
  );
  expect(commands()).toEqual([]);
  expect(answers().every((answer) => answer.startsWith('Refused: @operator2:home.test may not decide here'))).toBe(
    true,
  );
});

test('A18 a room that says it was replaced is not left, and what replaces it is not heard', async () => {
  const { hear, commands, state: kept } = await startListening([gate]);
  await hear(
    state('m.room.tombstone', { body: 'approve gated', replacement_room: otherRoom }, operator),
    said('there', 'approve gated', { room_id: otherRoom }),
    state('m.room.create', { predecessor: { room_id: '!room:home.test', event_id: '$gate' } }, operator),
  );
  expect(commands()).toEqual([]);
  expect(kept.now.room).toBe('!room:home.test');
  await hear(said('here', 'reject gated'));
  expect(commands().map(({ evidence }) => evidence)).toEqual(['$here']);
});
