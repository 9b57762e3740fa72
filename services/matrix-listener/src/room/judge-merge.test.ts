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
  reply,
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

const replyTo = (event: string) => ({ 'm.in_reply_to': { event_id: eventId(event) } });

const review = makeGate({
  task: 'gated',
  asks: 'review',
  event: '$review',
  digest: 'd'.repeat(64),
  thread: '$gate',
  seen: 3,
});
const withReview = { gates: [...around.gates, review] };

/** Every way to merge the same thing. */
const merges: readonly (readonly [string, (change?: Partial<RawEvent>) => RawEvent])[] = [
  ['a typed name', (change) => said('e', 'merge gated.md', change)],
  ['a reply', (change) => reply('e', 'merge', 'review', change)],
  ['a word in the thread', (change) => ({ ...said('e', '', inThreadSaying('merge', 'gate')), ...change })],
  ['a typed name without checks', (change) => said('e', 'Merge gated unverified', change)],
  ['a rebase', (change) => said('e', 'rebase gated', change)],
];

function inThreadSaying(body: string, root: string, more: object = {}) {
  return {
    content: {
      msgtype: 'm.text',
      body,
      'm.relates_to': { rel_type: 'm.thread', event_id: eventId(root), ...more },
    },
  };
}

test.each(merges)('%s is bound to the result that was shown', (_, make) => {
  expect(judged(make(), withReview)).toMatchObject({ kind: 'decide', gate: review, answerTo: '$e' });
});

test('with the word for it a merge is one of what was not checked', () => {
  expect(judged(said('e', 'merge gated'), withReview)).toMatchObject({ decision: 'merge', reason: '' });
  expect(judged(said('e', 'merge gated unverified'), withReview)).toMatchObject({ reason: 'unverified' });
  expect(judged(reply('e', 'merge unverified', 'review'), withReview)).toMatchObject({ reason: 'unverified' });
});

test('a tap on a result merges it, and nothing else', () => {
  const merged = { kind: 'decide', decision: 'merge', gate: review, reason: '', answerTo: '$review' };
  expect(judged(reaction('e', '🔀', 'review'), withReview)).toEqual(merged);
  expect(judged(reaction('e', '🔀\u{fe0f}', 'review'), withReview)).toEqual(merged);
  expect(judged(reaction('e', '🔀', 'gate'), withReview).kind).toBe('ignore');
  expect(judged(reaction('e', '🔀', 'review', { sender: stranger }), withReview)).toMatchObject({
    kind: 'refuse',
    isStranger: true,
  });
});

test.each(['✅', '❌', '✅\u{fe0f}', '👍', '🚀', 'merge'])('A13 no other sign decides on a result: %j', (sign) => {
  for (const sender of [operator, stranger])
    expect(judged(reaction('e', sign, 'review', { sender }), withReview).kind).toBe('ignore');
});

test('A14 in the thread of a task the newest result is merged, and in reply to an older one that older one', () => {
  const newer = makeGate({ ...review, event: '$newer', digest: 'e'.repeat(64), seen: 4 });
  const gates = { gates: [...withReview.gates, newer] };
  expect(judged(said('e', '', inThreadSaying('merge', 'gate')), gates)).toMatchObject({ gate: newer });
  const fallback = { is_falling_back: true, ...replyTo('review') };
  expect(judged(said('e', '', inThreadSaying('merge', 'gate', fallback)), gates)).toMatchObject({ gate: newer });
  expect(judged(said('e', '', inThreadSaying('merge', 'gate', replyTo('review'))), gates)).toMatchObject({
    gate: review,
  });
  expect(judged(reply('e', 'merge', 'review'), gates)).toMatchObject({ gate: review });
  expect(judged(said('e', '', inThreadSaying('approve', 'gate')), gates)).toMatchObject({ gate });
});

test('W27 a result that the room has not shown yet is not what a typed name means', () => {
  const newer = makeGate({ ...review, event: '$newer', digest: 'e'.repeat(64), seen: null });
  const gates = { gates: [...withReview.gates, newer] };
  for (const event of [said('e', 'merge gated'), said('e', '', inThreadSaying('merge', 'gate'))])
    expect(judged(event, gates)).toMatchObject({ kind: 'decide', gate: review });
});

test.each([
  ['of an approval request', reply('e', 'merge', 'gate'), 'gated has no result in this room that you could merge'],
  ['by the id of another', reply('e', 'merge other', 'review'), /^the message that you answer is about gated/],
  ['of a task without a result', said('e', 'merge other'), 'other has no result in this room that you could merge'],
  ['in the thread of another', said('e', '', inThreadSaying('merge', 'other')), /^other has no result/],
])('A14 A15 a merge %s is refused', (_, event, reason) => {
  expect(judged(event, withReview)).toMatchObject({ kind: 'refuse', reason: expect.stringMatching(reason) });
});

test.each(merges)('A01 A08 A10 A11 A18 A33 %s counts only as an approval would', (_, make) => {
  const never = (change: Partial<RawEvent>, surroundings: Partial<Surroundings> = {}) =>
    expect(judged(make(change), { ...withReview, ...surroundings }).kind).not.toBe('decide');
  for (const sender of [stranger, bot, ...pretenders]) never({ sender });
  never({ sender: bot }, { approvers: new Set([operator, bot]) });
  never({ room_id: otherRoom });
  never({ state_key: '' });
  never({ type: 'm.room.topic' });
  never({ origin_server_ts: saidAt - listenerLimits.answerAgeMs - 2_000 });
  never({}, { redacted: new Set(['$e']) });
  never({}, { edited: new Set([`${operator} $e`]) });
  never({ unsigned: { redacted_because: {} } });
  for (const msgtype of ['m.notice', 'm.emote', 'm.image']) never({ content: { ...make().content, msgtype } });
  never({ content: { ...make().content, formatted_body: 'reject gated' } });
  never({ content: { ...make().content, 'm.new_content': { msgtype: 'm.text', body: 'merge gated' } } });
});

test('A08 a quote of a merge, and an edit into one, merge nothing', () => {
  expect(judged(reply('e', `> <${bot}> merge gated\n\nthanks`, 'review'), withReview).kind).toBe('ignore');
  expect(judged(edit('e', 'merge gated', 'talk'), withReview)).toMatchObject({ kind: 'refuse' });
  expect(judged(edit('e', 'merge', 'review'), withReview)).toMatchObject({ kind: 'refuse' });
});
