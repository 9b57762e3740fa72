import { expect, test } from 'vitest';
import { withMark } from '../message/mark.ts';
import { messageKey } from '../state/key.ts';
import { makeGate } from '../testing/gates.ts';
import { startListening } from '../testing/listening.ts';
import { bot, edit, eventId, operator, reaction, redaction, reply, said } from '../testing/room-events.ts';

const gate = makeGate({ task: 'gated', event: '$gate' });
const byBot = { sender: bot };

test('A30 whoever holds the bot’s token decides nothing in its name, in words, signs, answers or edits', async () => {
  const { hear, commands, answers } = await startListening([gate]);
  await hear(
    ...[
      'approve gated',
      'reject gated',
      'merge gated',
      'cancel gated',
      'pause',
      'resume',
      'run demo: x',
      'pending',
    ].map((words, index) => said(`w${index}`, words, byBot)),
    reaction('r', '✅', 'gate', byBot),
    reply('a', 'approve', 'gate', byBot),
    said('hello', 'hello'),
    edit('e', 'approve gated', 'hello', byBot),
    edit('f', 'approve gated', 'w0', byBot),
  );
  expect([commands(), answers()]).toEqual([[], []]);
});

test('A30 what he posts as a request of the bot’s is none: an answer to it decides nothing', async () => {
  const { hear, commands, state } = await startListening([gate]);
  const forged = { body: 'Approval required: harmless.md', msgtype: 'm.text' };
  const key = messageKey('request', gate.digest);
  await hear(
    said('forged', '', { ...byBot, content: forged }),
    // The mark of a request that the room has shown already.
    said('marked', '', {
      ...byBot,
      content: { ...withMark({ key, type: 'm.room.message', content: forged }).content },
    }),
  );
  expect(state.now.gates).toEqual([gate]);
  await hear(reaction('a', '✅', 'forged'), reaction('b', '✅', 'marked'));
  expect(commands()).toEqual([]);
  await hear(reply('c', 'approve', 'forged'), reply('d', 'approve', 'marked'));
  expect(commands()).toEqual([]);
});

test('A30 A13 a request that he edits is still the one that was asked: a sign on it is bound to that digest', async () => {
  const { hear, commands } = await startListening([gate]);
  await hear(edit('e', 'Approval required: harmless.md', 'gate', byBot));
  await hear(reaction('on-edit', '✅', 'e'), reaction('on-request', '✅', 'gate'));
  expect(commands().map(({ evidence, subject }) => [evidence, subject])).toEqual([
    ['$on-request', { task: 'gated', digest: gate.digest }],
  ]);
});

test('A30 an approval that he takes back is taken back, which stops something and starts nothing', async () => {
  const { hear, commands } = await startListening([gate]);
  await hear(said('yes', 'approve gated'));
  await hear(redaction('r', 'yes', 11, byBot));
  expect(commands().map(({ kind, actor, evidence }) => [kind, actor.user, evidence])).toEqual([
    ['approve', operator, '$yes'],
    ['revoke', operator, eventId('r')],
  ]);
});
