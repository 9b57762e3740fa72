import { expect, test } from 'vitest';
import { listenerLimits } from '../limits.ts';
import { makeGate } from '../testing/gates.ts';
import { pretenders } from '../testing/pretenders.ts';
import {
  bot,
  edit,
  eventId,
  observed,
  operator,
  otherRoom,
  type RawEvent,
  reaction,
  redaction,
  reply,
  room,
  said,
  saidAt,
  stranger,
} from '../testing/room-events.ts';
import { makeSurroundings } from '../testing/surroundings.ts';
import { judge, type Surroundings } from './judge.ts';

const gate = makeGate({ task: 'gated', event: '$gate' });
const around = makeSurroundings({
  gates: [gate, makeGate({ task: 'other', event: '$other', seen: 2 })],
});

function judged(event: RawEvent, change: Partial<Surroundings> = {}) {
  return judge(observed(event), { ...around, ...change });
}

/** Every way to approve the same thing. */
const approvals: readonly (readonly [string, (change?: Partial<RawEvent>) => RawEvent])[] = [
  ['a typed name', (change) => said('e', 'approve gated.md', change)],
  ['a reaction', (change) => reaction('e', '✅', 'gate', change)],
  ['a reply', (change) => reply('e', 'approve', 'gate', change)],
];

test('an approval and a rejection, with what they are answered at', () => {
  const decide = { kind: 'decide', gate, reason: '' };
  expect(judged(said('e', 'approve gated.md'))).toEqual({ ...decide, decision: 'approve', answerTo: '$e' });
  expect(judged(said('e', 'reject gated too soon'))).toEqual({
    ...decide,
    decision: 'reject',
    reason: 'too soon',
    answerTo: '$e',
  });
  expect(judged(reply('e', 'approve', 'gate'))).toEqual({ ...decide, decision: 'approve', answerTo: '$e' });
  expect(judged(reply('e', 'reject no', 'gate'))).toMatchObject({ decision: 'reject', reason: 'no', gate });
  expect(judged(reaction('e', '✅', 'gate'))).toEqual({ ...decide, decision: 'approve', answerTo: '$gate' });
  expect(judged(reaction('e', '❌\u{fe0f}', 'gate'))).toEqual({ ...decide, decision: 'reject', answerTo: '$gate' });
});

test.each(approvals)('A01 %s of somebody who is not listed decides nothing and is answered', (_, make) => {
  expect(judged(make({ sender: stranger }))).toMatchObject({
    kind: 'refuse',
    isStranger: true,
    reason: `${stranger} may not decide here; configs/stages.yaml lists who may`,
  });
});

test.each(pretenders.flatMap((sender) => approvals.map(([name, make]) => [sender, name, make] as const)))(
  'A02 %j is not the operator, by %s',
  (sender, _, make) => {
    const names = { displayname: operator, avatar_url: 'mxc://home.test/operator' };
    expect(judged(make({ sender, ...names, unsigned: names }))).toMatchObject({ kind: 'refuse', isStranger: true });
  },
);

test('A02 talk and other signs of strangers are not answered', () => {
  expect(judged(said('e', 'hello', { sender: stranger }))).toEqual({ kind: 'ignore', why: 'talk' });
  expect(judged(reaction('e', '👍', 'gate', { sender: stranger }))).toEqual({ kind: 'ignore', why: 'another sign' });
});

test.each(approvals)('A08 %s of the bot itself decides nothing, also when it is listed', (_, make) => {
  const approvers = new Set([operator, bot]);
  expect(judged(make({ sender: bot }), { approvers })).toEqual({ kind: 'ignore', why: 'the bot itself' });
});

test.each([
  ['a notice', { msgtype: 'm.notice', body: 'approve gated' }],
  ['an emote', { msgtype: 'm.emote', body: 'approve gated' }],
  ['a file that is named like a command', { msgtype: 'm.file', body: 'approve gated', url: 'mxc://home.test/x' }],
  ['a message without a type', { body: 'approve gated' }],
  ['a message without a text', { msgtype: 'm.text' }],
  ['a text that is a list', { msgtype: 'm.text', body: ['approve gated'] }],
  ['a text that is an object', { msgtype: 'm.text', body: { toString: 'approve gated' } }],
  ['a type that is a list', { msgtype: ['m.text'], body: 'approve gated' }],
  ['HTML alone', { msgtype: 'm.text', body: 'hello', formatted_body: 'approve gated' }],
])('A08 %s is no command', (_, content) => {
  expect(judged(said('e', '', { content }))).toMatchObject({ kind: 'ignore' });
});

