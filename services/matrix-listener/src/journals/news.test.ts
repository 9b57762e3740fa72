import type { JournalEvent } from '@countersign/contracts/event.ts';
import { makeReviewTask } from '@countersign/kit/testing/review-task.ts';
import { makeRecord } from '@countersign/kit/testing/waiting-task.ts';
import { expect, test } from 'vitest';
import { messageKey } from '../state/key.ts';
import { newsOf, noteOf } from './news.ts';

const since = '2026-11-20T10:00:00.000Z';
const digest = 'd'.repeat(64);
const pending = makeRecord({ status: 'pending', wait: null, since, reason: '', digest, expires_at: since });
const running = makeRecord({
  status: 'running',
  wait: null,
  since,
  reason: '',
  attempt: 1,
  slot: null,
  approval: null,
  question: null,
});

function event(change: Partial<JournalEvent> & Pick<JournalEvent, 'event'>): JournalEvent {
  return {
    ts: since,
    seq: 1,
    prev: '0'.repeat(64),
    phase: 'gate',
    agent_role: 'runner',
    summary: 'so it is',
    ...change,
  };
}

test('a task that has come to its gate is a request, known by its digest alone', () => {
  expect(newsOf(event({ event: 'approval_requested', data: { record: pending } }))).toEqual({
    kind: 'request',
    key: messageKey('request', digest),
    record: pending,
  });
  expect(newsOf(event({ event: 'task_waiting', seq: 9, data: { record: pending, more: 1 } }))).toMatchObject({
    key: messageKey('request', digest),
  });
});

test.each([
  ['review_requested', null],
  ['task_waiting', null],
  ['merge_refused', 'merge'],
  ['rebase_ended', 'rebase'],
] as const)('a result that waits to be merged is one, after %s too', (name, back) => {
  const { record } = makeReviewTask();
  expect(newsOf(event({ event: name, data: { record } }))).toEqual({
    kind: 'review',
    key: messageKey(name, '0'.repeat(64), '1'),
    record,
    back,
  });
});

test.each([
  ['task_started', false],
  ['task_approved', false],
  ['task_requeued', false],
  ['merge_started', false],
  ['merge_ended', true],
  ['task_ended', true],
  ['task_expired', true],
  ['task_rejected', true],
] as const)('a task that is elsewhere has moved; with %s it has ended: %s', (name, hasEnded) => {
  expect(newsOf(event({ event: name, data: { record: running, command_id: 'c' } }))).toEqual({
    kind: 'moved',
    key: messageKey(name, '0'.repeat(64), '1'),
    record: running,
    hasEnded,
    command: 'c',
  });
  expect(newsOf(event({ event: name, data: { record: running } }))).toMatchObject({ command: null });
});

test.each([
  ['command_accepted', true],
  ['command_refused', false],
] as const)('%s on a command of this channel is its verdict', (name, accepted) => {
  const data = { command: 'c', kind: 'approve', channel: 'matrix', user: '@o:home.test', evidence: '$e' };
  expect(newsOf(event({ event: name, data }))).toEqual({
    kind: 'verdict',
    key: messageKey('verdict', 'c'),
    command: 'c',
    accepted,
    reason: 'so it is',
    at: since,
    what: 'approve',
    task: null,
    evidence: '$e',
  });
});

test.each([
  ['one without a signature', { command: 'c' }],
  ['one of another channel', { command: 'c', kind: 'approve', channel: 'shell', evidence: '$e' }],
  ['one whose evidence is no event', { command: 'c', kind: 'approve', channel: 'matrix', evidence: 'argv' }],
  ['one whose evidence is two', { command: 'c', kind: 'approve', channel: 'matrix', evidence: '$e\n$f' }],
])('A29 the refusal of %s cannot pass for a verdict', (_, data) => {
  expect(newsOf(event({ event: 'command_refused', data }))).toMatchObject({
    kind: 'verdict',
    key: messageKey('unsigned', 'c'),
    evidence: null,
  });
});

test('a line that the operator sends is told, each time that it is sent', () => {
  const one = newsOf(event({ event: 'message', summary: 'hello', data: { command_id: 'a' } }));
  const two = newsOf(event({ event: 'message', summary: 'hello', seq: 2, prev: 'a'.repeat(64) }));
  expect(one).toMatchObject({ kind: 'line', text: 'hello' });
  expect(two).toMatchObject({ kind: 'line', text: 'hello' });
  expect(one?.key).not.toBe(two?.key);
});

test.each(['queue_paused', 'queue_resumed'] as const)('%s is told, with the command that brought it about', (name) => {
  const told = { kind: 'queue', text: 'so it is' };
  expect(newsOf(event({ event: name }))).toMatchObject({ ...told, command: null });
  expect(newsOf(event({ event: name, data: { command_id: 'c', more: 1 } }))).toMatchObject({ ...told, command: 'c' });
});

test.each([
  ['breaker_opened', true],
  ['breaker_closed', false],
] as const)('%s is told of one workspace and tool, whatever else is said of it', (name, isOpen) => {
  const breaker = { workspace: 'demo', tool: 'agent', failures: 3 };
  const plain = newsOf(event({ event: name, data: breaker }));
  expect(plain).toMatchObject({ kind: 'breaker', isOpen, text: 'so it is' });
  const again = newsOf(event({ event: name, seq: 2, data: { ...breaker, failures: 4 } }));
  expect(again?.kind === 'breaker' && again.name).toBe(plain?.kind === 'breaker' && plain.name);
  const other = newsOf(event({ event: name, data: { ...breaker, tool: 'other' } }));
  expect(other?.kind === 'breaker' && other.name).not.toBe(plain?.kind === 'breaker' && plain.name);
});

test('a probe of a breaker is nothing that concerns the room', () => {
  expect(newsOf(event({ event: 'breaker_probing', data: { workspace: 'demo', tool: 'agent' } }))).toBeNull();
});

test.each(['task_retried', 'approval_revoked', 'budget_exceeded'] as const)(
  '%s says something beside where its task stands',
  (name) => {
    const one = event({ event: name, task_id: 'gated', data: { record: pending, command_id: 'c' } });
    expect(noteOf(one)).toMatchObject({ kind: 'note', task: 'gated', what: name, text: 'so it is', command: 'c' });
    expect(newsOf(one)).toMatchObject({ kind: 'request' });
    expect(noteOf(one)?.key).not.toBe(newsOf(one)?.key);
    expect(noteOf(event({ event: name }))).toBeNull();
  },
);

test('most events say nothing beside it', () => {
  expect(noteOf(event({ event: 'task_ended', task_id: 'gated', data: { record: pending } }))).toBeNull();
});

test.each([
  ['a start of the runner', event({ event: 'runner_started' })],
  ['a verdict without a command', event({ event: 'command_refused', data: {} })],
  ['a verdict on a number', event({ event: 'command_refused', data: { command: 5 } })],
  ['a verdict without data', event({ event: 'command_accepted' })],
  ['a task without a record', event({ event: 'task_ended', data: {} })],
  ['a record that is none', event({ event: 'task_ended', data: { record: { ...running, id: '../x' } } })],
  ['a record with more in it', event({ event: 'task_ended', data: { record: { ...running, more: 1 } } })],
])('%s is nothing that concerns the room', (_, told) => {
  expect(newsOf(told)).toBeNull();
});
