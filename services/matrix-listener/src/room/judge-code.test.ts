import { codeLimits } from '@countersign/contracts/limits.ts';
import { expect, test } from 'vitest';
import { makeGate } from '../testing/gates.ts';
import { makeAsking, makeQuestion } from '../testing/questions.ts';
import {
  bot,
  edit,
  eventId,
  observed,
  otherRoom,
  type RawEvent,
  reaction,
  redaction,
  reply,
  said,
  saidAt,
  stranger,
} from '../testing/room-events.ts';
import { makeSurroundings } from '../testing/surroundings.ts';
import { judge, type Surroundings } from './judge.ts';

const stage = 'prod';
const live = makeGate({ task: 'live', event: '$live', stage });
const result = makeGate({ task: 'done', event: '$done', stage, asks: 'review', digest: 'd'.repeat(64), seen: 2 });
const staged = makeGate({ task: 'staged', event: '$staged', seen: 3 });
const stagedResult = makeGate({ task: 'ready', event: '$ready', asks: 'review', seen: 4 });
const choice = makeAsking('paint', ['red', 'build 987654'], { stage, seen: 5 });
const free = makeAsking('write', [], { stage, seen: 6 });
const around = makeSurroundings({ gates: [live, result, staged, stagedResult, choice, free] });
const nobody = { codeGivers: new Set<string>() };

function judged(event: RawEvent, change: Partial<Surroundings> = {}) {
  return judge(observed(event), { ...around, ...change });
}

function inThread(body: string, root: string): RawEvent {
  const relation = { rel_type: 'm.thread', event_id: eventId(root) };
  return said('e', '', { content: { msgtype: 'm.text', body, 'm.relates_to': relation } });
}

const code = '123456';
/** Every way to let something happen on prod, with the code at its end. */
const ways: readonly (readonly [string, (end: string, change?: Partial<RawEvent>) => RawEvent, object])[] = [
  ['a name', (end, change) => said('e', `approve live${end}`, change), { gate: live, reason: '' }],
  ['a file', (end, change) => said('e', `Approve live.md${end}`, change), { gate: live, reason: '' }],
  ['a reply', (end, change) => reply('e', `approve${end}`, 'live', change), { gate: live, reason: '' }],
  ['a yes', (end, change) => reply('e', `Yes${end}`, 'live', change), { gate: live, reason: '' }],
  ['a word in the thread', (end, change) => ({ ...inThread(`approve${end}`, 'live'), ...change }), { gate: live }],
  ['a merge', (end, change) => said('e', `merge done${end}`, change), { gate: result, reason: '' }],
  ['a merge in reply', (end, change) => reply('e', `merge${end}`, 'done', change), { gate: result, reason: '' }],
  [
    'a merge without checks',
    (end, change) => said('e', `merge done unverified${end}`, change),
    { gate: result, reason: 'unverified' },
  ],
  [
    'the same in reply',
    (end, change) => reply('e', `merge Unverified${end}`, 'done', change),
    { gate: result, reason: 'Unverified' },
  ],
];

test.each(ways)('on prod %s takes the code that stands last', (_, make, decided) => {
  expect(judged(make(` ${code}`))).toMatchObject({ kind: 'decide', ...decided, code, answerTo: '$e' });
});

test.each(ways)('A31 on prod %s without a code is refused by words that say what to send', (_, make) => {
  expect(judged(make(''))).toMatchObject({
    kind: 'refuse',
    reason: expect.stringMatching(
      /^prod needs the one-time code of the moment; send: (approve|merge) (live|done).* CODE,/,
    ),
    isStranger: false,
  });
});

test.each(ways)('A01 A08 A10 A11 %s with a code counts only as one without it would', (_, make) => {
  const of = (change: Partial<RawEvent>, more: Partial<Surroundings> = {}) => judged(make(` ${code}`, change), more);
  expect(of({ sender: stranger })).toMatchObject({ kind: 'refuse', isStranger: true });
  expect(of({ sender: bot }).kind).toBe('ignore');
  expect(of({ room_id: otherRoom }).kind).toBe('ignore');
  expect(of({ unsigned: { redacted_because: redaction('r', 'e') } }).kind).toBe('ignore');
  expect(of({}, { redacted: new Set(['$e']) }).kind).toBe('ignore');
  expect(of({ unsigned: { 'm.relations': { 'm.replace': {} } } }).kind).not.toBe('decide');
});

