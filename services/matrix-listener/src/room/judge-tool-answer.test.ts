import { expect, test } from 'vitest';
import { listenerLimits } from '../limits.ts';
import { makeGate } from '../testing/gates.ts';
import { makeAsking, makeQuestion } from '../testing/questions.ts';
import {
  bot,
  edit,
  observed,
  operator,
  otherRoom,
  type RawEvent,
  reaction,
  redaction,
  reply,
  said,
  saidAt,
  stranger,
} from '../testing/room-events.ts';
import { makeSurroundings } from '../testing/surroundings.ts';
import { judge, type Surroundings } from './judge.ts';

const asking = makeAsking('paint', ['red', 'blue']);
const around = makeSurroundings({ gates: [makeGate(), asking] });
const judged = (event: RawEvent, change: Partial<Surroundings> = {}) =>
  judge(observed(event), { ...around, ...change });
const answered = (answer: string) => ({
  kind: 'answer',
  subject: { task: 'paint', question: makeQuestion().id, answer },
});

/** Every way to answer the same. */
const ways: readonly (readonly [string, (change?: Partial<RawEvent>) => RawEvent])[] = [
  ['a tap', (change) => reaction('e', '2️⃣', 'paint', change)],
  ['a reply', (change) => reply('e', 'blue', 'paint', change)],
  ['a name', (change) => said('e', 'answer paint blue', change)],
];

test.each(ways)('%s answers a task’s tool', (way, make) => {
  const answerTo = way === 'a tap' ? '$paint' : '$e';
  expect(judged(make())).toEqual({ kind: 'order', asked: answered('blue'), answerTo });
});

test.each(ways)('A01 A02 A08 A10 A11 A18 A33 %s counts only as an approval would', (_, make) => {
  const kindOf = (change: Partial<RawEvent>, more: Partial<Surroundings> = {}) => judged(make(change), more).kind;
  expect(judged(make({ sender: stranger }))).toMatchObject({ kind: 'refuse', isStranger: true });
  expect(kindOf({ sender: bot })).toBe('ignore');
  expect(kindOf({ room_id: otherRoom })).toBe('ignore');
  expect(kindOf({ state_key: '' })).toBe('ignore');
  expect(kindOf({ origin_server_ts: saidAt - 2 * listenerLimits.answerAgeMs })).toBe('late');
  expect(kindOf({ unsigned: { redacted_because: redaction('r', 'e') } })).toBe('ignore');
  expect(kindOf({}, { redacted: new Set(['$e']) })).toBe('ignore');
  expect(kindOf({ unsigned: { 'm.relations': { 'm.replace': {} } } })).not.toBe('order');
  expect(kindOf({}, { edited: new Set([`${operator} $e`]) })).not.toBe('order');
});

test('A10 an edit answers nothing', () => {
  expect(judged(edit('e', 'blue', 'x')).kind).not.toBe('order');
  expect(judged(edit('e', 'answer paint blue', 'x')).kind).not.toBe('order');
});

test('A08 what shows something else than it says is refused', () => {
  const content = { ...reply('e', 'blue', 'paint').content, formatted_body: '<del>blue</del> red' };
  expect(judged(said('e', '', { content }))).toMatchObject({ kind: 'refuse', reason: /plain text/ });
});

test('a question is not decided on: no approval, no merge, no rejection is about it', () => {
  for (const sign of ['✅', '❌', '🔀']) expect(judged(reaction('e', sign, 'paint')).kind).toBe('ignore');
  for (const words of ['approve', 'merge', 'reject no'])
    expect(judged(reply('e', words, 'paint'))).toMatchObject({ kind: 'refuse', reason: /asks something/ });
  expect(judged(reply('e', 'yes', 'paint'))).toMatchObject({ kind: 'refuse', reason: /none of what paint offers/ });
});

test('an answer in everyday words to a message that asks for an approval is still about that', () => {
  expect(judged(reply('e', 'yes', 'gate-gated'))).toMatchObject({ kind: 'decide', decision: 'approve' });
});

test('a task that asks is cancelled in reply to its question', () => {
  expect(judged(reply('e', 'cancel wrong colours', 'paint'))).toMatchObject({
    kind: 'order',
    asked: { kind: 'cancel', subject: { task: 'paint', reason: 'wrong colours' } },
  });
});

test('A10 an answer that was edited is refused by the words that a command gets, of who may answer alone', () => {
  const wasEdited = { unsigned: { 'm.relations': { 'm.replace': {} } } };
  const reason = 'what is edited does not count; send it as a new message';
  const free = makeSurroundings({ gates: [makeAsking('paint', [])] });
  for (const event of [
    reply('e', 'blue', 'paint', wasEdited),
    reply('e', 'green', 'paint', wasEdited),
    said('e', 'answer paint blue', wasEdited),
    edit('e', 'answer paint blue', 'x'),
  ])
    for (const room of [around, free]) {
      expect(judge(observed(event), room)).toMatchObject({ kind: 'refuse', reason, answerTo: '$e' });
      expect(judge(observed({ ...event, sender: stranger }), room).kind).toBe('ignore');
      expect(judge(observed({ ...event, origin_server_ts: saidAt - 2 * listenerLimits.answerAgeMs }), room).kind).toBe(
        'late',
      );
    }
  for (const event of [edit('e', 'what a day', 'x'), said('e', 'what a day', wasEdited)])
    expect(judged(event).kind).toBe('ignore');
});