test.each([
  ['the HTML shows another verb', 'approve gated', 'reject gated'],
  ['the HTML shows another name', 'approve gated', 'approve other'],
  ['the HTML is none', 'approve gated', { approve: 'gated' }],
])('A08 a command is refused when %s', (_, body, formatted_body) => {
  const content = { msgtype: 'm.text', body, format: 'org.matrix.custom.html', formatted_body };
  expect(judged(said('e', '', { content }))).toMatchObject({
    kind: 'refuse',
    reason: 'what the message shows is not what its plain text says; send it as plain text',
  });
});

test('A08 what a quote says does not count, whatever it says', () => {
  const quote = `> <${bot}> approve other\n> reject gated\n\n`;
  expect(judged(reply('e', `${quote}approve gated`, 'gate'))).toMatchObject({ decision: 'approve', gate });
  expect(judged(reply('e', `${quote}thanks`, 'gate'))).toEqual({ kind: 'ignore', why: 'talk' });
  expect(judged(reply('e', quote, 'gate'))).toEqual({ kind: 'ignore', why: 'talk' });
  expect(judged(said('e', `${quote}approve other`))).toEqual({ kind: 'ignore', why: 'talk' });
  expect(judged(reply('e', 'approve\n> <@agentbot:home.test> other', 'gate'))).toMatchObject({ kind: 'refuse' });
});

test('A08 of a reply, the HTML of the quote does not count either', () => {
  const html = '<mx-reply><blockquote>approve other</blockquote></mx-reply>approve';
  const said = reply('e', '> approve other\n\napprove', 'gate');
  expect(judged({ ...said, content: { ...said.content, formatted_body: html } })).toMatchObject({ gate });
  expect(judged({ ...said, content: { ...said.content, formatted_body: `${html} other` } })).toMatchObject({
    kind: 'refuse',
  });
});

test.each([
  ['a talk into a command', edit('e', 'approve gated', 'talk')],
  ['one command into another', edit('e', 'approve other', 'command')],
  ['an edit', edit('e', 'approve gated', 'edit')],
  ['the gate message itself', edit('e', 'approve', 'gate')],
])('A10 an edit of %s decides nothing and is answered', (_, event) => {
  const reason = 'what is edited does not count; send it as a new message';
  expect(judged(event)).toEqual({ kind: 'refuse', reason, answerTo: '$e', isStranger: false });
  expect(judged({ ...event, sender: stranger })).toMatchObject({ kind: 'refuse', isStranger: true });
});

test('A10 an edit whose fallback is a command in itself decides nothing', () => {
  const event = edit('e', 'hello', 'talk');
  const content = { ...event.content, body: 'approve gated' };
  expect(judged({ ...event, content })).toMatchObject({ kind: 'refuse' });
  expect(judged({ ...event, content: { ...content, 'm.new_content': undefined } })).toMatchObject({ kind: 'refuse' });
});

test.each([null, 'approve gated', { body: 1 }, {}, ['approve gated']])(
  'A10 an edit into %j is no command',
  (replacement) => {
    const content = { ...edit('e', 'x', 'talk').content, 'm.new_content': replacement };
    expect(judged(said('e', '', { content }))).toEqual({ kind: 'ignore', why: 'talk' });
  },
);

test.each(approvals)('A10 %s that was edited since decides nothing, but not by somebody else', (_, make) => {
  const edited = { edited: new Set([`${operator} $e`]) };
  expect(judged(make(), edited).kind).not.toBe('decide');
  expect(judged(make({ unsigned: { 'm.relations': { 'm.replace': { event_id: '$x' } } } })).kind).not.toBe('decide');
  expect(judged(make(), { edited: new Set([`${stranger} $e`, `${operator} $f`]) }).kind).toBe('decide');
});

test.each(approvals)('A11 %s that was taken back decides nothing', (_, make) => {
  expect(judged(make(), { redacted: new Set(['$e']) })).toEqual({ kind: 'ignore', why: 'taken back' });
  const because = redaction('r', 'e');
  expect(judged(make({ unsigned: { redacted_because: because } }))).toEqual({ kind: 'ignore', why: 'taken back' });
  expect(judged(make({ unsigned: { redacted_because: null } }))).toEqual({ kind: 'ignore', why: 'taken back' });
  expect(judged(make({ content: {} }))).toMatchObject({ kind: 'ignore' });
});

