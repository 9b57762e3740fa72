import { expect, test } from 'vitest';
import { asking, question, row } from '../testing/fixture-tasks.ts';
import { type ShownQuestion, shownQuestions } from './questions.ts';
import { withRows } from './rows.ts';

const start = Date.parse('2026-01-01T00:00:00.000Z');
const answer = {
  outcome: 'answered' as const,
  text: '9090',
  channel: 'matrix' as const,
  user: '@ada:example.org',
  command: 'c',
  at: '2026-01-01T00:00:00.000Z',
};
const ofRows = (...rows: Parameters<typeof withRows>[1]) => withRows(new Map(), rows);
const seen = (shown: readonly ShownQuestion[]) => shown.map(({ row: of, overAt }) => [of.task, overAt]);

test('questions stand oldest first, and one that comes later comes behind', () => {
  const first = asking({
    task: 'one',
    question: question({ id: '1'.repeat(16), asked_at: '2026-01-01T00:00:02.000Z' }),
  });
  const older = asking({
    task: 'two',
    question: question({ id: '2'.repeat(16), asked_at: '2026-01-01T00:00:01.000Z' }),
  });
  const before = shownQuestions([], ofRows(first, older, row({ task: 'works', status: 'running' })), start);
  expect(seen(before)).toEqual([
    ['two', null],
    ['one', null],
  ]);
  const next = asking({
    task: 'two',
    question: question({ id: '3'.repeat(16), asked_at: '2026-01-01T00:00:00.000Z' }),
  });
  expect(seen(shownQuestions(before, ofRows(first, next), start))).toEqual([
    ['two', start],
    ['one', null],
    ['two', null],
  ]);
});

test('what was answered tells so for a minute, also when its task is far on by then', () => {
  const open = shownQuestions([], ofRows(asking({ task: 'one' })), start);
  const told = row({ task: 'one', status: 'running', question: question({ answer }) });
  const answered = shownQuestions(open, ofRows(told), start + 1_000);
  expect(answered.map(({ question: of }) => of.answer)).toEqual([answer]);
  const gone = shownQuestions(answered, ofRows(row({ task: 'one', status: 'review' })), start + 30_000);
  expect(gone).toBe(answered);
  expect(shownQuestions(gone, new Map(), start + 61_001)).toEqual([]);
});

test('what nobody saw open is not told of', () => {
  const told = row({ task: 'one', status: 'running', question: question({ answer }) });
  expect(shownQuestions([], ofRows(told), start)).toEqual([]);
});

test('while nothing changes it is the same, and only the clock goes on', () => {
  const rows = ofRows(asking({ task: 'one' }));
  const shown = shownQuestions([], rows, start);
  expect(shownQuestions(shown, rows, start + 1_000)).toBe(shown);
});