test('A08 a code in a quote, in HTML alone or on another line is none', () => {
  expect(judged(reply('e', `> <@o:x> approve live ${code}\n\nyes`, 'live'))).toMatchObject({ kind: 'refuse' });
  const html = { msgtype: 'm.text', body: 'approve live', formatted_body: `approve live ${code}` };
  expect(judged(said('e', '', { content: html })).kind).toBe('refuse');
  const hidden = { msgtype: 'm.text', body: `approve live ${code}`, formatted_body: 'approve live' };
  expect(judged(said('e', '', { content: hidden })).kind).toBe('refuse');
  expect(judged(said('e', `approve live\n${code}`)).kind).toBe('refuse');
  expect(judged({ ...said('e', `approve live ${code}`), content: { msgtype: 'm.notice', body: 'x' } }).kind).toBe(
    'ignore',
  );
});

test('A10 an edit brings no code', () => {
  for (const body of [`approve live ${code}`, `merge done ${code}`]) {
    const judgement = judged(edit('e', body, 'earlier'));
    expect(judgement).toMatchObject({ kind: 'refuse', reason: expect.stringMatching(/edited/) });
    expect(JSON.stringify(judgement)).not.toContain(code);
  }
});

test.each([
  ['✅', 'live', 'approve live CODE'],
  ['✅\u{fe0f}', 'live', 'approve live CODE'],
  ['🔀', 'done', 'merge done CODE'],
  ['1️⃣', 'paint', 'answer paint <words> CODE'],
])('A13 A31 %s on prod decides nothing, and what to send is said', (sign, to, what) => {
  expect(judged(reaction('e', sign, to))).toEqual({
    kind: 'refuse',
    reason: `prod needs the one-time code of the moment; send: ${what}, with its six digits in place of CODE`,
    answerTo: `$${to}`,
    isStranger: false,
  });
  expect(judged(reaction('e', sign, to, { sender: stranger }))).toMatchObject({ kind: 'refuse', isStranger: true });
});

test('what lets nothing happen needs no code, and its words stay what they are', () => {
  expect(judged(reaction('e', '❌', 'live'))).toMatchObject({ kind: 'decide', decision: 'reject' });
  const rejected = judged(said('e', `reject live ${code}`));
  expect(rejected).toMatchObject({ kind: 'decide', decision: 'reject', reason: code });
  expect(rejected).not.toHaveProperty('code');
  expect(judged(reply('e', `no, ${code}`, 'live'))).toMatchObject({ decision: 'reject', reason: code });
  expect(judged(said('e', 'rebase done'))).toMatchObject({ kind: 'decide', decision: 'rebase' });
  expect(judged(said('e', `cancel live ${code}`))).toMatchObject({
    kind: 'order',
    asked: { kind: 'cancel', subject: { task: 'live', reason: code } },
  });
});

test('A15 a name is never taken for a code, nor a code for a name', () => {
  const numbered = makeGate({ task: code, event: '$numbered', stage, seen: 9 });
  const with6 = { gates: [...around.gates, numbered] };
  const wanted = { kind: 'refuse', reason: expect.stringMatching(/^prod needs/) };
  expect(judged(said('e', `approve ${code}`), with6)).toMatchObject(wanted);
  expect(judged(reply('e', `approve ${code}`, 'numbered'), with6)).toMatchObject(wanted);
  expect(judged(said('e', `approve ${code} 654321`), with6)).toMatchObject({ gate: numbered, code: '654321' });
  expect(judged(reply('e', 'approve 654321', 'numbered'), with6)).toMatchObject({ gate: numbered, code: '654321' });
  // In reply to another message it is a name, and that message is not what it names.
  expect(judged(reply('e', `approve ${code}`, 'live'), with6)).toMatchObject({
    kind: 'refuse',
    reason: expect.stringMatching(/is about live .*and you name/),
  });
  const file = makeGate({ task: 'filed', file: `x ${code}.md`, event: '$filed', stage, seen: 10 });
  const filed = { gates: [...around.gates, file] };
  expect(judged(said('e', `approve x ${code}.md`), filed)).toMatchObject(wanted);
  expect(judged(said('e', `approve x ${code}.md ${code}`), filed)).toMatchObject({ gate: file, code });
});

