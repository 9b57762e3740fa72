import { expect, test } from 'vitest';
import { beginDesk, dieAfterVerdict } from '../testing/desk-ground.ts';
import { asking, question } from '../testing/record.ts';

const subject = { task: 'abcde', question: question.id, answer: '9090' };
const answerOf = (ground: Awaited<ReturnType<typeof beginDesk>>) => {
  const state = ground.task()?.state;
  return state?.status === 'running' ? state.question?.answer : undefined;
};

test('an answer reaches the record with who gave it; a second one is refused, and told whose counts', async () => {
  const ground = await beginDesk(asking);
  const { sign, deliver, turn, verdicts, taskEvents } = ground;
  const command = sign({ kind: 'answer', subject });
  deliver(command);
  deliver(sign({ kind: 'answer', subject: { ...subject, answer: '8080' } }));
  await turn();
  expect(answerOf(ground)).toMatchObject({
    outcome: 'answered',
    text: '9090',
    channel: 'shell',
    user: 'op',
    command: command.id,
  });
  expect(verdicts()).toMatchObject([
    { event: 'command_accepted', summary: 'abcde (x.md) is told "9090"' },
    { event: 'command_refused', summary: expect.stringContaining('op answered "9090"') },
  ]);
  expect(taskEvents().filter((event) => event === 'question_ended')).toHaveLength(1);
});

test('an answer approves nothing and moves nothing', async () => {
  const { sign, deliver, turn, state, task } = await beginDesk({ ...asking, question: { ...question, options: [] } });
  deliver(sign({ kind: 'answer', subject: { ...subject, answer: `approve abcde` } }));
  await turn();
  expect(state()).toBe('running');
  expect(task()?.state).toMatchObject({ approval: null });
});

test('an answer whose effect a death cut off is carried out by the next runner, once', async () => {
  const ground = await beginDesk(asking);
  const command = ground.sign({ kind: 'answer', subject });
  await dieAfterVerdict(ground, command);
  await ground.restart();
  expect(answerOf(ground)).toBeNull();
  await ground.turn();
  expect(answerOf(ground)).toMatchObject({ text: '9090' });
  ground.deliver(command);
  await ground.turn();
  expect(ground.taskEvents().filter((event) => event === 'question_ended')).toHaveLength(1);
  expect(ground.inShell()).toEqual([]);
});

test('from the room an answer is taken from who may decide, and for prod from nobody', async () => {
  const staging = await beginDesk(asking);
  const matrix = { channel: 'matrix', user: '@op:x' } as const;
  staging.deliver(staging.sign({ kind: 'answer', subject, actor: { ...matrix, user: '@else:x' } }), 'matrix');
  await staging.turn();
  expect(answerOf(staging)).toBeNull();
  staging.deliver(staging.sign({ kind: 'answer', subject, actor: matrix }), 'matrix');
  await staging.turn();
  expect(answerOf(staging)).toMatchObject({ text: '9090', user: '@op:x' });
  const prod = await beginDesk(asking, 'prod');
  prod.deliver(prod.sign({ kind: 'answer', subject, actor: matrix }), 'matrix');
  await prod.turn();
  expect(answerOf(prod)).toBeNull();
});

test('for prod the dashboard’s answer needs a code, as its approvals do', async () => {
  const ground = await beginDesk(asking, 'prod');
  const actor = { channel: 'dashboard', user: 'operator' } as const;
  ground.deliver(ground.sign({ kind: 'answer', subject, actor }), 'dashboard');
  await ground.turn();
  expect(answerOf(ground)).toBeNull();
  expect(ground.verdicts()).toMatchObject([{ event: 'command_refused', summary: expect.stringContaining('code') }]);
});
