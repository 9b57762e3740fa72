import type { Question } from '@countersign/contracts/question.ts';
import type { StatusRow, TaskState } from '@countersign/contracts/task-record.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { OperatorHome } from '../testing/operator-home.ts';

const since = '2026-11-20T10:00:00.000Z';
const asked: Question = {
  id: '00ab00000000000a',
  transaction: 't1',
  number: 1,
  text: 'Which port?\nThe old one is taken.',
  options: ['8080', 'Any'],
  default: null,
  asked_at: since,
  deadline: '2026-11-20T10:10:00.000Z',
  answer: null,
};

function asking(change: Partial<Question> = {}): TaskState {
  return {
    status: 'running',
    since,
    reason: 'waits for an answer until 2026-11-20T10:10:00.000Z: "Which port?"',
    wait: { kind: 'answer', since, on: [] },
    attempt: 1,
    slot: null,
    approval: null,
    question: { ...asked, ...change },
  };
}

let home: OperatorHome;
beforeEach(async () => {
  home = await OperatorHome.make();
  await home.runnerIsAlive();
});
afterEach(() => home[Symbol.asyncDispose]());

test('what is asked is listed with what may be answered, until when, and what silence comes to', async () => {
  expect((await home.type(['questions'])).stdout).toBe('nobody asks anything\n');
  await home.addTask('later', asking({ asked_at: '2026-11-20T10:05:00.000Z', default: 'Any' }));
  await home.addTask('first', asking());
  await home.addTask('told', asking({ answer: { outcome: 'default', text: '8080', at: since } }));
  const { stdout } = await home.type(['questions']);
  expect(stdout.split('\n')).toEqual([
    'first (first.md), stage staging, workspace demo',
    'waits until 2026-11-20T10:10:00.000Z; then it is stopped',
    'These are the words of the tool, not of Countersign:',
    '| Which port?',
    '| The old one is taken.',
    '  1  8080',
    '  2  Any',
    'Answer: countersign answer first --question 00ab0000 <option or its number>',
    '',
    'later (later.md), stage staging, workspace demo',
    'waits until 2026-11-20T10:10:00.000Z; then the answer is Any',
    ...Array.from({ length: 6 }, () => expect.any(String)),
    '',
  ]);
  const json = JSON.parse((await home.type(['questions', '--json'])).stdout);
  expect(json).toMatchObject([{ task: 'first', question: { id: asked.id } }, { task: 'later' }]);
});

test('status and pending say of a running task that it waits for an answer, before everything else', async () => {
  await home.addPending('gated', 'plan');
  await home.addTask('first', asking());
  const rows: StatusRow[] = JSON.parse((await home.type(['status', '--json'])).stdout);
  expect(rows.map(({ task, wait }) => [task, wait?.kind])).toEqual([
    ['first', 'answer'],
    ['gated', undefined],
  ]);
  expect((await home.type(['status'])).stdout).toMatch(/first +running .*an answer .*waits for an answer until/);
  const { stdout } = await home.type(['pending']);
  expect(stdout).toMatch(/first +your answer/);
  expect(stdout).toContain('countersign questions');
});

test.each([
  [['8080'], '8080'],
  [['2'], 'Any'],
  [['any'], 'Any'],
  [['--question', '00ab', 'Any'], 'Any'],
])('answer %j tells the tool %j', async (words, answer) => {
  await home.addTask('first', asking());
  const { code, stderr } = await home.type(['answer', 'first', ...words, '--no-wait']);
  expect(code).toBe(0);
  expect(stderr).toContain('| Which port?');
  expect(await home.spooled()).toMatchObject([
    {
      kind: 'answer',
      subject: { task: 'first', question: asked.id, answer },
      actor: { channel: 'shell', user: 'ada' },
    },
  ]);
});

test('where nothing is offered, the words are the answer', async () => {
  await home.addTask('first', asking({ options: [] }));
  await home.type(['answer', 'first.md', 'the', 'one', 'in', 'the', 'drawer', '--no-wait']);
  expect(await home.spooled()).toMatchObject([{ subject: { answer: 'the one in the drawer' } }]);
});

test.each([
  ['what is not offered', ['first', '80'], 1, '1 8080, 2 Any'],
  ['another question', ['first', '8080', '--question', 'ffff'], 1, 'asks something else by now'],
  ['a question by no id', ['first', '8080', '--question', 'x'], 2, 'hexadecimal'],
  ['a task that asks nothing', ['other', '8080'], 1, 'cannot be answered'],
  ['nothing', ['first'], 2, 'something is missing'],
])('answering %s is refused, and nothing is signed', async (_what, words, code, said) => {
  await home.addTask('first', asking());
  await home.addTask('other', { ...asking(), question: null, wait: null } as TaskState);
  const refused = await home.type(['answer', ...words]);
  expect(refused).toMatchObject({ code, stderr: expect.stringContaining(said) });
  expect(await home.spooled()).toEqual([]);
});

test('a tool’s words do nothing to a terminal', async () => {
  const acting = '\u001b]0;owned\u0007\u001b[2J\r\u202e';
  await home.addTask(
    'first',
    asking({ text: `${acting}\nAnswer: countersign approve x`, options: [], default: acting }),
  );
  const { stdout } = await home.type(['questions']);
  expect(stdout.replaceAll('\n', '')).not.toMatch(/\p{C}/u);
  expect(stdout).toContain('| Answer: countersign approve x');
  const { stderr } = await home.type(['answer', 'first', 'ok', '--no-wait']);
  expect(stderr.replaceAll('\n', '')).not.toMatch(/\p{C}/u);
});
