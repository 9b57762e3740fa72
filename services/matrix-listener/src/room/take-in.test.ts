import type { MatrixEventId } from '@countersign/contracts/matrix-names.ts';
import { expect, test } from 'vitest';
import { listenerLimits } from '../limits.ts';
import { withMark } from '../message/mark.ts';
import { withdrawn } from '../message/standing.ts';
import { messageKey } from '../state/key.ts';
import type { Outgoing } from '../state/listener-state.ts';
import { StateFile } from '../state/state-file.ts';
import { makeGate, makeOutgoing, makeRequest } from '../testing/gates.ts';
import { startListening } from '../testing/listening.ts';
import {
  bot,
  edit,
  eventId,
  operator,
  otherRoom,
  reaction,
  redaction,
  room,
  said,
  saidAt,
  stranger,
} from '../testing/room-events.ts';
import { markShown } from './take-in.ts';

const gate = makeGate({ task: 'gated', event: '$gate' });
const waiting = { ...makeOutgoing('', makeRequest()), key: messageKey('request', gate.digest) };

/** The bot's own message in the room, as it was sent. */
function echo(name: string, outgoing: Outgoing) {
  return said(name, '', { sender: bot, content: { msgtype: 'm.text', ...withMark(outgoing).content } });
}

test('a decision is a command, a handled event and a verdict that is waited for, at once', async () => {
  const { takeIn, commands, state, folder } = await startListening([gate]);
  await takeIn([said('e', 'approve gated')], { since: 's1' });
  expect(commands()).toMatchObject([
    { kind: 'approve', evidence: '$e', actor: { user: operator }, subject: { digest: gate.digest } },
  ]);
  const kept = (await StateFile.open(folder, room, bot)).now;
  expect(kept).toEqual(state.now);
  expect(kept).toMatchObject({ since: 's1', handled: ['$e'], outgoing: [] });
  const at = new Date(saidAt).toISOString();
  expect(kept.issued).toEqual([{ command: commands()[0]?.id, answerTo: '$e', at, stands: 'waiting', owesSign: false }]);
});

test.each([
  ['a sign', reaction('e', '✅', 'asked')],
  ['words', said('e', 'reject gated')],
])(
  'what the room has shown is kept before %s about it is a command: the runner may be quicker',
  async (_what, event) => {
    const { takeIn, change, state, disk, commands } = await startListening();
    await change((next) => void next.outgoing.push(waiting));
    const known: unknown[] = [];
    disk.fails = (path) => {
      if (!path.endsWith('state.json')) known.push(state.now.gates.map(({ event, seen }) => [event, seen]));
      return false;
    };
    await takeIn([echo('asked', waiting), event], { since: 's1' });
    expect(commands()).toHaveLength(1);
    expect(known).toEqual([[['$asked', 1]]]);
  },
);

test('nothing new is nothing to write down', async () => {
  const { takeIn, state } = await startListening();
  await takeIn([], { since: 's1' });
  const before = state.now;
  await takeIn([], { since: 's1' });
  await takeIn([], { gap: null });
  expect(state.now).toBe(before);
});

test('A22 what is told again counts once, as a whole or from any place on', async () => {
  const { takeIn, commands, answers } = await startListening([gate]);
  const events = [
    said('a', 'approve gated'),
    said('b', 'reject gated too late'),
    said('c', 'approve unknown'),
    reaction('d', '✅', 'gate'),
  ];
  await takeIn(events, { since: 's4' });
  for (let from = 0; from <= events.length; from += 1) await takeIn(events.slice(from), { since: 's4' });
  expect(commands().map(({ kind, evidence }) => [kind, evidence])).toEqual([
    ['approve', '$a'],
    ['reject', '$b'],
    ['approve', '$d'],
  ]);
  expect(answers()).toHaveLength(1);
});

test('A21 an event id that comes again with other words means its first ones', async () => {
  const { hear, commands } = await startListening([gate]);
  await hear(said('a', 'hello'), said('a', 'approve gated'));
  await hear(said('a', 'approve gated'), reaction('a', '✅', 'gate'));
  expect(commands()).toEqual([]);
  await hear(said('b', 'reject gated'), said('b', 'approve gated', { sender: stranger }));
  await hear(said('b', 'approve gated'));
  expect(commands().map(({ kind }) => kind)).toEqual(['reject']);
});

