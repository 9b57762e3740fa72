import { expect, test } from 'vitest';
import { listenerLimits } from '../limits.ts';
import { readQuestion } from './read-question.ts';

const names = ['k7m2p', 'greeting.md', 'my long name.md', 'works'];
const read = (body: string, isAnswer = false) => readQuestion(body, names, isAnswer);
const mistyped = (meant: string) => ({ kind: 'mistyped', meant });

test.each([
  ['pending', { kind: 'pending' }],
  ['Status', { kind: 'status' }],
  ['  HELP \t', { kind: 'help' }],
  ['show k7m2p', { kind: 'show', name: 'k7m2p' }],
  ['Show   K7M2P', { kind: 'show', name: 'K7M2P' }],
  ['log greeting.md', { kind: 'log', name: 'greeting.md' }],
  ['diff my long name.md', { kind: 'diff', name: 'my long name.md' }],
  ['show not known.md', { kind: 'show', name: 'not known.md' }],
  ['show k7', { kind: 'show', name: 'k7' }],
  ['show ../../etc/passwd', { kind: 'show', name: '../../etc/passwd' }],
  ['show', { kind: 'show', name: '' }],
])('%j asks', (body, question) => {
  expect(read(body)).toEqual(question);
});

test.each([
  ['stauts', 'status'],
  ['pendign', 'pending'],
  ['hlep', 'help'],
  ['puase', 'pause'],
  ['aprove k7m2p', 'approve k7m2p'],
  ['Aprove k7m2q', 'approve k7m2p'],
  ['aprove k9999', 'approve k9999'],
  ['rejct works too late', 'reject works too late'],
  ['shwo greting.md', 'show greeting.md'],
  ['canecl my long name.md wrong', 'cancel my long name.md wrong'],
  ['rnu demo: fix it', 'run demo: fix it'],
])('%j is a slip for %j', (body, meant) => {
  expect(read(body)).toEqual(mistyped(meant));
});

test('a verb that takes a task is a slip on its own only in answer to a message about one', () => {
  expect(read('aprove')).toBeNull();
  expect(read('aprove', true)).toEqual(mistyped('approve'));
});

test.each([
  '',
  ' ',
  'thanks',
  'status of the disk?',
  'status now',
  'help me with this',
  'pending reviews are many',
  'show me the money',
  'shop tomorrow',
  'merged yesterday',
  'a log of wood',
  'fun',
  'ran home',
  'paused?',
  'résume',
  'stаtus',
  'sta\u200btus',
  '\u202estatus',
  'ｓｔａｔｕｓ',
  '/status',
  '!status',
  '`status`',
  'status\nstatus',
  'show k7m2p\napprove k7m2p',
  '> status',
  'constructor',
  `show ${'x'.repeat(listenerLimits.answerCharacters)}`,
])('A02 A16 %j is talk', (body) => {
  expect(read(body)).toBeNull();
});
