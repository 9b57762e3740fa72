import { expect, test } from 'vitest';
import { listenerLimits } from '../limits.ts';
import { makeGate, makeOpenTask } from '../testing/gates.ts';
import { pretenders } from '../testing/pretenders.ts';
import {
  bot,
  edit,
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
const result = makeGate({ task: 'gated', event: '$result', asks: 'review', thread: '$gate', seen: 2 });
const around = makeSurroundings({
  gates: [gate, result],
  tasks: [makeOpenTask({ task: 'k7m2p' })],
});
const judged = (event: RawEvent, change: Partial<Surroundings> = {}) =>
  judge(observed(event), { ...around, ...change });
const asked = (question: object, about: string | null = null, root: string | null = null) => ({
  kind: 'ask',
  question,
  about,
  answerTo: '$e',
  root,
});

function inThread(body: string, root: string, more: object = {}) {
  const relation = {
    rel_type: 'm.thread',
    event_id: `$${root}`,
    is_falling_back: true,
    'm.in_reply_to': { event_id: `$${root}` },
  };
  return said('e', '', { content: { msgtype: 'm.text', body, 'm.relates_to': { ...relation, ...more } } });
}

const questions = ['pending', 'status', 'help', 'show k7m2p', 'log gated.md', 'diff gated', 'stauts', 'aprove k7m2p'];

test('a question of a listed person is one to be answered', () => {
  expect(judged(said('e', 'Status'))).toEqual(asked({ kind: 'status' }));
  expect(judged(said('e', 'show k7m2p'))).toEqual(asked({ kind: 'show', name: 'k7m2p' }));
  expect(judged(said('e', 'aprove k7m2p'))).toEqual(asked({ kind: 'mistyped', meant: 'approve k7m2p' }));
});

test('in answer to a message, or in its thread, a name may be missing', () => {
  expect(judged(reply('e', 'log', 'gate'))).toEqual(asked({ kind: 'log', name: '' }, 'gated'));
  expect(judged(inThread('diff', 'gate'))).toEqual(asked({ kind: 'diff', name: '' }, 'gated', '$gate'));
  expect(judged(inThread('status', 'elsewhere'))).toEqual(asked({ kind: 'status' }, null, '$elsewhere'));
  expect(judged(reply('e', 'merg', 'result'))).toEqual(asked({ kind: 'mistyped', meant: 'merge' }, 'gated'));
});

test('A14 the quote of a reply asks nothing', () => {
  expect(judged(reply('e', `> <${bot}> status\n\nthanks`, 'gate'))).toEqual({ kind: 'ignore', why: 'talk' });
  expect(judged(said('e', '> status'))).toEqual({ kind: 'ignore', why: 'talk' });
});

test.each([stranger, ...pretenders])('A01 A02 %j gets no answer, nor may drop a task', (sender) => {
  for (const body of [...questions, 'run demo: fix it', 'run demo: fix\nit'])
    expect(judged(said('e', body, { sender })).kind).toBe('ignore');
  expect(judged(edit('e', 'run demo: fix it', 'x', { sender })).kind).toBe('ignore');
});

test.each(questions)('%j is not answered when it is not said here, now, whole and by itself', (body) => {
  const html = (formatted_body: string) => said('e', '', { content: { msgtype: 'm.text', body, formatted_body } });
  const silent: readonly (readonly [RawEvent, Partial<Surroundings>])[] = [
    [said('e', body, { room_id: otherRoom }), {}],
    [said('e', body, { sender: bot }), {}],
    [said('e', '', { content: { msgtype: 'm.notice', body } }), {}],
    [said('e', '', { content: { msgtype: 'm.emote', body } }), {}],
    [said('e', body, { type: 'm.sticker' }), {}],
    [said('e', body, { state_key: '' }), {}],
    [said('e', body), { redacted: new Set(['$e']) }],
    [said('e', body, { unsigned: { redacted_because: {} } }), {}],
    [said('e', body), { edited: new Set([`${operator} $e`]) }],
    [said('e', body, { unsigned: { 'm.relations': { 'm.replace': {} } } }), {}],
    [edit('e', body, 'x'), {}],
    [said('e', body, { origin_server_ts: around.now - listenerLimits.questionAgeMs - 1 }), {}],
    [said('e', '', { content: { msgtype: 'm.text', body, 'm.relates_to': { rel_type: 'odd', event_id: '$x' } } }), {}],
    [html('something else'), {}],
    [html(`<del>${body}</del>`), {}],
    [reaction('e', body, 'gate'), {}],
  ];
  for (const [event, change] of silent) expect(judged(event, change).kind, JSON.stringify(event)).toBe('ignore');
});

test('a task that is dropped by words is an order, under the name that its command gives it', () => {
  const judgement = judged(said('e', 'Run demo staging: fix the door'));
  expect(judgement).toMatchObject({
    kind: 'order',
    asked: { kind: 'submit', subject: { content: 'workspace: "demo"\nstage: "staging"\n\nfix the door\n' } },
    answerTo: '$e',
  });
});

test.each<[string, RawEvent, Partial<Surroundings>]>([
  ['of two lines', said('e', 'run demo: fix it\nstage: dev'), {}],
  ['with what is not seen', said('e', 'run demo: fix \u202eit'), {}],
  ['that is edited', edit('e', 'run demo: fix it', 'x'), {}],
  ['that was edited', said('e', 'run demo: fix it'), { edited: new Set([`${operator} $e`]) }],
  [
    'that shows something else',
    said('e', '', { content: { msgtype: 'm.text', body: 'run demo: fix it', formatted_body: 'run demo: break it' } }),
    {},
  ],
])('A10 A16 a task %s is refused', (_, event, change) => {
  expect(judged(event, change).kind).toBe('refuse');
});

test('A33 a task that is older than a day is not dropped, and that is told', () => {
  const old = { origin_server_ts: saidAt - 2 * listenerLimits.answerAgeMs };
  expect(judged(said('e', 'run demo: fix it', old)).kind).toBe('late');
});

test('a decision on a mistyped name is told the nearest that waits', () => {
  expect(judged(said('e', 'approve gatd'))).toMatchObject({
    kind: 'refuse',
    reason: 'nothing that was asked for in this room is called "gatd"; did you mean gated?',
  });
});
