import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { listenerLimits } from '../limits.ts';
import { remindOfLateVerdicts } from '../outbox/late-verdicts.ts';
import { makeGate } from '../testing/gates.ts';
import { startListening } from '../testing/listening.ts';
import { makeAsking } from '../testing/questions.ts';
import { edit, reaction, redaction, reply, said, saidAt } from '../testing/room-events.ts';

const code = '123456';
const stage = 'prod';
const gates = [
  makeGate({ task: 'live', event: '$live', stage }),
  makeGate({ task: 'done', event: '$done', stage, asks: 'review', seen: 2 }),
  makeAsking('write', [], { stage, seen: 3 }),
];

test('the code goes to the runner beside what is decided, in the command alone', async () => {
  const { hear, commands, folder, lines, answers } = await startListening(gates);
  await hear(
    said('a', `approve live ${code}`),
    said('b', `merge done unverified ${code}`),
    said('c', `answer write ship it ${code}`),
  );
  expect(commands()).toMatchObject([
    { kind: 'approve', subject: { task: 'live', digest: gates[0]?.digest }, code, evidence: '$a' },
    { kind: 'merge', subject: { task: 'done', unverified: true }, code, evidence: '$b' },
    { kind: 'answer', subject: { task: 'write', answer: 'ship it' }, code, evidence: '$c' },
  ]);
  for (const { subject } of commands()) expect(JSON.stringify(subject)).not.toContain(code);
  const kept = readFileSync(join(folder, 'state.json'), 'utf8');
  expect(kept).toContain('"hasCode":true');
  expect(JSON.stringify([kept, lines, answers()])).not.toContain(code);
});

test('what is refused, mistyped or late is neither kept, logged nor answered with its code', async () => {
  const { hear, takeIn, commands, folder, lines, answers } = await startListening(gates);
  await hear(
    said('a', `approve nothing ${code}`),
    said('b', `aprove live ${code}`),
    said('c', `approve ${code}`),
    edit('d', `approve live ${code}`, 'a'),
    reply('f', `approve done ${code}`, 'live'),
  );
  const old = { origin_server_ts: saidAt - listenerLimits.answerAgeMs - 60_000 };
  await takeIn([said('g', `approve live ${code}`, old), said('h', `merge done ${code}`, old)], { since: 's2' });
  expect(commands()).toEqual([]);
  expect(answers().length).toBeGreaterThanOrEqual(5);
  expect(answers().join('\n')).toContain('approve live ••••••');
  expect(JSON.stringify([readFileSync(join(folder, 'state.json'), 'utf8'), lines, answers()])).not.toContain(code);
});

test('A13 a tap on prod is answered by what to send, and signs nothing', async () => {
  const { hear, commands, answers } = await startListening(gates);
  await hear(reaction('a', '✅', 'live'), reaction('b', '🔀', 'done'));
  expect(commands()).toEqual([]);
  expect(answers()).toEqual([
    expect.stringMatching(/^Refused: prod needs .*send: approve live CODE/),
    expect.stringMatching(/^Refused: prod needs .*send: merge done CODE/),
  ]);
});

test('A11 an approval with a code is taken back as any other', async () => {
  const { hear, commands } = await startListening(gates);
  await hear(said('a', `approve live ${code}`));
  await hear(redaction('r', 'a'));
  const [given, taken] = commands();
  expect(taken).toMatchObject({ kind: 'revoke', subject: { task: 'live', command: given?.id } });
  expect(taken).not.toHaveProperty('code');
  const before = await startListening(gates);
  await before.hear(said('a', `approve live ${code}`), redaction('r', 'a'));
  expect(before.commands()).toEqual([]);
});

test('while the runner is down, it is said that the code does not last', async () => {
  const { hear, state, answers } = await startListening(gates);
  await hear(said('a', `approve live ${code}`), said('b', 'reject live no'));
  await remindOfLateVerdicts(state, saidAt + listenerLimits.verdictPatienceMs + 1);
  expect(answers()).toEqual([
    expect.stringMatching(/^The runner has not answered yet\. A one-time code lasts for a moment: .*send it anew/),
    expect.stringMatching(/^Kept: /),
  ]);
});
