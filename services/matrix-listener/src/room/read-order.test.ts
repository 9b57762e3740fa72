import { commandLimits } from '@countersign/contracts/limits.ts';
import { expect, test } from 'vitest';
import { makeGate, makeOpenTask } from '../testing/gates.ts';
import { readOrder } from './read-order.ts';

const gated = makeGate({ task: 'gated', event: '$gated' });
const works = makeOpenTask({ task: 'works', file: 'works-k7m2p.md', droppedAs: 'my work.md' });
const tasks = [makeOpenTask({ task: 'gated' }), works];

function told(...[order, typed, gates, open, about]: Parameters<typeof readOrder>) {
  const read = readOrder(order, typed, gates, open, about);
  return read.ok ? read.asked.subject : read.reason;
}

test.each([
  ['works', { task: 'works', reason: '' }],
  ['works too slow', { task: 'works', reason: 'too slow' }],
  ['works-k7m2p.md', { task: 'works', reason: '' }],
  ['my work.md because of me', { task: 'works', reason: 'because of me' }],
  ['gated.md', { task: 'gated', reason: '' }],
])('a task is cancelled by %j, also one that the room was never asked about', (typed, subject) => {
  expect(told('cancel', typed, [gated], tasks, null)).toEqual(subject);
});

test('a name that is spelt otherwise in Unicode is the same', () => {
  const open = [makeOpenTask({ task: 'coffee', file: 'cafe\u0301.md', droppedAs: 'cafe\u0301.md' })];
  expect(told('cancel', 'caf\u00e9.md', [], open, null)).toEqual({ task: 'coffee', reason: '' });
});

test.each([
  ['abcde', { task: 'abcde', reason: '' }],
  ['abcde too slow', { task: 'abcde', reason: 'too slow' }],
  ['other.md', { task: 'other.md', reason: '' }],
  ['an other.md too slow', { task: 'an other.md', reason: 'too slow' }],
])('%j, which is not known here, goes to the runner as it was typed', (typed, subject) => {
  expect(told('cancel', typed, [gated], tasks, null)).toEqual(subject);
});

test.each([
  '../../etc/passwd',
  '../x.md',
  'that, please',
  'THIS',
  '-rf',
  '$(id)',
  `${'x'.repeat(300)}.md`,
  '__proto__',
])('A16 %j names no task, and nothing is signed', (typed) => {
  expect(told('cancel', typed, [gated], tasks, null)).toMatch(/^no task is called "/);
  expect(told('retry', typed, [gated], tasks, null)).toMatch(/^no task is called "/);
});

test('without a name and without an answered message nothing is meant', () => {
  expect(told('cancel', '', [gated], tasks, null)).toMatch(/^say which: cancel /);
  expect(told('retry', '', [gated], tasks, null)).toMatch(/^say which: retry /);
});

test('in answer to a request its task is meant, and all words are the reason', () => {
  expect(told('cancel', '', [gated], tasks, gated)).toEqual({ task: 'gated', reason: '' });
  expect(told('cancel', 'too slow', [gated], tasks, gated)).toEqual({ task: 'gated', reason: 'too slow' });
  expect(told('cancel', 'gated.md too slow', [gated], tasks, gated)).toEqual({ task: 'gated', reason: 'too slow' });
  expect(told('retry', '', [gated], tasks, gated)).toEqual({ task: 'gated' });
});

test.each([
  ['cancel', 'works'],
  ['cancel', 'works too slow'],
  ['cancel', 'unknown.md too slow'],
  ['retry', 'unknown'],
  ['retry', 'works'],
] as const)('A14 in answer to the request of one task, %s %j is refused', (order, typed) => {
  expect(told(order, typed, [gated], tasks, gated)).toMatch(/^the message that you answer is about gated/);
});

test('of tasks of one name the open one is cancelled; which of the ended ones is tried again is for the runner to judge', () => {
  const old = makeGate({ task: 'first', file: 'x.first.md', droppedAs: 'x.md', closed: true });
  const open = [makeOpenTask({ task: 'second', file: 'x.md', droppedAs: 'x.md' })];
  expect(told('cancel', 'x.md', [old], open, null)).toEqual({ task: 'second', reason: '' });
  expect(told('retry', 'x.md', [old], open, null)).toEqual({ task: 'x.md' });
  expect(told('cancel', 'x.md too slow', [old], [], null)).toEqual({ task: 'x.md', reason: 'too slow' });
  expect(told('retry', 'first', [old], open, null)).toEqual({ task: 'first' });
});

test('when more than one is meant, their ids are asked for', () => {
  const open = ['first', 'second'].map((task) => makeOpenTask({ task, droppedAs: 'x.md' }));
  expect(told('cancel', 'x.md', [], open, null)).toBe('"x.md" is first and second; name the id');
  expect(told('cancel', 'second', [], open, null)).toEqual({ task: 'second', reason: '' });
});

test('an id is the task’s own, also when a file of another is called the same', () => {
  const open = [makeOpenTask({ task: 'first', file: 'second', droppedAs: 'second' }), makeOpenTask({ task: 'second' })];
  expect(told('cancel', 'second', [], open, null)).toEqual({ task: 'second', reason: '' });
});

test('what has ended is still passed on, for the runner to say so', () => {
  expect(told('cancel', 'gated', [gated], [], null)).toEqual({ task: 'gated', reason: '' });
  expect(told('retry', 'works', [], tasks, null)).toEqual({ task: 'works' });
});

test('nothing stands behind what is tried once more', () => {
  expect(told('retry', 'works please', [], tasks, null)).toBe('no task is called "works please"');
  expect(told('retry', 'other.md please', [], tasks, null)).toBe('no task is called "other.md please"');
});

test('the queue is stopped with a reason, and goes on with nothing but the word', () => {
  expect(told('pause', 'moving house', [], [], null)).toEqual({ reason: 'moving house' });
  expect(told('pause', '', [], [], gated)).toEqual({ reason: '' });
  expect(told('resume', '', [], [], gated)).toEqual({});
  expect(told('resume', 'work tomorrow', [], [], null)).toBe('resume stands alone; nothing was done');
});

test('A16 a reason is cut to what a command may hold', () => {
  const reason = 'x'.repeat(commandLimits.reasonCharacters);
  expect(told('cancel', `works ${reason}yz`, [], tasks, null)).toEqual({ task: 'works', reason });
  expect(told('pause', `${reason}yz`, [], [], null)).toEqual({ reason });
});