test.each([
  `approve ${code}`,
  `merge unverified ${code}`,
  `approve unknown ${code}`,
  `merge live ${code}`,
  `approve done ${code}`,
  `rebase done ${code}`,
  `retry done ${code}`,
  `resume ${code}`,
  `approve live 123 456`,
  `answer nowhere blue ${code}`,
  `answer paint blue ${code}`,
  `aprove live ${code}`,
  `mrege done unverified ${code}`,
])('a code in %j, which counts for nothing, is not repeated', (body) => {
  const judgement = judged(said('e', body));
  expect(judgement.kind).toMatch(/refuse|ask/);
  expect(JSON.stringify(judgement)).not.toMatch(/123 ?456/);
});

test('a code where none is needed is let go, and the decision counts', () => {
  for (const event of [
    said('e', `approve staged ${code}`),
    reply('e', `approve ${code}`, 'staged'),
    reply('e', `yes ${code}`, 'staged'),
    said('e', `merge ready unverified ${code}`),
  ]) {
    const judgement = judged(event);
    expect(judgement).toMatchObject({ kind: 'decide', gate: { stage: 'staging' } });
    expect(JSON.stringify(judgement)).not.toContain(code);
  }
});

test('A31 who is not listed for prod is asked for no code, and none is passed on', () => {
  for (const event of [
    said('e', `approve live ${code}`),
    said('e', 'approve live'),
    reaction('e', '✅', 'live'),
    reply('e', `red ${code}`, 'paint'),
    said('e', `answer write ship it ${code}`),
  ]) {
    const judgement = judged(event, nobody);
    expect(judgement.kind).toMatch(/decide|order/);
    expect(JSON.stringify(judgement)).not.toContain(code);
  }
});

const told = (task: string, answer: string, given: string) => ({
  kind: 'order',
  asked: { kind: 'answer', subject: { task, question: makeQuestion().id, answer }, code: given },
  answerTo: '$e',
});

test.each([
  ['in reply', reply('e', `red ${code}`, 'paint'), told('paint', 'red', code)],
  ['by its number', reply('e', `1 ${code}`, 'paint'), told('paint', 'red', code)],
  ['in the thread', inThread(`red ${code}`, 'paint'), told('paint', 'red', code)],
  ['by name', said('e', `answer paint red ${code}`), told('paint', 'red', code)],
  [
    'with an option that ends as a code',
    reply('e', `build 987654 654321`, 'paint'),
    told('paint', 'build 987654', '654321'),
  ],
  ['freely', reply('e', `ship it ${code}`, 'write'), told('write', 'ship it', code)],
  ['freely, over lines', reply('e', `ship it\nnow\n${code}`, 'write'), told('write', 'ship it\nnow', code)],
  ['freely, with digits', said('e', `answer write 654321 ${code}`), told('write', '654321', code)],
])('a tool of prod is answered with a code as the last word, %s', (_, event, expected) => {
  expect(judged(event)).toEqual(expected);
});

test.each([
  ['an option', reply('e', 'red', 'paint'), /^prod needs .*answer paint <words> CODE/],
  ['an option that ends as a code', reply('e', 'build 987654', 'paint'), /^prod needs/],
  ['words', reply('e', 'ship it', 'write'), /^prod needs .*answer write <words> CODE/],
  ['a code alone', reply('e', code, 'write'), /^say what: answer write <words>$/],
])('A31 %s without both words and a code tells a tool of prod nothing', (_, event, reason) => {
  expect(judged(event)).toMatchObject({ kind: 'refuse', reason: expect.stringMatching(reason) });
});

test('A31 a code that came too late for it is refused here: to the runner it would be a guess', () => {
  const { lifeMs } = codeLimits;
  for (const event of [
    ...ways.map(([, make]) => make(` ${code}`)),
    reply('e', `red ${code}`, 'paint'),
    said('e', `answer write ship it ${code}`),
  ]) {
    expect(judged(event, { now: saidAt + lifeMs - 1 }).kind).toMatch(/decide|order/);
    const late = judged(event, { now: saidAt + lifeMs });
    const reason = 'the one-time code has expired; send it anew with the code of the moment';
    expect(late).toEqual({ kind: 'refuse', reason, answerTo: '$e', isStranger: false });
  }
  // Where no code is asked for, none can be over.
  const { kind } = judged(said('e', `approve staged ${code}`), { now: saidAt + lifeMs });
  expect(kind).toBe('decide');
});
