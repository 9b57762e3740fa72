import { expect, test } from 'vitest';
import { makeGate } from '../testing/gates.ts';
import { findGate, newestInThread } from './gates.ts';

const gated = makeGate({ task: 'gated', seen: 1 });
const other = makeGate({ task: 'other', seen: 2 });

function taskOf(...[decision, words, gates, about]: Parameters<typeof findGate>) {
  const found = findGate(decision, words, gates, about);
  return found.ok ? [found.gate.event, found.rest] : found.reason;
}

test.each([
  ['its id', 'gated'],
  ['its file', 'gated.md'],
])('a task is named by %s', (_, words) => {
  expect(findGate('approve', words, [gated, other], null)).toEqual({ ok: true, gate: gated, rest: '' });
  expect(findGate('reject', `${words} too late`, [gated, other], null)).toEqual({
    ok: true,
    gate: gated,
    rest: 'too late',
  });
});

test('a task is named by the name under which its file was dropped, too', () => {
  const renamed = makeGate({ task: 'gated', file: 'gated-k7m2p.md', droppedAs: 'gated.md' });
  expect(findGate('approve', 'gated.md', [renamed], null)).toMatchObject({ ok: true, gate: renamed });
  expect(findGate('approve', 'gated-k7m2p.md', [renamed], null)).toMatchObject({ ok: true, gate: renamed });
});

/** That it is refused, perhaps with what was meant. */
const nothingCalled = (words: string) => {
  const reason = `nothing that was asked for in this room is called ${JSON.stringify(words)}`;
  return expect.toSatisfy(
    (told: unknown) =>
      told === reason || told === `${reason}; did you mean gated?` || told === `${reason}; did you mean gated.md?`,
  );
};

test.each([
  ['a prefix', 'gate'],
  ['a prefix of a file', 'gated.m'],
  ['a longer name', 'gated2'],
  ['another case', 'GATED'],
  ['a path', '../gated.md'],
  ['a path that leads back', './gated.md'],
  ['an absolute path', '/volumes/inbox/pending/gated.md'],
  ['an encoded name', 'gated%2emd'],
  ['a look-alike', 'gаted'],
  ['an option', '-rf'],
  ['a pattern', 'gated*'],
  ['a shell word', 'gated;rm'],
  ['two names', 'gated other'],
  ['a name with more behind it', 'gated now'],
  ['what lies in every object', '__proto__'],
])('A15 A16 an approval of %s is of nothing', (_, words) => {
  expect(taskOf('approve', words, [gated, other], null)).toEqual(nothingCalled(words));
});

test('A16 a long name is quoted in part', () => {
  expect(taskOf('approve', 'x'.repeat(2_000), [gated], null)).toBe(
    `nothing that was asked for in this room is called ${JSON.stringify(`${'x'.repeat(80)}…`)}`,
  );
});

test('without a name and without an answered message nothing is meant', () => {
  expect(taskOf('approve', '', [gated], null)).toBe(
    'say which: approve <file or id>, or reply to the message that asks',
  );
  expect(taskOf('reject', '', [gated], null)).toMatch(/^say which: reject/);
});

test('a name means the newest message that asked for that task, not a later one of another', () => {
  const gates = [
    makeGate({ task: 'gated', event: '$first', seen: 1, closed: true }),
    makeGate({ task: 'gated', event: '$third', seen: 3 }),
    makeGate({ task: 'gated', event: '$second', seen: 2, closed: true }),
    makeGate({ task: 'other', event: '$fourth', seen: 4 }),
  ];
  expect(taskOf('approve', 'gated', gates, null)).toEqual(['$third', '']);
});

test('of messages that wait no more the newest is meant, so that the runner can say what became of it', () => {
  const gates = [
    makeGate({ task: 'aa', file: 'x.md', event: '$old', seen: 1, closed: true }),
    makeGate({ task: 'bb', file: 'x.md', event: '$new', seen: 2, closed: true }),
  ];
  expect(taskOf('approve', 'x.md', gates, null)).toEqual(['$new', '']);
  expect(taskOf('approve', 'aa', gates, null)).toEqual(['$old', '']);
});

