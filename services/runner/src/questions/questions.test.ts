import { mkdirSync, writeFileSync } from 'node:fs';
import { questionLimits } from '@countersign/contracts/limits.ts';
import type { Post } from '@countersign/contracts/task-room.ts';
import { expect, test } from 'vitest';
import { Clock, eventsOf, makeHome, openContext } from '../testing/home.ts';
import { makeRecord, states } from '../testing/record.ts';

const post = (transaction = 't1', change: Partial<Post['question']> = {}): Post => ({
  transaction,
  question: { text: 'Which port?', options: ['8080', '9090'], default: null, deadline_sec: 60, ...change },
});

/** A task that runs, and a runner that can be started anew over the same disk. */
async function begin() {
  const home = makeHome();
  const clock = new Clock();
  let context = await openContext(home, clock);
  const run = await context.runs.ofTheDay('project', context.now());
  const record = makeRecord({ run, state: { ...states.running, since: clock.now().toISOString() } });
  mkdirSync(home.layout.task(run, record.id), { recursive: true });
  writeFileSync(home.layout.fileOf(record), 'workspace: project\n\nsay hello\n');
  await context.tasks.create(record, { event: 'task_accepted', phase: 'queue', agent_role: 'runner', summary: 'x' });
  const { id } = record;
  const state = () => {
    const now = context.tasks.get(id)?.state;
    if (now?.status !== 'running') throw new Error(`it is ${now?.status}`);
    return now;
  };
  const answer = (text: string, question = state().question?.id ?? '') =>
    context.questions.end(
      id,
      question,
      { outcome: 'answered', text, channel: 'shell', user: 'op', command: 'c', at: clock.now().toISOString() },
      { agent_role: 'operator', summary: `answered: ${text}` },
    );
  const stopped: string[] = [];
  return {
    clock,
    id,
    state,
    answer,
    stopped,
    take: (one: Post) => context.questions.take(id, one),
    room: () => context.questions.room(id),
    withdraw: () => context.questions.withdraw(id),
    turn: () => context.questions.turn((task) => stopped.push(task)),
    leave: () =>
      context.tasks.transition(
        id,
        { ...states.interrupted },
        { event: 'task_interrupted', phase: 'run', agent_role: 'runner', summary: 'x' },
      ),
    events: () => eventsOf(home.layout.runJournal(run)).filter(({ event }) => event.startsWith('question_')),
    restart: async () => {
      await context.close();
      context = await openContext(home, clock);
    },
  };
}

test('a question is in the journal and in the record before its tool hears of it, and the task says that it waits', async () => {
  const { take, state, events, room } = await begin();
  expect(await take(post())).toBeNull();
  expect(state()).toMatchObject({
    reason: 'waits for an answer until 2026-11-20T10:01:00.000Z: "Which port?"',
    wait: { kind: 'answer' },
    question: { transaction: 't1', number: 1, options: ['8080', '9090'], default: null, answer: null },
  });
  expect(events()).toMatchObject([{ event: 'question_asked', data: { question: state().question?.id } }]);
  expect(await room()).toMatchObject([{ kind: 'question', transaction: 't1', text: 'Which port?' }]);
});

test('what is told of an answer is the answer, and the task works again', async () => {
  const { take, answer, state, events, room } = await begin();
  await take(post());
  expect(await answer('9090')).toBe(true);
  expect(state()).toMatchObject({ wait: null, reason: 'running', question: { answer: { text: '9090', user: 'op' } } });
  expect(await room()).toMatchObject([{}, { kind: 'answer', outcome: 'answered', text: '9090' }]);
  expect(JSON.stringify(await room())).not.toContain('"op"');
  expect(events().at(-1)).toMatchObject({ event: 'question_ended', data: { outcome: 'answered' } });
});

test('the first answer counts', async () => {
  const { take, answer, state, events } = await begin();
  await take(post());
  const id = state().question?.id;
  expect(await Promise.all([answer('9090', id), answer('8080', id)])).toEqual([true, false]);
  expect(state().question?.answer).toMatchObject({ text: '9090' });
  expect(events()).toHaveLength(2);
});

