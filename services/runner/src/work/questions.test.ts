import { StopFrame } from '@countersign/contracts/frames.ts';
import { expect, test, vi } from 'vitest';
import { beginAttempt, workOf } from '../testing/attempt-ground.ts';

// Git, imports and saved diffs are real, and a machine may be busy.
vi.setConfig({ testTimeout: 30_000 });

type Ground = Awaited<ReturnType<typeof beginAttempt>>;
const patience = { timeout: 20_000 };
const asked = { text: 'Which port?', options: ['8080', '9090'], default: null, deadline_sec: 60 };

/** Its tool asks, and the runner looks at what waits at the gateway. */
async function ask(ground: Ground, id: string, transaction = 't1') {
  ground.gateway.readings.set(id, { ...ground.gateway.readings.get(id), posts: [{ transaction, question: asked }] });
  await ground.pool.repeatSlots();
  await expect.poll(() => ground.gateway.rooms.get(id)?.events.at(-1), patience).toMatchObject({ transaction });
}

function questionOf(ground: Ground) {
  const { state } = ground.now();
  if (state.status !== 'running' || state.question === null) throw new Error('nothing is asked');
  return state.question;
}

test('a tool asks, somebody answers, and the gateway is told at once', async () => {
  const ground = await beginAttempt();
  const { id, sandbox, task, packs } = await ground.takeTask();
  await ask(ground, id);
  expect(ground.now().state).toMatchObject({ status: 'running', wait: { kind: 'answer' } });
  const { id: question } = questionOf(ground);
  const answer = { channel: 'shell' as const, user: 'op', command: 'c', at: ground.context.now().toISOString() };
  await ground.context.questions.end(
    ground.now().id,
    question,
    { outcome: 'answered', text: '8080', ...answer },
    { agent_role: 'operator', summary: 'x' },
  );
  await expect
    .poll(() => ground.gateway.rooms.get(id)?.events, patience)
    .toMatchObject([
      { kind: 'question', id: question },
      { kind: 'answer', question, outcome: 'answered', text: '8080' },
    ]);
  workOf(task, packs[0] ?? Buffer.alloc(0), {})(sandbox);
  await ground.activity.finished;
  expect(ground.now().state.status).toBe('review');
});

test('a tool that ends while it asks has asked for nothing', async () => {
  const ground = await beginAttempt();
  const { id, sandbox, task, packs } = await ground.takeTask();
  await ask(ground, id);
  workOf(task, packs[0] ?? Buffer.alloc(0), {})(sandbox);
  await ground.activity.finished;
  expect(ground.events().filter(({ event }) => event === 'question_ended')).toMatchObject([
    { data: { outcome: 'withdrawn' } },
  ]);
  expect(ground.now().state.status).toBe('review');
});

/** Nobody answers, and there is no default. */
async function fallSilent(ground: Ground): Promise<void> {
  const { id, deadline } = questionOf(ground);
  await ground.context.questions.end(
    ground.now().id,
    id,
    { outcome: 'stopped', at: deadline },
    { agent_role: 'runner', summary: 'nobody answered' },
  );
}

const unanswered = {
  status: 'failed',
  error_class: 'unanswered',
  reason: expect.stringContaining('what was done so far is kept'),
  result: { repositories: [{ name: 'project' }] },
};

test('an attempt that nobody answers is stopped, and what it did is kept', async () => {
  const ground = await beginAttempt();
  const { id, sandbox, task, packs } = await ground.takeTask();
  await ask(ground, id);
  await fallSilent(ground);
  await ground.context.questions.turn(() => ground.activity.stop('unanswered'));
  expect(StopFrame.parse(JSON.parse((await sandbox.nextNamed('stop')).toString()))).toEqual({ reason: 'unanswered' });
  workOf(task, packs[0] ?? Buffer.alloc(0), { reason: 'stopped', error_class: 'stopped', exit_code: null })(sandbox);
  await ground.activity.finished;
  expect(ground.now().state).toMatchObject(unanswered);
});

test('a tool that was quicker to end than anybody to stop it has gone unanswered all the same', async () => {
  const ground = await beginAttempt();
  const { id, sandbox, task, packs } = await ground.takeTask();
  await ask(ground, id);
  await fallSilent(ground);
  workOf(task, packs[0] ?? Buffer.alloc(0), {})(sandbox);
  await ground.activity.finished;
  expect(ground.now().state).toMatchObject(unanswered);
});
