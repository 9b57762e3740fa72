import type { TaskState } from '@countersign/contracts/task-record.ts';
import { makeReviewTask } from '@countersign/kit/testing/review-task.ts';
import { makeRecord } from '@countersign/kit/testing/waiting-task.ts';
import { expect, test } from 'vitest';
import { superseded, withdrawn } from '../message/standing.ts';
import { emptyState, type Gate } from '../state/listener-state.ts';
import { makeGate } from '../testing/gates.ts';
import { makeAsking, makeAskingTask, makeQuestion } from '../testing/questions.ts';
import { bot, room } from '../testing/room-events.ts';
import { stand } from './stand.ts';

const since = '2026-11-20T12:00:00.000Z';
const { digest } = makeGate();
const { result } = makeReviewTask({ record: { id: 'gated' } });
const failed: TaskState = { status: 'failed', since, reason: 'it broke', error_class: 'tool_failed', result: null };
const pending: TaskState = { status: 'pending', since, reason: '', wait: null, digest, expires_at: since };
const review: TaskState = { status: 'review', since, reason: '', wait: null, result, refusals: [] };
const forReview = { asks: 'review' as const, event: '$review', digest: result.digest };

function titles(state: TaskState, ...gates: Gate[]): (string | undefined)[] {
  const listening = { ...emptyState(room, bot), gates: structuredClone(gates) };
  stand(listening, makeRecord(state, { id: 'gated' }));
  return listening.gates.map(({ standing }) => standing?.title);
}

test('a message that asks what is asked for stays as it was posted', () => {
  expect(titles(pending, makeGate())).toEqual([undefined]);
  expect(titles(review, makeGate(forReview))).toEqual([undefined]);
});

test('one that was edited and asks again says so, and how to answer', () => {
  const edited = makeGate({ standing: { title: '✅ Approved', words: '', since: null } });
  const listening = { ...emptyState(room, bot), gates: [edited] };
  stand(listening, makeRecord(pending, { id: 'gated' }));
  expect(listening.gates[0]?.standing).toEqual({
    title: '⏳ Waits for approval',
    words: 'answer this message as before',
    since: null,
  });
});

test('the newest message of each kind says where the task stands, those before it that they are over', () => {
  const gates = [
    makeGate({ event: '$1', digest: 'a'.repeat(64) }),
    makeGate({ event: '$2' }),
    makeGate({ ...forReview, event: '$3', digest: 'b'.repeat(64) }),
    makeGate({ ...forReview, event: '$4' }),
  ];
  expect(titles(failed, ...gates)).toEqual([superseded.title, '❌ Failed', superseded.title, '❌ Failed']);
  expect(titles(review, ...gates)).toEqual([
    superseded.title,
    '📋 Finished, and not verified',
    superseded.title,
    undefined,
  ]);
});

test('what is asked anew under another digest is over at the message before it, at once', () => {
  expect(titles(pending, makeGate({ digest: 'a'.repeat(64) }))).toEqual([superseded.title]);
});

test('messages about other tasks stay', () => {
  expect(titles(failed, makeGate({ task: 'other' }))).toEqual([undefined]);
});

const question = makeQuestion();
const asking = () => makeAsking('gated', question.options, { event: '$question', thread: '$gate-gated' });

test('a question that is open stays as it was posted, and the message that asked before says that something is asked', () => {
  const { state } = makeAskingTask(question);
  expect(titles(state, makeGate(), asking())).toEqual(['❓ Asks you something', undefined]);
});

const at = '2026-11-20T12:05:00.000Z';
test.each([
  [
    { outcome: 'answered' as const, text: 'red', channel: 'matrix' as const, user: '@o:x', command: 'c', at },
    '💬 Answered',
  ],
  [{ outcome: 'default' as const, text: 'blue', at }, '⏱️ Nobody answered in time'],
  [{ outcome: 'stopped' as const, at }, '⏱️ Nobody answered in time'],
  [{ outcome: 'withdrawn' as const, at }, withdrawn.title],
])('a question whose end is $outcome says so, and keeps that whatever comes of its task', (answer, title) => {
  const listening = { ...emptyState(room, bot), gates: [makeGate(), asking()] };
  stand(listening, makeAskingTask({ ...question, answer }, { id: 'gated' }));
  expect(listening.gates.map(({ standing }) => standing?.title)).toEqual(['▶️ Running', title]);
  stand(listening, makeRecord(failed, { id: 'gated' }));
  expect(listening.gates.map(({ standing }) => standing?.title)).toEqual(['❌ Failed', title]);
});

test('a question whose task went on without its end is not asked any more', () => {
  expect(titles(failed, asking())).toEqual([withdrawn.title]);
});
