import { expect, test, vi } from 'vitest';
import { beginAttempt, workOf } from '../testing/attempt-ground.ts';

// Git, imports and saved diffs are real, and a machine may be busy.
vi.setConfig({ testTimeout: 30_000 });

test('the journal tells of a sandbox’s first word, once, with what each stage before took', async () => {
  const ground = await beginAttempt();
  const { id, sandbox, task, packs } = await ground.takeTask();
  const told = () => ground.events().filter(({ event }) => event === 'sandbox_started');
  expect(told()).toEqual([]);
  sandbox.say('progress', { summary: 'checking out' });
  await vi.waitFor(() => expect(told()).toHaveLength(1));
  sandbox.say('progress', { summary: 'the tool runs' });
  workOf(task, packs[0] ?? Buffer.alloc(0), {})(sandbox);
  await ground.activity.finished;
  const [started, ...others] = told();
  expect(others).toEqual([]);
  expect(started).toMatchObject({
    phase: 'run',
    agent_role: 'coder',
    task_id: ground.now().id,
    data: { sandbox: id, purpose: 'run', readiness: 'cold' },
  });
  const stages = started?.data?.['stages_ms'] as Record<string, number>;
  expect(Object.keys(stages)).toEqual([
    'dispatch',
    'grounds',
    'preconditions',
    'packet',
    'sandbox',
    'journal',
    'sandbox_began',
  ]);
  for (const ms of Object.values(stages)) expect(ms).toBeGreaterThanOrEqual(0);
});

test('a sandbox that never says a word is told of by nothing', async () => {
  const ground = await beginAttempt();
  await ground.takeTask();
  ground.activity.stop('cancelled');
  for (const sandbox of ground.launcher.connections.values()) sandbox.hangUp();
  ground.launcher.sandboxes.clear();
  await ground.activity.finished;
  expect(ground.events().filter(({ event }) => event === 'sandbox_started')).toEqual([]);
});
