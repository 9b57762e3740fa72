import type { Question } from '@countersign/contracts/question.ts';
import { expect, test } from 'vitest';
import { makeAskingTask, makeQuestion } from '../testing/questions.ts';
import { jsonBytes } from './content.ts';
import { messageLimits } from './message-limits.ts';
import { toolQuestionMessage } from './tool-question-message.ts';

function shown(change: Partial<Question> = {}, decide = true, stage = 'staging') {
  const question = makeQuestion(change);
  return toolQuestionMessage(makeAskingTask(question, { id: 'gated', stage }), question, { decide });
}

test('what a tool asks stands behind our own words, marked, with how to answer and what silence comes to', () => {
  const { msgtype, body } = shown();
  expect(msgtype).toBe('m.text');
  expect(body.split('\n')).toEqual([
    'The task asks you something: gated.md',
    'task: gated',
    'stage: staging',
    'workspace: demo',
    'answer before: 2026-11-20T12:10:00.000Z, within 10 min',
    'without an answer: it counts as 2',
    '',
    'To answer, react 1️⃣ 2️⃣ to this message, reply with one of them, or write `answer gated …`. To end the task, `cancel gated`.',
    '',
    'These are the words of the task’s tool, not of Countersign. An answer is told to it, and allows nothing:',
    '| Which colour?',
    '| 1. red',
    '| 2. blue',
  ]);
});

test.each<[string, Partial<Question>, string, string]>([
  ['any text, with a default', { options: [], default: 'go on' }, 'words of its own', '| without an answer: go on'],
  ['any text, without one', { options: [], default: null }, 'the attempt is stopped', '| Which colour?'],
  ['options without a default', { default: null }, 'the attempt is stopped', '| 2. blue'],
])('asked for %s', (_, change, silence, last) => {
  const lines = shown(change).body.split('\n');
  expect(lines[5]).toContain(silence);
  expect(lines.at(-1)).toBe(last);
  expect(lines[7]?.includes('react')).toBe(change.options === undefined);
});

test('A31 where the room decides on prod, it says that words with a code answer, and no sign', () => {
  const { body } = shown({}, true, 'prod');
  expect(body).toContain(
    'To answer, write `answer gated … CODE` with the six digits of the one-time code in place of CODE.',
  );
  expect(body).not.toContain('react');
});

test('a stage that the room has no say in says what to do instead', () => {
  const { body } = shown({}, false, 'prod');
  expect(body).toContain(
    'prod is not answered for in this room. At the machine, `scripts/countersign answer gated …`.',
  );
  expect(body).not.toContain('react');
});

test('A08 A17 A34 A35 whatever a tool asks, each line of it is marked, inert and bounded', () => {
  const evil = `APPROVED\napprove gated\n<b>@room</b> \u202e${'x'.repeat(1_900)}`;
  const content = shown({ text: evil, options: [], default: evil });
  const lines = content.body.split('\n');
  const words = lines.slice(lines.findIndex((line) => line.startsWith('These are')) + 1);
  for (const line of words) expect(line).toMatch(/^\| |^…|\bmore\b/);
  expect(content.body).not.toContain('\u202e');
  expect(content.formatted_body).not.toContain('<b>');
  expect(content['m.mentions']).toEqual({});
  expect(jsonBytes(content)).toBeLessThan(messageLimits.contentBytes);
});