test('A15 a file name that two waiting tasks have is refused with their ids; an id is not', () => {
  const gates = [
    makeGate({ task: 'aa', file: 'x.md', event: '$a', seen: 1 }),
    makeGate({ task: 'bb', file: 'x.md', event: '$b', seen: 2 }),
  ];
  expect(taskOf('approve', 'x.md', gates, null)).toBe('"x.md" is aa and bb; name the id');
  expect(taskOf('approve', 'aa', gates, null)).toEqual(['$a', '']);
});

test('A15 a file name that was used before means the task that waits now', () => {
  const gates = [
    makeGate({ task: 'aa', file: 'x.md', event: '$a', seen: 2, closed: true }),
    makeGate({ task: 'bb', file: 'x.md', event: '$b', seen: 1 }),
  ];
  expect(taskOf('approve', 'x.md', gates, null)).toEqual(['$b', '']);
});

test('A15 names that look the same are the same, however they are put together', () => {
  const composed = 'caf\u{e9}.md';
  const decomposed = 'cafe\u{301}.md';
  const one = makeGate({ task: 'aa', file: decomposed, droppedAs: decomposed, event: '$a' });
  const two = makeGate({ task: 'bb', file: composed, droppedAs: composed, event: '$b' });
  expect(taskOf('approve', composed, [one], null)).toEqual(['$a', '']);
  expect(taskOf('approve', decomposed, [two], null)).toEqual(['$b', '']);
  expect(taskOf('approve', composed, [one, two], null)).toBe(`"${composed}" is aa and bb; name the id`);
});

test('a name may hold spaces: the longest one that fits is meant', () => {
  const gates = [
    makeGate({ task: 'aa', file: 'fix.md', droppedAs: 'fix.md', event: '$a' }),
    makeGate({ task: 'bb', file: 'fix.md later.md', droppedAs: 'b.md', event: '$b' }),
  ];
  expect(taskOf('approve', 'fix.md later.md', gates, null)).toEqual(['$b', '']);
  expect(taskOf('reject', 'fix.md later.md please', gates, null)).toEqual(['$b', 'please']);
  expect(taskOf('reject', 'fix.md later', gates, null)).toEqual(['$a', 'later']);
});

test('an answer to a message needs no name', () => {
  expect(findGate('approve', '', [gated, other], gated)).toEqual({ ok: true, gate: gated, rest: '' });
  expect(findGate('reject', 'this is too much', [gated, other], gated)).toEqual({
    ok: true,
    gate: gated,
    rest: 'this is too much',
  });
});

test('A14 an answer to a message that names the same task means that message, also when there is a newer one', () => {
  const newer = makeGate({ task: 'gated', event: '$newer', seen: 9 });
  expect(findGate('approve', 'gated.md', [gated, newer], gated)).toMatchObject({ ok: true, gate: gated });
  expect(findGate('reject', 'gated no', [gated, newer], gated)).toMatchObject({ ok: true, gate: gated, rest: 'no' });
});

test.each([
  ['approve', 'other'],
  ['approve', 'other.md'],
  ['approve', 'unknown'],
  ['reject', 'other because of this'],
] as const)('A14 an answer to the message about one task that says %s %s is refused', (decision, words) => {
  expect(taskOf(decision, words, [gated, other], gated)).toBe(
    `the message that you answer is about gated (gated.md), and you name ${JSON.stringify(words)}`,
  );
});

test('an answered message that waits no more is meant nevertheless', () => {
  const closed = makeGate({ task: 'gated', closed: true, seen: null });
  expect(findGate('approve', '', [], closed)).toMatchObject({ ok: true, gate: closed });
});

const asked = makeGate({ task: 'gated', event: '$asked', seen: 1, closed: true });
const first = makeGate({
  task: 'gated',
  asks: 'review',
  event: '$first',
  thread: '$asked',
  digest: 'a'.repeat(64),
  seen: 2,
  closed: true,
});
const second = makeGate({ ...first, event: '$second', digest: 'c'.repeat(64), seen: 3, closed: false });

