import type { TaskRow } from '@countersign/contracts/page-api.ts';
import { expect, test } from 'vitest';
import { groupOf, rowKey, rowsOf, withFiles, withRows } from './rows.ts';

const row = (fields: Partial<TaskRow>): TaskRow => ({
  task: 'abcde',
  file: 'a.md',
  title: 'A',
  run: null,
  workspace: 'demo',
  stage: 'dev',
  status: 'queued',
  reason: '',
  wait: null,
  since: '2026-01-01T00:00:00.000Z',
  accepted_at: null,
  tool: null,
  model: null,
  attempts: 0,
  priority: 0,
  depends_on: [],
  change: null,
  error_class: null,
  question: null,
  cancellation: null,
  actions: [],
  ...fields,
});

test('a newer row takes the place of the one before', () => {
  const rows = withRows(withRows(new Map(), [row({ status: 'queued' })]), [row({ status: 'running' })]);
  expect([...rows.values()].map(({ status }) => status)).toEqual(['running']);
});

test('a file that was taken is its task from then on', () => {
  const rows = withRows(withRows(new Map(), [row({ task: null, status: 'waiting-for-runner' })]), [row({})]);
  expect([...rows.keys()]).toEqual(['abcde']);
});

test('nothing new leaves the rows as they are', () => {
  const rows = withRows(new Map(), [row({})]);
  expect(withRows(rows, [])).toBe(rows);
});

test('a verification that waits for its turn is not at work', () => {
  const wait = { kind: 'turn' as const, since: '2026-01-01T00:00:00.000Z', on: [] };
  expect(groupOf(row({ status: 'verifying', wait }))).toBe('waiting');
  expect(groupOf(row({ status: 'verifying', wait: null }))).toBe('running');
});

test('what asks a person something waits for that person, and is at work again once it was answered', () => {
  const wait = { kind: 'answer' as const, since: '2026-01-01T00:00:00.000Z', on: [] };
  expect(groupOf(row({ status: 'running', wait, actions: ['answer', 'cancel'] }))).toBe('attention');
  expect(groupOf(row({ status: 'running', actions: ['cancel'] }))).toBe('running');
});

test('what ended last comes first, what waits longest for a person comes first', () => {
  const at = (minute: number) => `2026-01-01T00:0${minute}:00.000Z`;
  const rows = withRows(new Map(), [
    row({ task: 'done-1', status: 'done', since: at(1) }),
    row({ task: 'done-2', status: 'failed', since: at(2) }),
    row({ task: 'ask-2', status: 'review', since: at(4) }),
    row({ task: 'ask-1', status: 'pending', since: at(3) }),
  ]);
  expect(rowsOf(rows, 'ended').map(rowKey)).toEqual(['done-2', 'done-1']);
  expect(rowsOf(rows, 'attention').map(rowKey)).toEqual(['ask-1', 'ask-2']);
});

test('what has priority is begun first', () => {
  const rows = withRows(new Map(), [row({ task: 'later', priority: 0 }), row({ task: 'first', priority: 10 })]);
  expect(rowsOf(rows, 'waiting').map(rowKey)).toEqual(['first', 'later']);
});

test('a file that is gone from the queue goes', () => {
  const file = (name: string) => row({ task: null, file: name, status: 'waiting-for-runner' });
  const rows = withFiles(withRows(new Map(), [row({}), file('a.md'), file('b.md')]), [file('b.md'), file('c.md')]);
  expect([...rows.keys()]).toEqual(['abcde', 'file:b.md', 'file:c.md']);
});
