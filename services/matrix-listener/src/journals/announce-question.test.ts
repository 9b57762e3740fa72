import { expect, test } from 'vitest';
import { recordSent } from '../outbox/send-loop.ts';
import { emptyState } from '../state/listener-state.ts';
import { makeAnnouncing } from '../testing/announcing.ts';
import { makeGate } from '../testing/gates.ts';
import { makeAskingTask, makeQuestion } from '../testing/questions.ts';
import { bot, room } from '../testing/room-events.ts';
import { scratchFolder } from '../testing/scratch.ts';
import { announce } from './announce.ts';
import { newsOf } from './news.ts';

function begin(change: Parameters<typeof makeAnnouncing>[1] = {}) {
  const announcing = makeAnnouncing(scratchFolder(), change);
  const state = emptyState(room, bot);
  let seq = 0;
  const hear = async (record: ReturnType<typeof makeAskingTask>) => {
    seq += 1;
    const event = { ts: '2026-11-20T12:00:00.000Z', seq, prev: 'a'.repeat(64), phase: 'run' as const };
    const news = newsOf({ ...event, agent_role: 'runner', event: 'question_asked', summary: '', data: { record } });
    if (news === null) throw new Error('it is news');
    (await announce(announcing, news, false))(state);
  };
  return { state, hear };
}

const question = makeQuestion();
const record = makeAskingTask(question, { id: 'gated', stage: 'dev' });

test('a question is asked once, with what an answer to it is about', async () => {
  const { state, hear } = begin();
  await hear(record);
  await hear(record);
  expect(state.outgoing).toMatchObject([
    {
      content: { msgtype: 'm.text' },
      request: {
        asks: 'answer',
        task: 'gated',
        question: { id: question.id, options: ['red', 'blue'] },
        expiresAt: question.deadline,
        thread: null,
      },
    },
  ]);
  const [waiting] = state.outgoing;
  if (waiting === undefined) throw new Error('it waits');
  recordSent(state, waiting, '$question', null);
  await hear(record);
  expect(state.outgoing).toEqual([]);
  expect(state.gates).toMatchObject([{ event: '$question', closed: false, standing: null }]);
});

test('of a task that the room was asked about it stands in its thread', async () => {
  const { state, hear } = begin();
  state.gates.push(makeGate({ closed: true }));
  await hear(record);
  expect(state.outgoing).toMatchObject([
    {
      content: { 'm.relates_to': { rel_type: 'm.thread', event_id: '$gate-gated' } },
      request: { thread: '$gate-gated' },
    },
  ]);
});

test('the next question takes the place of the one before; an answered one is open no more', async () => {
  const { state, hear } = begin();
  await hear(record);
  await hear(makeAskingTask(makeQuestion({ id: 'ffffffffffffffff', number: 2 }), { id: 'gated' }));
  expect(state.outgoing.map(({ request }) => request?.question?.id)).toEqual(['ffffffffffffffff']);
  state.gates.push(makeGate({ asks: 'answer', event: '$second', question: { id: 'ffffffffffffffff', options: [] } }));
  const answer = { outcome: 'default' as const, text: 'blue', at: '2026-11-20T12:10:00.000Z' };
  await hear(makeAskingTask(makeQuestion({ id: 'ffffffffffffffff', answer }), { id: 'gated' }));
  expect([state.outgoing.length, state.gates[0]?.closed]).toEqual([0, true]);
});

test.each([
  ['in quiet hours', { mayRing: () => false }, 'm.notice', /To answer, react/],
  ['of a stage that is not decided here', { mayDecide: () => false }, 'm.text', /not answered for in this room/],
])('a question %s is posted as such', async (_, change, msgtype, words) => {
  const { state, hear } = begin(change);
  await hear(record);
  expect(state.outgoing).toMatchObject([{ content: { msgtype, body: expect.stringMatching(words) } }]);
});
