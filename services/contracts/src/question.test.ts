import { expect, test } from 'vitest';
import { questionLimits } from './limits.ts';
import { AskedQuestion, meantAnswer } from './question.ts';
import { questionOf, taskRoom } from './task-room.ts';

const asked = { text: 'Which port?', options: ['8080', '9090'], default: '8080', deadline_sec: 60 };

test('a question of usual shape is taken as it is, and has a deadline where it names none', () => {
  expect(AskedQuestion.parse(asked)).toEqual(asked);
  const { deadline_sec: _, ...without } = asked;
  expect(AskedQuestion.parse(without).deadline_sec).toBe(questionLimits.usualSec);
});

test.each([
  ['has no text', { text: '' }],
  ['has a text without end', { text: 'x'.repeat(questionLimits.textCharacters + 1) }],
  ['has the same option twice', { options: ['8080', '8080'] }],
  ['has more options than there is room for', { options: Array.from({ length: 11 }, (_, index) => `o${index}`) }],
  ['has an option that is none', { options: ['8080', ''] }],
  ['has an option of two lines', { options: ['8080', 'a\nb'] }],
  ['has an option with an escape sequence', { options: ['8080', '\u001b[31mred'] }],
  ['has an option that is turned around when it is shown', { options: ['8080', '\u202eno'] }],
  ['has an option that looks like another by a space', { options: ['8080', '8080 '] }],
  ['has a default that cannot be picked', { default: 'yes' }],
  ['has a deadline in no time', { deadline_sec: questionLimits.leastSec - 1 }],
  ['has a deadline that nobody lives to see', { deadline_sec: questionLimits.mostSec + 1 }],
  ['says more than there is to say', { approve: true }],
])('a question is refused that %s', (_what, change) => {
  expect(AskedQuestion.safeParse({ ...asked, ...change }).success).toBe(false);
});

test.each([
  ['yes', ['yes', 'no'], 'yes'],
  [' YES ', ['yes', 'no'], 'yes'],
  ['2', ['yes', 'no'], 'no'],
  ['2', ['2', '1'], '2'],
  ['3', ['yes', 'no'], null],
  ['0', ['yes', 'no'], null],
  ['Yes', ['yes', 'YES'], null],
  ['y', ['yes', 'no'], null],
  ['', ['yes', 'no'], null],
  ['  in the second drawer ', [], 'in the second drawer'],
  ['   ', [], null],
  ['x'.repeat(questionLimits.answerCharacters + 1), [], null],
])('who types %j at the options %j means %j', (words, options, meant) => {
  expect(meantAnswer({ options }, words)).toBe(meant);
});

test('a plain message is a question that any text answers and that silence stops', () => {
  expect(questionOf({ msgtype: 'm.text', body: 'Which port?' }).data).toEqual({
    text: 'Which port?',
    options: [],
    default: null,
    deadline_sec: questionLimits.usualSec,
  });
  const own = { options: ['a', 'b'], default: 'b', deadline_sec: 30 };
  expect(questionOf({ msgtype: 'm.text', body: '?', 'org.countersign.question': own }).data).toEqual({
    text: '?',
    ...own,
  });
  expect(taskRoom).toBe('!task:countersign');
});
