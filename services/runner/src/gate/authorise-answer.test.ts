import type { Answer } from '@countersign/contracts/question.ts';
import { expect, test } from 'vitest';
import { asking, makeRecord, question, states } from '../testing/record.ts';
import { authoriseAnswer } from './authorise-answer.ts';

const subject = { task: 'abcde', question: question.id, answer: '8080' };
const record = makeRecord({ state: asking });
const at = '2026-11-20T10:01:00.000Z';
const ended = (answer: Answer) => makeRecord({ state: { ...asking, question: { ...question, answer } } });

test('one of what is offered is an answer; where nothing is offered, any text is', () => {
  expect(authoriseAnswer(subject, record)).toEqual({ ok: true });
  expect(authoriseAnswer({ ...subject, answer: '80' }, record)).toMatchObject({
    reason: expect.stringContaining('"8080", "9090"'),
  });
  const free = makeRecord({ state: { ...asking, question: { ...question, options: [] } } });
  expect(authoriseAnswer({ ...subject, answer: 'whichever is free' }, free)).toEqual({ ok: true });
});

test.each([
  ['another question', { ...subject, question: '00000000000000bb' }, record, 'asks something else'],
  ['a task that asks nothing', subject, makeRecord({ state: states.running }), 'asks nothing'],
  ['a task that is past its work', subject, makeRecord({ state: states.review }), 'is review and asks nothing'],
  [
    'what somebody answered',
    subject,
    ended({ outcome: 'answered', text: '9090', channel: 'shell', user: 'op', command: 'c', at }),
    'op answered "9090"',
  ],
  ['what silence answered', subject, ended({ outcome: 'default', text: '9090', at }), 'its default counts, "9090"'],
  ['what silence stopped', subject, ended({ outcome: 'stopped', at }), 'is being stopped'],
  ['what nobody waits for', subject, ended({ outcome: 'withdrawn', at }), 'is gone'],
  [
    'a task that is being cancelled',
    subject,
    makeRecord({ state: asking, cancellation: { command: 'c', channel: 'shell', user: 'op', reason: '', at } }),
    'being cancelled',
  ],
])('an answer to %s is refused', (_what, given, to, words) => {
  expect(authoriseAnswer(given, to)).toMatchObject({ ok: false, reason: expect.stringContaining(words) });
});
