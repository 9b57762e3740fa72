import { expect, test } from 'vitest';
import { makeGate } from '../testing/gates.ts';
import { keptLog } from '../testing/kept-log.ts';
import { startListening } from '../testing/listening.ts';
import { bot, operator, reaction, room, said, stranger } from '../testing/room-events.ts';
import { TestRoom } from '../testing/test-room.ts';
import { Troubles } from '../troubles.ts';
import { SyncLoop } from './sync-loop.ts';

const { signal } = new AbortController();
const gate = makeGate({ task: 'gated', event: '$gate' });
const megolm = { algorithm: 'm.megolm.v1.aes-sha2', ciphertext: 'x', session_id: 's', device_id: 'D', sender_key: 'k' };
const encrypted = (name: string, content: object = {}) =>
  said(name, '', { type: 'm.room.encrypted', content: { ...megolm, ...content } });

test('A20 in a room that is encrypted nothing is read, clear words neither', async () => {
  const server = new TestRoom();
  const listening = await startListening([gate]);
  const { logger } = keptLog();
  let isEncrypted = false;
  const homeserver = { ...server, isEncrypted: async () => isEncrypted } as TestRoom;
  const sync = new SyncLoop({ ...listening, room, bot, homeserver, troubles: new Troubles(), logger, clock: () => 0 });
  await sync.turn(0, signal);
  server.say(said('e', '', { type: 'm.room.encryption', state_key: '', content: { algorithm: megolm.algorithm } }));
  isEncrypted = true;
  await sync.turn(0, signal);
  // An attacker's homeserver, or a careless client, says the next words in the clear.
  server.say(said('clear', 'approve gated'));
  server.say(reaction('sign', '✅', 'gate'));
  for (let turn = 0; turn < 3; turn += 1)
    await expect(sync.turn(0, signal)).rejects.toThrow(`the room ${room} is encrypted`);
  expect(listening.commands()).toEqual([]);
  // An encryption that is set to nothing is one all the same, for as long as the homeserver has it.
  server.say(said('gone', '', { type: 'm.room.encryption', state_key: '', content: {} }));
  await expect(sync.turn(0, signal)).rejects.toThrow(`the room ${room} is encrypted`);
  expect(listening.commands()).toEqual([]);
});

test('A20 an event that nobody could read when it came means nothing when its words come later', async () => {
  const { hear, commands } = await startListening([gate]);
  await hear(encrypted('late'), encrypted('sign'));
  await hear(said('late', 'approve gated'), reaction('sign', '✅', 'gate'));
  expect(commands()).toEqual([]);
});

test.each([
  ['a message within it', { msgtype: 'm.text', body: 'approve gated' }],
  ['a clear relation', { 'm.relates_to': { rel_type: 'm.annotation', event_id: '$gate', key: '✅' } }],
  ['another sender within it', { sender: operator, type: 'm.room.message', content: { body: 'approve gated' } }],
])('A20 of an encrypted event nothing decides: %s', async (_, content) => {
  const { hear, commands, answers } = await startListening([gate]);
  await hear(encrypted('e', content));
  expect([commands(), answers()]).toEqual([[], []]);
});

test('A20 who says something is who the homeserver says does, whatever stands in it', async () => {
  const { hear, commands } = await startListening([gate]);
  const content = { msgtype: 'm.text', body: 'approve gated', sender: operator, user_id: operator, device_id: 'D' };
  await hear(said('e', '', { sender: stranger, content, unsigned: { sender: operator } }));
  expect(commands()).toEqual([]);
});

test.each(['m.room_key', 'm.forwarded_room_key', 'm.room_key_request', 'm.key.verification.request', 'm.dummy'])(
  'A20 keys that others share are none of ours: %s',
  async (type) => {
    const { hear, commands, answers, state } = await startListening([gate]);
    await hear(said('e', 'approve gated', { type, content: { ...megolm, msgtype: 'm.text', body: 'approve gated' } }));
    expect([commands(), answers(), state.now.outgoing]).toEqual([[], [], []]);
  },
);
