import { expect, test } from 'vitest';
import { listenerLimits } from '../limits.ts';
import { makeGate, makeOpenTask } from '../testing/gates.ts';
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
  stranger,
} from '../testing/room-events.ts';
import { makeSurroundings } from '../testing/surroundings.ts';
import { judge, type Surroundings } from './judge.ts';

const gate = makeGate({ task: 'gated', event: '$gate' });
const around = makeSurroundings({
  gates: [gate],
  tasks: [makeOpenTask({ task: 'works' })],
});

function judged(event: RawEvent, change: Partial<Surroundings> = {}) {
  return judge(observed(event), { ...around, ...change });
}

/** Everything that can be ordered. */
const orders: readonly (readonly [string, (change?: Partial<RawEvent>) => RawEvent])[] = [
  ['a cancellation by name', (change) => said('e', 'cancel works too slow', change)],
  ['a cancellation in reply', (change) => reply('e', 'cancel too slow', 'gate', change)],
  ['a retry', (change) => said('e', 'retry gated.md', change)],
  ['a pause', (change) => said('e', 'pause for the night', change)],
  ['a resumption', (change) => said('e', 'resume', change)],
];

test('what is ordered, with what it is answered at', () => {
  const order = { kind: 'order', answerTo: '$e' };
  const asked = orders.map(([, make]) => judged(make()));
  expect(asked).toEqual([
    { ...order, asked: { kind: 'cancel', subject: { task: 'works', reason: 'too slow' } } },
    { ...order, asked: { kind: 'cancel', subject: { task: 'gated', reason: 'too slow' } } },
    { ...order, asked: { kind: 'retry', subject: { task: 'gated.md' } } },
    { ...order, asked: { kind: 'pause', subject: { reason: 'for the night' } } },
    { ...order, asked: { kind: 'resume', subject: {} } },
  ]);
});

test('in the thread of a task it is that task', () => {
  const relation = { rel_type: 'm.thread', event_id: '$gate' };
  const content = { msgtype: 'm.text', body: 'cancel', 'm.relates_to': relation };
  expect(judged(said('e', '', { content }))).toMatchObject({ asked: { subject: { task: 'gated', reason: '' } } });
});

test.each(orders)('A01 %s of somebody who is not listed does nothing and is answered', (_, make) => {
  expect(judged(make({ sender: stranger }))).toMatchObject({ kind: 'refuse', isStranger: true });
  for (const sender of pretenders) expect(judged(make({ sender }))).toMatchObject({ kind: 'refuse', isStranger: true });
});

test.each(orders)('A08 %s of the bot itself does nothing', (_, make) => {
  const approvers = new Set([operator, bot]);
  expect(judged(make({ sender: bot }), { approvers })).toEqual({ kind: 'ignore', why: 'the bot itself' });
});

test.each(orders)('A08 %s of which the HTML says something else is refused', (_, make) => {
  const event = make();
  const content = { ...event.content, formatted_body: 'cancel another' };
  expect(judged({ ...event, content })).toMatchObject({ kind: 'refuse', isStranger: false });
});

test('A08 what a quote says does not count', () => {
  expect(judged(reply('e', '> cancel works\n> pause\n\nthanks', 'gate'))).toEqual({ kind: 'ignore', why: 'talk' });
  expect(judged(said('e', '> cancel works'))).toEqual({ kind: 'ignore', why: 'talk' });
});

test.each(orders)('A10 %s that was edited, or is an edit, does nothing', (_, make) => {
  expect(judged(make(), { edited: new Set([`${operator} $e`]) })).toMatchObject({ kind: 'refuse' });
  expect(judged(edit('e', String(make().content['body']), 'talk'))).toMatchObject({ kind: 'refuse' });
});

test.each(orders)('A11 %s that was taken back does nothing', (_, make) => {
  expect(judged(make(), { redacted: new Set(['$e']) })).toEqual({ kind: 'ignore', why: 'taken back' });
});

test.each(orders)('A18 %s from another room does nothing', (_, make) => {
  expect(judged(make({ room_id: otherRoom }))).toEqual({ kind: 'ignore', why: 'another room' });
});

test.each(orders)('A33 %s that is older than a day does nothing and is told', (_, make) => {
  const origin_server_ts = around.now - listenerLimits.answerAgeMs - 1;
  expect(judged(make({ origin_server_ts }))).toMatchObject({ kind: 'late' });
});

test.each(['🛑', '❌', '⏸️', 'cancel', 'cancel works', 'pause'])('A13 no reaction orders anything: %s', (sign) => {
  expect(judged(reaction('e', sign, 'gate')).kind).not.toBe('order');
  expect(judged(reaction('e', sign, 'talk')).kind).toBe('ignore');
});

test.each(['Cancelled already', 'pausing', 'paused?', 'retry: works', 'please cancel works', 'cancel-works', 'résume'])(
  'A02 %j is talk',
  (body) => {
    expect(judged(said('e', body))).toEqual({ kind: 'ignore', why: 'talk' });
  },
);

test('A16 an order of two lines, or with what is not seen in it, is refused', () => {
  expect(judged(said('e', 'cancel works\npause'))).toMatchObject({ kind: 'refuse', answerTo: eventId('e') });
  expect(judged(said('e', 'cancel wo\u200brks'))).toMatchObject({ kind: 'refuse' });
});