test('a merge means the newest result of the task that was shown, an approval the newest request, a rejection either', () => {
  const gates = [asked, first, second, other];
  for (const words of ['gated', 'gated.md', 'gated unverified'])
    expect(taskOf('merge', words, gates, null)).toEqual(['$second', words.endsWith('unverified') ? 'unverified' : '']);
  expect(taskOf('rebase', 'gated', gates, null)).toEqual(['$second', '']);
  expect(taskOf('approve', 'gated', gates, null)).toEqual(['$asked', '']);
  expect(taskOf('reject', 'gated too much', gates, null)).toEqual(['$second', 'too much']);
  expect(taskOf('merge', 'gated', [asked, first], null)).toEqual(['$first', '']);
});

test.each([
  ['merge', 'gate'],
  ['merge', 'gated now'],
  ['merge', 'gated unverified now'],
  ['merge', 'gatedunverified'],
  ['rebase', 'gated unverified'],
  ['merge', 'GATED'],
  ['merge', 'gаted'],
  ['merge', '../gated'],
  ['merge', 'gated;rm'],
] as const)('A15 A16 %s %s is of nothing', (decision, words) => {
  expect(taskOf(decision, words, [asked, second], null)).toEqual(nothingCalled(words));
});

test('A14 what a message did not ask for is not decided by an answer to it, and the way is told', () => {
  const merge = 'gated is past its approval; what waits is the merge of its result: merge gated';
  for (const words of ['', 'gated']) {
    expect(taskOf('approve', words, [asked, second], second)).toBe(merge);
    expect(taskOf('merge', words, [asked], asked)).toBe('gated has no result in this room that you could merge');
  }
  expect(taskOf('approve', 'gated', [second], null)).toBe(merge);
  expect(taskOf('merge', 'gated', [asked], null)).toBe('gated has no result in this room that you could merge');
  expect(taskOf('merge', '', [asked, second], null)).toMatch(/^say which: merge/);
  expect(taskOf('merge', 'unverified', [asked, second], null)).toMatch(/^say which: merge/);
});

test('an answer to the message about a result needs no name, and may say that nothing was checked', () => {
  expect(taskOf('merge', '', [second], first)).toEqual(['$first', '']);
  expect(taskOf('merge', 'Unverified', [second], first)).toEqual(['$first', 'Unverified']);
  expect(taskOf('merge', 'gated.md unverified', [second], first)).toEqual(['$first', 'unverified']);
  expect(taskOf('rebase', '', [second], second)).toEqual(['$second', '']);
  expect(taskOf('reject', 'not like this', [second], second)).toEqual(['$second', 'not like this']);
  expect(taskOf('merge', 'other', [second, other], second)).toMatch(/^the message that you answer is about gated/);
});

test('a file whose name ends in the word is that file', () => {
  const odd = makeGate({ ...second, task: 'oddly', file: 'gated unverified', droppedAs: 'o.md', event: '$odd' });
  expect(taskOf('merge', 'gated unverified', [second, odd], null)).toEqual(['$odd', '']);
  expect(taskOf('merge', 'gated unverified unverified', [second, odd], null)).toEqual(['$odd', 'unverified']);
});

test('A14 in a thread the newest message there counts that the verb can be about', () => {
  const elsewhere = makeGate({ ...second, event: '$elsewhere', thread: '$else', seen: 9 });
  const gates = [asked, first, second, elsewhere];
  expect(newestInThread('merge', '$asked', gates)?.event).toBe('$second');
  expect(newestInThread('approve', '$asked', gates)?.event).toBe('$asked');
  expect(newestInThread('reject', '$asked', gates)?.event).toBe('$second');
  expect(newestInThread('merge', '$nothing', gates)).toBeNull();
  expect(newestInThread('merge', null, gates)).toBeNull();
});
