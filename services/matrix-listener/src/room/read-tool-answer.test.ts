import { questionLimits } from '@countersign/contracts/limits.ts';
import { expect, test } from 'vitest';
import type { Gate } from '../state/listener-state.ts';
import { makeGate } from '../testing/gates.ts';
import { makeAsking } from '../testing/questions.ts';
import { isAsking, readToolAnswer, readToolSign } from './read-tool-answer.ts';
import type { Relation } from './relation.ts';

const colours = makeAsking('paint', ['red', 'blue', 'cancel']);
const free = makeAsking('talk', [], { thread: '$root' });
const gates = [makeGate(), colours, free];

const reply = (event: string): Relation => ({ kind: 'answer', about: [event], isReply: true, thread: null });
const inThread = (root: string): Relation => ({ kind: 'answer', about: [root], isReply: false, thread: root });
const nowhere: Relation = { kind: 'none' };

function told(text: string, relation: Relation, isCommand = false): string | null {
  const read = readToolAnswer(text, relation, gates, isCommand);
  if (read === null) return null;
  return read.ok ? `${read.asked.subject.task}: ${read.asked.subject.answer}` : `refused: ${read.reason}`;
}

test.each<[string, string, Relation, string]>([
  ['an option in reply', 'red', reply('$paint'), 'paint: red'],
  ['an option in other capitals', ' Blue ', reply('$paint'), 'paint: blue'],
  ['its number', '2', reply('$paint'), 'paint: blue'],
  ['an option in the thread', 'red', inThread('$paint'), 'paint: red'],
  ['an option that is spelt like a command', 'cancel', reply('$paint'), 'paint: cancel'],
  ['words where any will do', 'the second door', reply('$talk'), 'talk: the second door'],
  ['a name and words', 'answer talk the second door', nowhere, 'talk: the second door'],
  ['a file’s name', 'Answer paint.md RED', nowhere, 'paint: red'],
  ['words behind the verb, in reply', 'answer blue', reply('$paint'), 'paint: blue'],
  ['words behind the verb, in the thread', 'answer the second door', inThread('$root'), 'talk: the second door'],
  ['the name of the same task, in reply', 'answer paint red', reply('$paint'), 'paint: red'],
])('%s is an answer', (_, text, relation, answer) => {
  expect(told(text, relation)).toBe(answer);
});

test.each<[string, string, Relation]>([
  ['said to nobody', 'red', nowhere],
  ['in reply to another message', 'red', reply('$gate-gated')],
  ['in the thread, and no option', 'reddish', inThread('$paint')],
  ['in the thread of a question for any text', 'well, let me think', inThread('$root')],
  ['of nothing', '  ', reply('$talk')],
  ['that begin with something like the verb', 'answers are hard', nowhere],
])('A08 words %s answer nothing', (_, text, relation) => {
  expect(told(text, relation)).toBeNull();
});

test('a command stays one, unless it is an option of what it replies to', () => {
  expect(told('cancel', reply('$paint'), true)).toBe('paint: cancel');
  expect(told('cancel talk', reply('$talk'), true)).toBeNull();
  expect(told('cancel', inThread('$paint'), true)).toBeNull();
});

test.each<[string, string, Relation, RegExp]>([
  [
    'what is offered is something else',
    'green',
    reply('$paint'),
    /"green" is none of what paint offers: 1\. red, 2\. blue, 3\. cancel/,
  ],
  ['a number that none has', '4', reply('$paint'), /none of what paint offers/],
  ['nobody asks under that name', 'answer nobody yes', nowhere, /nothing that asks in this room is called "nobody"/],
  ['no name stands there', 'answer yes', nowhere, /say which/],
  ['another task is named', 'answer talk yes', reply('$paint'), /is about paint, and you name "talk"/],
])('A14 A15 it is refused where %s', (_, text, relation, reason) => {
  expect(told(text, relation)).toMatch(reason);
});

test('of two questions of a task the newest is meant by its name and its thread, and each by a reply', () => {
  const newer = makeAsking('paint', ['green'], { event: '$newer', thread: '$paint' });
  const all = [colours, newer];
  const answerOf = (text: string, relation: Relation) => readToolAnswer(text, relation, all, false);
  expect(answerOf('answer paint green', nowhere)).toMatchObject({ ok: true, gate: { event: '$newer' } });
  expect(answerOf('green', inThread('$paint'))).toMatchObject({ ok: true, gate: { event: '$newer' } });
  expect(answerOf('red', reply('$paint'))).toMatchObject({ ok: true, gate: { event: '$paint' } });
});

test('where nothing was ever asked, the verb is a word like others', () => {
  expect(readToolAnswer('answer me this', nowhere, [makeGate()], false)).toBeNull();
});

test('a tap on a number is the option of that number', () => {
  if (!isAsking(colours) || !isAsking(free)) throw new Error('both ask');
  expect(readToolSign('2️⃣', colours)).toEqual({
    kind: 'answer',
    subject: { task: 'paint', question: 'a1b2c3d4e5f60718', answer: 'blue' },
  });
  for (const key of ['4️⃣', '✅', 'red', '🔀']) expect(readToolSign(key, colours)).toBeNull();
  expect(readToolSign('1️⃣', free)).toBeNull();
});

test('A15 a file’s name means what still asks, and nothing where two tasks do; an id means its own task', () => {
  const asking = (task: string, change: Partial<Gate> = {}) => makeAsking(task, [], { file: 'x.md', ...change });
  const answerOf = (text: string, ...all: Gate[]) => {
    const read = readToolAnswer(text, nowhere, all, false);
    return read?.ok === true ? read.asked.subject.task : read?.reason;
  };
  const [one, two] = [asking('one'), asking('two')];
  expect(answerOf('answer x.md yes', one, two)).toBe('"x.md" is one and two; name the id');
  expect(answerOf('answer one yes', one, two)).toBe('one');
  expect(answerOf('answer x.md yes', one, asking('two', { closed: true }))).toBe('one');
  expect(answerOf('answer one yes', one, asking('two', { file: 'one' }))).toBe('one');
  const over = [asking('one', { closed: true }), asking('two', { closed: true })];
  expect(answerOf('answer x.md yes', ...over)).toBe('nothing that is called "x.md" asks in this room any more');
  // In reply to another task's question it is no word of an answer.
  const read = readToolAnswer('answer x.md yes', reply('$talk'), [free, ...over], false);
  expect(read).toMatchObject({ ok: false, reason: /is about talk, and you name "x.md"/ });
});

test('where any words will do, more than a tool is told are refused with how many may be', () => {
  const { answerCharacters } = questionLimits;
  const told = (characters: number) => readToolAnswer('x'.repeat(characters), reply('$talk'), gates, false);
  expect(told(answerCharacters)).toMatchObject({ ok: true });
  expect(told(answerCharacters + 1)).toEqual({ ok: false, reason: 'an answer has at most 2000 characters' });
});