test('A21 garbage among events is said and holds up nothing', async () => {
  const { hear, commands, lines } = await startListening([gate]);
  await hear(
    null,
    5,
    'approve gated',
    [],
    {},
    { ...said('x', 'approve gated'), sender: 5 },
    said('e', 'approve gated'),
  );
  expect(commands()).toHaveLength(1);
  expect(lines.filter(({ level }) => level === 'warn')).toMatchObject([{ fields: { ignored: 6 } }]);
});

test('A18 A08 A30 what is said elsewhere, or by the bot, is no decision', async () => {
  const { hear, commands, answers } = await startListening([gate]);
  await hear(
    said('a', 'approve gated', { room_id: otherRoom }),
    said('b', 'approve gated', { sender: bot }),
    reaction('c', '✅', 'gate', { sender: bot }),
  );
  expect([commands(), answers()]).toEqual([[], []]);
});

test.each([10, 11] as const)(
  'A11 in a room of version %d, what is taken back in the same batch is none',
  async (version) => {
    const { hear, commands, answers } = await startListening([gate]);
    await hear(said('a', 'approve gated'), redaction('r', 'a', version));
    await hear(redaction('s', 'b', version), reaction('b', '✅', 'gate'));
    expect([commands(), answers()]).toEqual([[], []]);
  },
);

test('A11 what is taken back before it comes is none when it comes; afterwards it is revoked', async () => {
  const { hear, commands } = await startListening([gate]);
  await hear(redaction('r', 'a'));
  await hear(said('a', 'approve gated'));
  expect(commands()).toEqual([]);
  await hear(said('b', 'approve gated'));
  await hear(redaction('s', 'b'));
  expect(commands().map(({ kind }) => kind)).toEqual(['approve', 'revoke']);
});

test('A11 a redaction of no event leaves nothing behind', async () => {
  const { hear, state } = await startListening();
  const odd = ['approve gated', 5, null, `$${'x'.repeat(60_000)}`, ['$e'], '$a\n$b'];
  await hear(...odd.map((redacts, index) => ({ ...redaction(`r${index}`, ''), content: { redacts } })));
  expect(state.now.handled).toEqual(odd.map((_, index) => `$r${index}`));
});

test('A10 what is edited in the same batch is refused, edit and all; what others edit is not edited', async () => {
  const { hear, commands, answers } = await startListening([gate]);
  await hear(said('a', 'approve gated'), edit('b', 'reject gated', 'a'));
  expect(commands()).toEqual([]);
  expect(answers()).toEqual(Array(2).fill('Refused: what is edited does not count; send it as a new message'));
  await hear(said('c', 'approve gated'), edit('d', 'reject gated', 'c', { sender: stranger }));
  expect(commands().map(({ evidence }) => evidence)).toEqual(['$c']);
});

test('A10 an edit before its original, and of an edit, decides nothing', async () => {
  const { hear, commands } = await startListening([gate]);
  await hear(edit('b', 'approve gated', 'a'), said('a', 'hello'));
  await hear(edit('c', 'approve gated', 'b'), edit('d', 'approve gated', 'c'));
  expect(commands()).toEqual([]);
});

test('a message of the bot that the sending loop does not know to be posted yet is posted', async () => {
  const { hear, change, state, commands } = await startListening();
  await change((next) => void next.outgoing.push(waiting));
  await hear(said('a', 'approve gated'), echo('gate', waiting), reaction('b', '✅', 'gate'), said('c', 'reject gated'));
  expect(state.now.gates).toEqual([makeGate({ event: '$gate', seen: 1 })]);
  expect(state.now.outgoing).toMatchObject([{ key: messageKey('refusal', '$a') }]);
  expect(commands().map(({ evidence }) => evidence)).toEqual(['$b', '$c']);
});

test('a request that was taken back while its sending was not answered is known when the room shows it', async () => {
  const { hear, change, state, commands } = await startListening();
  await change((next) => void next.withdrawn.push({ key: waiting.key, request: waiting.request }));
  await hear(echo('gate', waiting), reaction('a', '✅', 'gate'));
  expect(state.now.gates).toEqual([makeGate({ event: '$gate', seen: 1, closed: true, standing: withdrawn })]);
  expect(commands()).toMatchObject([{ subject: { digest: gate.digest } }]);
});

test('A12 a gate message that is taken back decides nothing; what answers it is bound to what it showed', async () => {
  const { hear, state, commands } = await startListening([gate]);
  await hear(redaction('r', 'gate'));
  expect([commands(), state.now.gates]).toEqual([[], [gate]]);
  await hear(reaction('a', '✅', 'gate'), said('b', 'reject gated'));
  expect(commands().map(({ subject }) => 'digest' in subject && subject.digest)).toEqual([gate.digest, gate.digest]);
});