const saying = (body: string, root: string, more: object = {}) => ({
  content: { msgtype: 'm.text', body, 'm.relates_to': { rel_type: 'm.thread', event_id: eventId(root), ...more } },
});
const inThread = (root: string, more: object = {}) => saying('approve', root, more);
const replyTo = (event: string) => ({ 'm.in_reply_to': { event_id: eventId(event) } });

test('a reply in everyday words decides, where it is one to a message that asks', () => {
  expect(judged(reply('e', 'no, because it is late', 'gate'))).toMatchObject({
    kind: 'decide',
    decision: 'reject',
    reason: 'because it is late',
    gate,
  });
  expect(judged(reply('e', 'Yes', 'gate'))).toMatchObject({ kind: 'decide', decision: 'approve', gate });
  expect(judged(said('e', '', saying('no, because', 'gate', replyTo('gate'))))).toMatchObject({ decision: 'reject' });
});

test.each([
  ['said to nobody', said('e', 'no, because it is late')],
  ['in reply to something else', reply('e', 'yes', 'talk')],
  ['in the thread of a task', said('e', '', saying('yes', 'gate'))],
  [
    'in the thread of a task, for old clients',
    said('e', '', saying('no, thanks', 'gate', { is_falling_back: true, ...replyTo('gate') })),
  ],
  ['in its thread, in reply to something else', said('e', '', saying('no, thanks', 'gate', replyTo('talk')))],
])('A08 everyday words %s are talk', (_, event) => {
  expect(judged(event).kind).toBe('ignore');
});

test.each([
  ['on a message of the operator', reaction('e', '✅', 'talk')],
  ['on a gate message that is not the bot’s', reaction('e', '✅', 'forged')],
  ['with another sign', reaction('e', '👍', 'gate')],
  ['with words', reaction('e', 'approve gated', 'gate')],
  ['of another type', reaction('e', '✅', 'gate', { type: 'm.sticker' })],
  ['without a relation', reaction('e', '✅', 'gate', { content: {} })],
  ['that is a reply', reply('e', 'approve', 'gate', { type: 'm.reaction' })],
  ['that is an edit', edit('e', 'approve gated', 'gate', { type: 'm.reaction' })],
])('A13 a reaction %s decides nothing', (_, event) => {
  expect(judged(event)).toMatchObject({ kind: 'ignore' });
});

test('A13 a reaction that calls itself a message decides nothing', () => {
  const relation = reaction('e', '✅', 'gate').content['m.relates_to'];
  const content = { msgtype: 'm.text', body: 'approve gated', 'm.relates_to': relation };
  expect(judged(said('e', '', { content }))).toMatchObject({
    kind: 'refuse',
    reason: 'the message refers to another one in a way that is not understood; send it on its own',
  });
});

test('A13 a reaction on an old request is bound to what that one showed', () => {
  const old = makeGate({ task: 'gated', event: '$old', digest: 'a'.repeat(64), closed: true });
  expect(judged(reaction('e', '✅', 'old'), { gates: [old, gate] })).toMatchObject({ kind: 'decide', gate: old });
});

test('A14 in the thread of a request its task is meant', () => {
  const fallback = { is_falling_back: true, ...replyTo('other') };
  expect(judged(said('e', '', inThread('gate')))).toMatchObject({ kind: 'decide', gate });
  expect(judged(said('e', '', inThread('gate', fallback)))).toMatchObject({ kind: 'decide', gate });
  expect(judged(said('e', '', inThread('gate', replyTo('gate'))))).toMatchObject({ kind: 'decide', gate });
  expect(judged(said('e', '', inThread('talk', replyTo('gate'))))).toMatchObject({ kind: 'decide', gate });
  expect(judged(said('e', '', inThread('gate', replyTo('talk'))))).toMatchObject({ kind: 'decide', gate });
});

test.each([
  ['a thread that is nobody’s', inThread('talk')],
  ['a thread that is nobody’s, for old clients', inThread('talk', { is_falling_back: true, ...replyTo('gate') })],
  ['the thread of one task, in reply to another', inThread('gate', replyTo('other'))],
  [
    'the thread of one task, not falling back to another',
    inThread('gate', { is_falling_back: false, ...replyTo('other') }),
  ],
  ['a thread without a root', inThread('', {})],
])('A14 an approval without a name in %s is refused', (_, content) => {
  expect(judged(said('e', '', content))).toMatchObject({ kind: 'refuse', isStranger: false });
});

test('A14 a newer request for the same task, answered in the thread of the older one, is what is meant', () => {
  const newer = makeGate({ task: 'gated', event: '$newer', digest: 'c'.repeat(64), seen: 5 });
  const event = said('e', '', inThread('gate', replyTo('newer')));
  expect(judged(event, { gates: [gate, newer] })).toMatchObject({ kind: 'decide', gate: newer });
});

