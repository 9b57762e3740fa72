import { expect, test } from 'vitest';
import { makeGate } from '../testing/gates.ts';
import { startListening } from '../testing/listening.ts';
import { bot, edit, operator, otherRoom, reaction, redaction, said, stranger } from '../testing/room-events.ts';

const gate = makeGate({ task: 'gated', event: '$gate' });
const approvals = [
  ['a message', said('a', 'approve gated')],
  ['a reaction', reaction('a', '✅', 'gate')],
] as const;

test.each(approvals.flatMap(([name, event]) => ([10, 11] as const).map((version) => [name, version, event] as const)))(
  'A11 %s that approved and is taken back, in a room of version %d, takes the approval back, once',
  async (_name, version, event) => {
    const { hear, commands, state } = await startListening([gate]);
    await hear(event);
    const [approve] = commands();
    await hear(redaction('r', 'a', version));
    await hear(redaction('r', 'a', version), redaction('s', 'a', version));
    expect(commands()).toMatchObject([
      { kind: 'approve', evidence: '$a' },
      {
        kind: 'revoke',
        subject: { task: 'gated', command: approve?.id },
        actor: { channel: 'matrix', user: operator },
        evidence: '$r',
      },
    ]);
    expect(state.now.issued.map(({ answerTo, stands }) => [answerTo, stands])).toContainEqual(['$gate', 'waiting']);
    expect(state.now.approvals).toEqual([]);
  },
);

test('A11 who takes it back is for the homeserver to judge: a moderator may', async () => {
  const { hear, commands } = await startListening([gate]);
  await hear(said('a', 'approve gated'));
  await hear(redaction('r', 'a', 11, { sender: stranger }));
  expect(commands().map(({ kind, actor }) => [kind, actor.user])).toEqual([
    ['approve', operator],
    ['revoke', operator],
  ]);
});

test('A10 an approval that its sender edits is taken back, whatever it is edited into; that of somebody else is not', async () => {
  const { hear, commands, answers } = await startListening([gate]);
  await hear(said('a', 'approve gated'));
  await hear(edit('x', 'never mind', 'a', { sender: stranger }), edit('y', 'never mind', 'a', { sender: bot }));
  expect(commands()).toHaveLength(1);
  await hear(edit('e', 'approve gated', 'a'), edit('f', 'never mind', 'a'), redaction('r', 'a'));
  expect(commands().map(({ kind, evidence }) => [kind, evidence])).toEqual([
    ['approve', '$a'],
    ['revoke', '$e'],
  ]);
  expect(answers()).toEqual(['Refused: what is edited does not count; send it as a new message']);
});

test('A11 what is taken back before it was an approval signs nothing at all', async () => {
  const { hear, commands, state } = await startListening([gate]);
  await hear(said('a', 'approve gated'), redaction('r', 'a'));
  await hear(redaction('s', 'b'));
  await hear(said('b', 'approve gated'), edit('c', 'x', 'b'));
  expect([commands(), state.now.approvals]).toEqual([[], []]);
});

test('A11 nothing but an approval is taken back: not a rejection, a cancellation or talk', async () => {
  const { hear, commands } = await startListening([gate]);
  await hear(said('a', 'reject gated'), said('b', 'cancel gated'), said('c', 'pause'), said('d', 'thanks'));
  await hear(...['a', 'b', 'c', 'd', 'gate'].map((name) => redaction(`r-${name}`, name)));
  expect(commands().map(({ kind }) => kind)).toEqual(['reject', 'cancel', 'pause']);
});

test('A18 nothing that is said in another room takes anything back', async () => {
  const { hear, commands } = await startListening([gate]);
  await hear(said('a', 'approve gated'));
  await hear(redaction('r', 'a', 11, { room_id: otherRoom }), edit('e', 'x', 'a', { room_id: otherRoom }));
  expect(commands()).toHaveLength(1);
});

test('A11 of two approvals of one request the one that is taken back is', async () => {
  const { hear, commands } = await startListening([gate]);
  await hear(said('a', 'approve gated'), reaction('b', '✅', 'gate'));
  await hear(redaction('r', 'b'));
  const [, second, revoke] = commands();
  expect(revoke).toMatchObject({ kind: 'revoke', subject: { command: second?.id } });
});

test('A11 a listener that died before it noted the approval still takes it back', async () => {
  const { hear, commands, disk } = await startListening([gate]);
  disk.fails = (path) => path.endsWith('state.json') && commands().length > 0;
  await expect(hear(said('a', 'approve gated'))).rejects.toThrow('ENOSPC');
  expect(commands().map(({ kind }) => kind)).toEqual(['approve']);
  disk.fails = () => false;
  // It comes back, and what comes now is the event without its content, and what took it back.
  await hear({ ...said('a', ''), content: {}, unsigned: { redacted_because: {} } }, redaction('r', 'a'));
  const [approve, revoke] = commands();
  expect(revoke).toMatchObject({ kind: 'revoke', subject: { command: approve?.id }, evidence: '$r' });
});

test('A11 one that is kept across a restart is the same command when its writing was not noted', async () => {
  const { hear, commands, disk, folder } = await startListening([gate]);
  await hear(said('a', 'approve gated'));
  disk.fails = (path) => path.endsWith('state.json');
  await expect(hear(redaction('r', 'a'))).rejects.toThrow('ENOSPC');
  const again = await startListening([], folder);
  await again.hear(redaction('r', 'a'));
  expect(again.commands().map(({ id, evidence }) => [id, evidence])).toEqual([
    [commands().find(({ kind }) => kind === 'revoke')?.id, '$r'],
  ]);
});

test('A24 it lies behind its approval in the spool, also when the clock was put back and the listener started anew', async () => {
  const { hear, commands, folder } = await startListening([gate]);
  await hear(said('a', 'approve gated'));
  const again = await startListening([], folder);
  again.clock.now -= 60 * 60 * 1000;
  await again.hear(redaction('r', 'a'));
  const [approve, revoke] = [commands()[0], again.commands()[0]];
  expect(Date.parse(revoke?.issued_at ?? '')).toBeGreaterThan(Date.parse(approve?.issued_at ?? ''));
});