test('a message that asks nothing is known by its mark, too, and is no gate', async () => {
  const { hear, change, state, answers } = await startListening();
  await change((next) => void next.outgoing.push({ ...waiting, request: null }));
  await hear(echo('line', { ...waiting, request: null }));
  expect([answers(), state.now.gates, state.now.shown]).toEqual([[], [], 0]);
});

test('A08 the mark of a message counts in the bot’s own events alone', async () => {
  const { hear, change, state } = await startListening();
  await change((next) => void next.outgoing.push(waiting));
  for (const sender of [operator, stranger, `${bot} `, bot.toUpperCase()])
    await hear({ ...echo(`from ${sender.length} ${sender.slice(1, 3)}`.replaceAll(' ', '-'), waiting), sender });
  const other = { ...waiting, key: messageKey('other') };
  await hear(echo('other', other), said('no mark', 'x', { event_id: '$x', sender: bot }));
  await hear(said('odd', '', { sender: bot, content: { 'org.countersign.key': [waiting.key] } }));
  expect(state.now.outgoing).toContainEqual(waiting);
  expect([state.now.gates, state.now.shown]).toEqual([[], 0]);
});

test('a gate message that is told again long after keeps its place', async () => {
  const { hear, state, change } = await startListening([gate]);
  await change((next) => void Object.assign(next, { shown: 5 }));
  await hear(echo('gate', waiting));
  expect(state.now.gates).toEqual([gate]);
});

test('A11 only a redaction takes anything back', async () => {
  const { hear, commands } = await startListening([gate]);
  await hear(said('a', 'approve gated'), said('x', '', { content: { redacts: '$a' }, redacts: '$a' }));
  expect(commands()).toHaveLength(1);
});

test('what was sent and does not come has its place before what comes, what has one keeps it', async () => {
  const { change, state } = await startListening([
    makeGate({ event: '$placed', seen: 3 }),
    makeGate({ event: '$sent', seen: null }),
    makeGate({ event: '$later', seen: null }),
    makeGate({ event: '$also', seen: null }),
  ]);
  await change((next) => {
    next.shown = 3;
    markShown(next, new Set<MatrixEventId>(['$placed', '$sent', '$also']));
  });
  expect(state.now.gates.map(({ seen }) => seen)).toEqual([3, 4, null, 5]);
});

test('a typed name means the newest message before it in the room’s order, not in that of sending', async () => {
  const [first, second] = ['a'.repeat(64), 'b'.repeat(64)].map((digest) =>
    makeGate({ digest, event: eventId(digest[0] ?? ''), seen: null }),
  );
  const { hear, change, commands } = await startListening();
  // Both were sent before the room was read: their sending was answered first.
  await change((next) => void next.gates.push(...[second, first].flatMap((each) => each ?? [])));
  await hear(
    said('a', '', { sender: bot }),
    said('x', 'approve gated'),
    said('b', '', { sender: bot }),
    said('y', 'approve gated'),
  );
  expect(commands().map(({ evidence, subject }) => [evidence, 'digest' in subject && subject.digest])).toEqual([
    ['$x', first?.digest],
    ['$y', second?.digest],
  ]);
});

test('A01 strangers are answered so many times a minute; what they meant is logged', async () => {
  const { hear, answers, lines, clock, commands } = await startListening([gate]);
  const { strangerAnswers, strangerWindowMs } = listenerLimits;
  const shout = (from: number) =>
    Array.from({ length: 20 }, (_, index) => said(`s${from + index}`, 'approve gated', { sender: stranger }));
  await hear(...shout(0));
  expect(answers()).toHaveLength(strangerAnswers);
  expect(lines.filter(({ text }) => text === 'a decision was refused')).toHaveLength(20);
  clock.elapsed += strangerWindowMs;
  // A wall clock that was put back keeps nobody waiting.
  clock.now -= 10 * strangerWindowMs;
  await hear(...shout(20), said('e', 'approve unknown'), said('f', 'approve unknown'));
  expect(answers()).toHaveLength(2 * strangerAnswers + 2);
  expect(commands()).toEqual([]);
});