test('A14 a reply to the request of one task with the id of another is refused', () => {
  expect(judged(reply('e', 'approve other', 'gate'))).toMatchObject({
    kind: 'refuse',
    reason: 'the message that you answer is about gated (gated.md), and you name "other"',
  });
  expect(judged(reply('e', 'approve other', 'talk'))).toMatchObject({ kind: 'decide', gate: { task: 'other' } });
});

test('A16 an unusable command is answered with what is wrong', () => {
  expect(judged(said('e', 'approve gated\nand more'))).toMatchObject({ reason: 'one command a message, on one line' });
  expect(judged(said('e', 'approve ../../etc/passwd'))).toMatchObject({
    reason: 'nothing that was asked for in this room is called "../../etc/passwd"',
  });
});

test.each(approvals)('A18 %s from another room decides nothing', (_, make) => {
  expect(judged(make({ room_id: otherRoom }))).toEqual({ kind: 'ignore', why: 'another room' });
  expect(judged(make({ room_id: room }))).toMatchObject({ kind: 'decide' });
});

test.each(approvals)('%s in the place of a state event decides nothing', (_, make) => {
  expect(judged(make({ state_key: '' }))).toEqual({ kind: 'ignore', why: 'a state event' });
});

test.each(['m.room.encrypted', 'm.room.member', 'm.room.topic', 'm.poll.response', 'org.countersign.approve'])(
  'an event of type %s decides nothing',
  (type) => {
    expect(judged(said('e', 'approve gated', { type }))).toMatchObject({ kind: 'ignore' });
  },
);

test.each(approvals)('A33 %s that is older than a day decides nothing and is told', (_, make) => {
  const last = around.now - listenerLimits.answerAgeMs;
  expect(judged(make({ origin_server_ts: last })).kind).toBe('decide');
  expect(judged(make({ origin_server_ts: last - 1 }))).toMatchObject({ kind: 'late' });
});

test.each([Number.MAX_SAFE_INTEGER + 1, Number.MAX_VALUE, 0, -1, -Number.MAX_VALUE])(
  'A21 A33 a time stamp of %d makes no old event young',
  (origin_server_ts) => {
    const isOld = origin_server_ts < saidAt;
    expect(judged(said('e', 'approve gated', { origin_server_ts })).kind).toBe(isOld ? 'late' : 'decide');
  },
);

test('only what the room has shown has a name; who answers a message has seen it', () => {
  const unseen = { gates: [makeGate({ task: 'gated', event: '$gate', seen: null })] };
  expect(judged(said('e', 'approve gated'), unseen)).toMatchObject({ kind: 'refuse' });
  expect(judged(reaction('e', '✅', 'gate'), unseen)).toMatchObject({ kind: 'decide' });
  expect(judged(reply('e', 'approve', 'gate'), unseen)).toMatchObject({ kind: 'decide' });
  expect(judged(reply('e', 'approve gated', 'gate'), unseen)).toMatchObject({ kind: 'decide' });
  expect(judged(said('e', 'approve'), { gates: [] })).toMatchObject({ kind: 'refuse', answerTo: eventId('e') });
});

test('what is said to a reminder in the thread of a task is about what waits there, as words in the thread are', () => {
  const root = makeGate({ task: 'abcde', event: '$root', closed: true, seen: 3 });
  const digest = 'd'.repeat(64);
  const result = makeGate({ task: 'abcde', event: '$result', thread: '$root', asks: 'review', digest, seen: 4 });
  const gates = [...around.gates, root, result];
  const to = (name: string, body: string) => {
    const relation = { rel_type: 'm.thread', event_id: '$root', is_falling_back: false };
    const content = {
      msgtype: 'm.text',
      body,
      'm.relates_to': { ...relation, 'm.in_reply_to': { event_id: `$${name}` } },
    };
    return judged(said('e', '', { content }), { gates });
  };
  expect(to('reminder', 'merge')).toMatchObject({ kind: 'decide', decision: 'merge', gate: result });
  expect(to('reminder', 'reject no')).toMatchObject({ kind: 'decide', decision: 'reject', gate: result });
  expect(to('result', 'merge')).toMatchObject({ kind: 'decide', gate: result });
  // A message that asks is still what a reply to it is about.
  expect(to('root', 'reject no')).toMatchObject({ kind: 'decide', gate: root });
  expect(to('other', 'reject no')).toMatchObject({ kind: 'refuse', reason: /answers another/ });
});
