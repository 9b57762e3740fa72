import { expect, test } from 'vitest';
import { listenerLimits } from '../limits.ts';
import { readAnswer, readReaction, readReply, withoutQuote } from './answer.ts';

test.each([
  ['approve gated.md', 'approve', 'gated.md'],
  ['Approve gated', 'approve', 'gated'],
  ['  REJECT  gated  it is too late ', 'reject', 'gated  it is too late'],
  ['approve', 'approve', ''],
  ['reject ', 'reject', ''],
  ['approve ../../etc/passwd', 'approve', '../../etc/passwd'],
  ['approve -rf', 'approve', '-rf'],
  ['approve a;rm -rf /', 'approve', 'a;rm -rf /'],
  ['approve <b>gated</b>', 'approve', '<b>gated</b>'],
  ['Merge gated', 'merge', 'gated'],
  ['merge gated unverified', 'merge', 'gated unverified'],
  ['rebase gated.md', 'rebase', 'gated.md'],
  ['\u{feff}approve gated', 'approve', 'gated'],
] as const)('%j is a decision', (body, decision, words) => {
  expect(readAnswer(body)).toEqual({ kind: 'decision', decision, words });
});

test.each([
  ['cancel gated.md too slow', 'cancel', 'gated.md too slow'],
  ['Cancel', 'cancel', ''],
  ['retry gated', 'retry', 'gated'],
  ['PAUSE for lunch', 'pause', 'for lunch'],
  ['resume ', 'resume', ''],
] as const)('%j is an order', (body, order, words) => {
  expect(readAnswer(body)).toEqual({ kind: 'order', order, words });
});

test.each([
  '',
  'hello',
  'approved gated',
  'approve: gated',
  'please approve gated',
  'I approve gated',
  '/approve gated',
  '> approve gated',
  '* approve gated',
  '“approve gated”',
  'аpprove gated',
  'ap\u{200b}prove gated',
  'disapprove gated',
  'reject-gated',
  'merged gated',
  'merge: gated',
  'please merge gated',
  'mеrge gated',
  '> merge gated',
  'git merge gated',
])('A02 A08 %j is talk', (body) => {
  expect(readAnswer(body)).toEqual({ kind: 'talk' });
});

test.each([
  ['a line break', 'approve gated\nrm -rf /'],
  ['a line break behind the verb', 'approve\ngated'],
  ['a carriage return', 'approve gated\rreject gated'],
  ['two commands', 'approve gated\napprove other'],
  ['a merge behind it', 'approve gated\nmerge gated'],
  ['a merge of two lines', 'merge gated\nunverified'],
  ['a NUL', 'approve gated\0.md'],
  ['an escape', 'approve \u{1b}[31mgated'],
  ['a vertical tab', 'approve\vgated'],
  ['a tab', 'approve\tgated'],
  ['a tab inside', 'approve ga\tted'],
  ['a space that does not break', 'approve\u{a0}gated'],
  ['a zero-width joiner', 'approve ga\u{200d}ted'],
  ['a mark that turns the direction', 'approve \u{202e}dm.detag'],
  ['a line separator', 'approve gated\u{2028}reject gated'],
  ['half of a pair', 'approve \u{d83d}gated'],
  ['a private character', 'approve \u{e000}gated'],
  ['a character that is none', 'approve \u{ffff}gated'],
  ['a tag', 'approve \u{e0061}gated'],
  ['a soft hyphen', 'approve ga\u{ad}ted'],
])('A16 a command with %s is refused, not ignored', (_, body) => {
  expect(readAnswer(body)).toMatchObject({ kind: 'unclear' });
});

test('A16 a command has an end', () => {
  const most = listenerLimits.answerCharacters;
  const words = 'x'.repeat(most - 'approve '.length);
  expect(readAnswer(`approve ${words}`)).toEqual({ kind: 'decision', decision: 'approve', words });
  expect(readAnswer(`approve ${words}x`)).toEqual({
    kind: 'unclear',
    reason: `a command has at most ${most} characters`,
  });
  expect(readAnswer(`approve ${'x '.repeat(2_000_000)}`)).toMatchObject({ kind: 'unclear' });
});

test.each([
  ['no', 'reject', ''],
  ['No.', 'reject', ''],
  ['no, because it is too late', 'reject', 'because it is too late'],
  ['No because it is too late', 'reject', 'because it is too late'],
  ['no: wrong branch', 'reject', 'wrong branch'],
  ['yes', 'approve', ''],
  [' Yes! ', 'approve', ''],
  ['approve', 'approve', ''],
  ['reject not now', 'reject', 'not now'],
] as const)('the reply %j is a decision', (body, decision, words) => {
  expect(readReply(body)).toEqual({ kind: 'decision', decision, words });
});

test.each([
  'yes but',
  'yes, later',
  'yes no',
  'nope',
  'no way',
  'no problem',
  'not yet',
  'nobody',
  'n',
  'y',
  'ok',
  'no,',
  'oh no',
])('A08 the reply %j is talk', (body) => {
  expect(readReply(body)).toEqual({ kind: 'talk' });
});

test('A16 a reason of a reply is read as strictly as any', () => {
  expect(readReply('no, because\nmerge gated')).toMatchObject({ kind: 'unclear' });
  expect(readReply('no, because \u{202e}etal oot')).toMatchObject({ kind: 'unclear' });
  expect(readReply(`no, ${'x'.repeat(listenerLimits.answerCharacters)}`)).toMatchObject({ kind: 'unclear' });
});

test.each([
  ['✅', 'approve'],
  ['✅\u{fe0f}', 'approve'],
  ['❌', 'reject'],
  ['❌\u{fe0f}', 'reject'],
  ['🔀', 'merge'],
  ['🔀\u{fe0f}', 'merge'],
  ['🔁', null],
  ['👍', null],
  ['✔️', null],
  ['☑️', null],
  ['✅✅', null],
  ['✅❌', null],
  ['✅ ', null],
  ['approve', null],
  ['', null],
  ['\u{fe0f}', null],
] as const)('A13 the sign %j says %j', (key, decision) => {
  expect(readReaction(key)).toBe(decision);
});

test.each([
  ['approve', 'approve'],
  ['> <@agentbot:home.test> Approval required\n> approve other\n\napprove', '\napprove'],
  ['> approve other', ''],
  ['> one\n> two', ''],
  ['approve\n> a quote behind', 'approve\n> a quote behind'],
  ['', ''],
  ['>approve', ''],
  ['> one\nreject\n> two', 'reject\n> two'],
])('A08 the reply %j has the words %j of its own', (body, own) => {
  expect(withoutQuote(body)).toBe(own);
});