test('the same transaction is the same question, one is open at a time, and there is an end of them', async () => {
  const { take, answer, room } = await begin();
  expect(await Promise.all([take(post('t1')), take(post('t1', { text: 'Another?' }))])).toEqual([null, null]);
  expect(await take(post('t2'))).toMatchObject({ transaction: 't2', errcode: 'M_LIMIT_EXCEEDED' });
  await answer('8080');
  expect(await take(post('t1'))).toBeNull();
  for (let number = 2; number <= questionLimits.questions; number += 1) {
    expect(await take(post(`t${number}`))).toBeNull();
    await answer('8080');
  }
  expect(await take(post('t99'))).toMatchObject({ errcode: 'M_LIMIT_EXCEEDED' });
  expect(await room()).toHaveLength(2 * questionLimits.questions);
});

test('silence takes the default, and not a moment before its deadline', async () => {
  const { take, turn, state, clock, stopped, room } = await begin();
  await take(post('t1', { default: '9090' }));
  clock.pass(59_999);
  await turn();
  expect(state().question?.answer).toBeNull();
  clock.pass(1);
  await turn();
  expect(state().question?.answer).toEqual({ outcome: 'default', text: '9090', at: '2026-11-20T10:01:00.000Z' });
  expect(await room()).toMatchObject([{}, { outcome: 'default', text: '9090' }]);
  expect(stopped).toEqual([]);
});

test('silence without a default stops the attempt, whichever runner notices', async () => {
  const { take, turn, state, clock, stopped, id, restart } = await begin();
  await take(post());
  clock.pass(60_000);
  await turn();
  expect(state().question?.answer).toMatchObject({ outcome: 'stopped' });
  await restart();
  stopped.length = 0;
  await turn();
  expect(stopped).toEqual([id]);
});

test('a question stands over a restart, with what was asked and answered before it', async () => {
  const { take, answer, restart, room, state, clock } = await begin();
  await take(post('t1'));
  await answer('8080');
  await take(post('t2', { text: 'And the host?', options: [] }));
  const before = await room();
  await restart();
  expect(await room()).toEqual(before);
  expect(await take(post('t1'))).toBeNull();
  expect(await take(post('t3'))).toMatchObject({ errcode: 'M_LIMIT_EXCEEDED' });
  await restart();
  clock.pass(1_000);
  await answer('localhost');
  expect((await room()).map((event) => event.text)).toEqual(['Which port?', '8080', 'And the host?', 'localhost']);
  expect(state().question?.number).toBe(2);
});

test('a deadline is no later than the end of the task’s own time', async () => {
  const { take, state } = await begin();
  await take(post('t1', { deadline_sec: questionLimits.mostSec }));
  expect(state().question?.deadline).toBe('2026-11-20T10:10:00.000Z');
});

test('what acts on a terminal is spelt out before it is written down, and nothing is longer than it may be', async () => {
  const { take, state } = await begin();
  await take(post('t1', { text: `\u001b[2J${'\u202e'.repeat(1_990)}\nsecond line` }));
  const text = state().question?.text ?? '';
  expect(text.startsWith('\\u{1b}[2J\\u{202e}')).toBe(true);
  expect(text.length).toBeLessThanOrEqual(questionLimits.textCharacters);
  expect(state().reason).not.toMatch(/[\p{Cc}\p{Cf}]/u);
});

test('who asked and is gone is told so, and what has ended asks nothing', async () => {
  const { take, withdraw, state, room, leave, answer } = await begin();
  await take(post());
  await withdraw();
  await withdraw();
  expect(state().question?.answer).toMatchObject({ outcome: 'withdrawn' });
  expect(await answer('8080', state().question?.id)).toBe(false);
  await leave();
  expect(await take(post('t2'))).toMatchObject({ errcode: 'M_FORBIDDEN' });
  expect(await room()).toEqual([]);
});