test('A33 of a long backlog only what is young decides; of the rest it is told once, in one message', async () => {
  const { takeIn, answers, commands, state } = await startListening([gate]);
  const age = listenerLimits.answerAgeMs + 1;
  const backlog = Array.from({ length: 400 }, (_, index) =>
    said(`e${index}`, index % 10 === 0 ? 'approve gated' : 'chatter', {
      origin_server_ts: index < 390 ? saidAt - age : saidAt,
    }),
  );
  for (let from = 0; from < backlog.length; from += 40) await takeIn(backlog.slice(from, from + 40), { gap: null });
  await takeIn(backlog.slice(-40), { since: 's400' });
  expect(commands().map(({ evidence }) => evidence)).toEqual(['$e390']);
  const [told, ...others] = answers();
  expect(others).toEqual([]);
  expect(told?.split('\n')).toEqual([
    'Nothing was done about 39 answers that are more than a day old. Look at them again and answer anew:',
    ...Array<string>(10).fill('| approve gated'),
    'and 29 more',
  ]);
  expect(state.now.late).toEqual({ count: 0, first: [] });
});

test('A33 one answer that is too old is answered where it stands', async () => {
  const { hear, takeIn, state, commands } = await startListening([gate]);
  const old = { origin_server_ts: saidAt - listenerLimits.answerAgeMs - 1 };
  await hear(reaction('a', '✅', 'gate', old));
  expect(state.now.outgoing).toEqual([]);
  await takeIn([], { since: 's1' });
  expect(state.now.outgoing).toMatchObject([
    {
      content: {
        body: 'Refused: this was said more than a day ago; look at it again and answer anew',
        'm.relates_to': { 'm.in_reply_to': { event_id: '$gate' } },
      },
    },
  ]);
  expect(commands()).toEqual([]);
});

test('A16 A33 A35 what is told of old answers is inert, marked and bounded', async () => {
  const { takeIn, answers } = await startListening([gate]);
  const old = { origin_server_ts: saidAt - listenerLimits.answerAgeMs - 1 };
  await takeIn(
    [said('a', `approve gated${'x'.repeat(3_000)}`, old), said('b', 'approve gated\nmerge \u202e gated', old)],
    { since: 's1' },
  );
  const lines = answers()[0]?.split('\n') ?? [];
  expect(lines).toHaveLength(3);
  for (const line of lines.slice(1)) expect(line).toMatch(/^\| approve gated/);
  expect(answers()[0]).not.toContain('\u202e');
  expect(answers()[0]?.length).toBeLessThan(400);
});

test('a command that cannot be written leaves its event to be dealt with again, and none before it', async () => {
  const { takeIn, disk, state, commands } = await startListening([gate]);
  const events = [said('a', 'approve gated'), said('b', 'reject gated')];
  disk.fails = (path) => path.includes('/0') && commands().length === 1;
  await expect(takeIn(events, { since: 's2' })).rejects.toThrow('ENOSPC');
  expect(state.now).toMatchObject({ since: null, handled: ['$a'], issued: [{ answerTo: '$a' }] });
  disk.fails = () => false;
  await takeIn(events, { since: 's2' });
  expect(commands().map(({ evidence }) => evidence)).toEqual(['$a', '$b']);
  expect(state.now.issued).toHaveLength(2);
});

test('a command whose event cannot be noted as handled is the same command when it comes again', async () => {
  const { takeIn, disk, state, commands } = await startListening([gate]);
  disk.fails = (path) => path.endsWith('state.json') && commands().length > 0;
  await expect(takeIn([said('a', 'approve gated')], { since: 's1' })).rejects.toThrow('ENOSPC');
  expect(state.now).toMatchObject({ since: null, handled: [] });
  disk.fails = () => false;
  await takeIn([said('a', 'approve gated')], { since: 's1' });
  expect(new Set(commands().map(({ id }) => id)).size).toBe(1);
  expect(state.now.issued).toHaveLength(1);
});

test.each([
  ['a word', said('a', 'approve gated'), true],
  ['a tap', reaction('a', '✅', 'gate'), false],
])(
  'a verdict that was quicker than the note of %s is not waited for; only words get a sign',
  async (_, event, isSigned) => {
    const { hear, disk, change, state, commands } = await startListening([gate]);
    disk.fails = (path) => path.endsWith('state.json') && commands().length > 0;
    await expect(hear(event)).rejects.toThrow('ENOSPC');
    disk.fails = () => false;
    const command = commands()[0]?.id ?? '';
    const at = new Date(saidAt).toISOString();
    const answered = { command, answerTo: eventId('a'), at, stands: 'answered' as const, owesSign: true };
    await change((next) => void next.issued.push(answered));
    await hear(event);
    expect(state.now.issued).toEqual([{ ...answered, owesSign: false }]);
    const sign = { key: messageKey('verdict', command), type: 'm.reaction' };
    expect(state.now.outgoing).toMatchObject(isSigned ? [sign] : []);
  },
);
