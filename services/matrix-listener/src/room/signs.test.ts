import { expect, test } from 'vitest';
import { makeGate } from '../testing/gates.ts';
import { startListening } from '../testing/listening.ts';
import { bot, edit, operator, reaction, redaction, said, stranger } from '../testing/room-events.ts';

const gate = makeGate({ task: 'gated', event: '$gate' });
const result = makeGate({ task: 'done', event: '$result', asks: 'review', seen: 2 });

test('A13 a sign on what the bot says beside its requests decides nothing, also where that quotes one', async () => {
  const { hear, commands, answers } = await startListening([gate]);
  const words = [
    'Accepted: gated (gated.md) is approved',
    'Approval required: gated.md\ntask: gated',
    '| approve gated',
    'Waiting: gated.md (gated) approval',
  ];
  await hear(...words.map((body, index) => said(`bot${index}`, body, { sender: bot })));
  await hear(...words.map((_, index) => reaction(`sign${index}`, '✅', `bot${index}`)));
  expect([commands(), answers()]).toEqual([[], []]);
});

test.each([operator, stranger])('A13 a request that %s edits is still the one that the bot asked', async (sender) => {
  const { hear, commands } = await startListening([gate]);
  await hear(edit('e', 'Approval required: other.md', 'gate', { sender }));
  await hear(reaction('a', '✅', 'e'), reaction('b', '✅', 'gate'));
  expect(commands().map(({ subject }) => subject)).toEqual([{ task: 'gated', digest: gate.digest }]);
});

test('A13 A11 a sign that is removed before it is read is none, and afterwards it is taken back', async () => {
  const { hear, commands } = await startListening([gate]);
  await hear(reaction('a', '✅', 'gate'), redaction('r', 'a'));
  expect(commands()).toEqual([]);
  await hear(reaction('b', '✅', 'gate'));
  await hear(redaction('s', 'b'));
  await hear(redaction('t', 'b'));
  expect(commands().map(({ kind, evidence }) => [kind, evidence])).toEqual([
    ['approve', '$b'],
    ['revoke', '$s'],
  ]);
});

test.each([
  ...[
    '👍',
    '👎',
    '✔',
    '✓',
    '☑',
    '✅✅',
    '✅ ',
    ' ✅',
    '✅\u200d',
    '✅\u{e0041}',
    '❌✅',
    'approve',
    'approve gated',
    '✅ other',
  ],
  ...['&#9989;', ':white_check_mark:', 'mxc://home.test/check', '\u2705\u2705', ''],
])('A13 the sign %j says nothing, on a request or on a result', async (key) => {
  const { hear, commands, answers } = await startListening([gate, result]);
  await hear(reaction('a', key, 'gate'), reaction('b', key, 'result'));
  expect([commands(), answers()]).toEqual([[], []]);
});

test('A12 a request that is taken back is not asked again, and what was said of it stands as it was said', async () => {
  const { hear, commands, state } = await startListening([gate]);
  await hear(reaction('before', '✅', 'gate'), redaction('r', 'gate', 11, { sender: stranger }));
  await hear(redaction('s', 'gate', 10, { sender: operator }), redaction('t', 'gate', 11, { sender: bot }));
  expect(commands().map(({ kind, evidence }) => [kind, evidence])).toEqual([['approve', '$before']]);
  expect(state.now).toMatchObject({ gates: [gate], outgoing: [] });
  await hear(said('after', 'reject gated'));
  expect(commands().map(({ kind }) => kind)).toEqual(['approve', 'reject']);
});
