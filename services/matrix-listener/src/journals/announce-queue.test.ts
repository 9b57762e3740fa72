import { makeRecord, makeWaitingTask, writeWaitingTask } from '@countersign/kit/testing/waiting-task.ts';
import { expect, test } from 'vitest';
import { messageKey } from '../state/key.ts';
import { emptyState, type ListenerState } from '../state/listener-state.ts';
import { makeAnnouncing } from '../testing/announcing.ts';
import { makeGate } from '../testing/gates.ts';
import { bot, room } from '../testing/room-events.ts';
import { scratchFolder } from '../testing/scratch.ts';
import { announce } from './announce.ts';
import type { News } from './news.ts';

const at = '2026-11-20T10:00:00.000Z';
const bodies = ({ outgoing }: ListenerState) => outgoing.map(({ content }) => String(content['body']));

function begin() {
  const state = emptyState(room, bot);
  let count = 0;
  return {
    state,
    hear: async (news: News) => {
      count += 1;
      const told = { ...news, key: messageKey(String(count)) };
      (await announce(makeAnnouncing('/nowhere'), told, false))(state);
    },
  };
}

const note = (change: Partial<News & { kind: 'note' }> = {}): News => ({
  kind: 'note',
  key: '',
  task: 'gated',
  what: 'budget_exceeded',
  text: '20,000 tokens are used up',
  command: null,
  ...change,
});
const queue = (text: string, command: string | null = null): News => ({ kind: 'queue', key: '', text, command });
const breaker = (isOpen: boolean, name = 'demo agent'): News => ({
  kind: 'breaker',
  key: '',
  name,
  isOpen,
  text: `${name}: 3 failures in a row`,
});

test.each([
  ['budget_exceeded', 'Budget used up'],
  ['task_retried', 'Tried once more'],
  ['approval_revoked', 'Approval taken back'],
] as const)('%s is told in the thread of its task', async (what, beginning) => {
  const { state, hear } = begin();
  state.gates.push(makeGate());
  await hear(note({ what, text: 'so \u001b[2J it is' }));
  expect(bodies(state)).toEqual([`${beginning}: gated.md (gated). so \\u{1b}[2J it is`]);
  expect(state.outgoing[0]?.content['m.relates_to']).toMatchObject({ rel_type: 'm.thread', event_id: '$gate-gated' });
});

test('it is not told of a task that the room was never asked about, nor where the verdict says it', async () => {
  const { state, hear } = begin();
  await hear(note());
  state.gates.push(makeGate());
  state.issued.push({ command: 'c', answerTo: '$e', at, stands: 'answered', owesSign: false });
  await hear(note({ what: 'task_retried', command: 'c' }));
  expect(bodies(state)).toEqual([]);
});

test('that the queue is paused and goes on is told, unless it was asked for here', async () => {
  const { state, hear } = begin();
  await hear(queue('the queue is paused, as ada decided: moving\nhouse'));
  await hear(queue('the queue goes on, as ada decided'));
  state.issued.push({ command: 'c', answerTo: '$e', at, stands: 'answered', owesSign: false });
  await hear(queue('the queue is paused', 'c'));
  expect(bodies(state)).toEqual([
    'The queue is paused, as ada decided: moving\\u{a}house',
    'The queue goes on, as ada decided',
  ]);
});

test('a breaker is told once when it opens and once when it closes, however often it is probed', async () => {
  const { state, hear } = begin();
  await hear(breaker(false));
  for (let probe = 0; probe < 10; probe += 1) await hear(breaker(true));
  await hear(breaker(true, 'other agent'));
  await hear(breaker(false));
  await hear(breaker(false));
  expect(bodies(state)).toEqual([
    'Breaker opened: demo agent: 3 failures in a row',
    'Breaker opened: other agent: 3 failures in a row',
    'Breaker closed: demo agent: 3 failures in a row',
  ]);
  expect(state.breakers).toEqual(['other agent']);
});

function ended(status: 'cancelled' | 'rejected', command: string): News {
  const cancellation = { command: 'c', channel: 'matrix' as const, user: '@o:x', reason: '', at };
  const record = makeRecord({ status, since: at, reason: 'as was asked' }, { cancellation });
  return { kind: 'moved', key: '', record, hasEnded: true, command };
}

test('that a task is cancelled is told to whoever asked for it here, also when the room knew nothing of it', async () => {
  const { state, hear } = begin();
  state.issued.push({ command: 'c', answerTo: '$e', at, stands: 'answered', owesSign: false });
  await hear(ended('cancelled', 'c'));
  expect(bodies(state)).toEqual(['Cancelled: gated.md (gated). as was asked']);
  expect(state.outgoing[0]?.content['m.relates_to']).toEqual({ 'm.in_reply_to': { event_id: '$e' } });
});

test('in the thread of the task where it has one', async () => {
  const { state, hear } = begin();
  state.gates.push(makeGate());
  state.issued.push({ command: 'c', answerTo: '$e', at, stands: 'answered', owesSign: false });
  await hear(ended('cancelled', 'c'));
  expect(state.outgoing[0]?.content['m.relates_to']).toMatchObject({ event_id: '$gate-gated' });
});

test('whoever cancelled a task here is told as well how it ended otherwise', async () => {
  const { state, hear } = begin();
  state.issued.push({ command: 'c', answerTo: '$e', at, stands: 'answered', owesSign: false });
  await hear(ended('rejected', 'another'));
  expect(bodies(state)).toEqual(['Rejected: gated.md (gated). as was asked']);
});

test('a cancellation from elsewhere of a task that the room knows nothing of is not told', async () => {
  const { state, hear } = begin();
  await hear(ended('cancelled', 'c'));
  expect(bodies(state)).toEqual([]);
});

test('an approval that the runner refused cannot be taken back', async () => {
  const { state, hear } = begin();
  state.approvals.push({ event: '$e', sender: '@o:x', task: 'gated', command: 'c', issued: 1, answerTo: '$g' });
  const verdict = { kind: 'verdict', key: '', command: 'c', reason: 'no', at, what: 'approve', task: null } as const;
  // Anybody can bring about a verdict on an unsigned file of the same id.
  await hear({ ...verdict, accepted: false, evidence: null });
  expect(state.approvals).toHaveLength(1);
  await hear({ ...verdict, accepted: false, evidence: '$e' });
  expect(state.approvals).toEqual([]);
});

test('what was approved and waits again is open for a decision by its name, and is not asked for anew', async () => {
  const { state } = begin();
  const volumes = scratchFolder();
  const task = makeWaitingTask('the plan');
  await writeWaitingTask(volumes, task);
  state.gates.push(makeGate({ digest: task.view.digest, closed: true }));
  const news: News = { kind: 'request', key: '', record: task.record };
  (await announce(makeAnnouncing(volumes), news, false))(state);
  expect([state.gates[0]?.closed, state.outgoing]).toEqual([false, []]);
});
