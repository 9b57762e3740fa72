import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { noBudget } from '@countersign/contracts/budget.ts';
import { StopFrame } from '@countersign/contracts/frames.ts';
import { expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { beginAttempt, workOf } from '../testing/attempt-ground.ts';
import { plainGit } from '../testing/repository.ts';

// Git, imports and saved diffs are real, and a machine may be busy.
vi.setConfig({ testTimeout: 30_000 });

const tokens = { prompt: 700, completion: 400, requests: 3 };
const stopped = { reason: 'stopped', error_class: 'stopped', exit_code: null } as const;
type Ground = Awaited<ReturnType<typeof beginAttempt>>;

/** The task has failed by its budget; what was done is in the repository, the diff, and the handoff. */
function expectKept(ground: Ground, errorClass: string) {
  const record = ground.now();
  expect(record.state).toMatchObject({ status: 'failed', error_class: errorClass });
  if (record.state.status !== 'failed') throw new Error('not failed');
  const [result] = record.state.result?.repositories ?? [];
  expect(plainGit(ground.repository, ['show', `${result?.ref}:kept.txt`])).toBe('kept');
  expect(readFileSync(join(ground.attemptFolder(), 'diffs/project.patch'), 'utf8')).toContain('+++ b/kept.txt');
  const handoff = parse(readFileSync(join(ground.attemptFolder(), 'handoff.yaml'), 'utf8'));
  expect(handoff).toMatchObject({ status: 'failed', error_class: errorClass });
  expect(ground.launcher.sandboxes.size).toBe(0);
  return handoff;
}

test.each([
  ['tokens', 1_100, { tokens: 1_000 }],
  ['requests', 3, { requests: 3 }],
] as const)('%s: the gateway says that they are used up, and the work is collected', async (item, used, budget) => {
  const ground = await beginAttempt({ budget: { ...noBudget, ...budget } });
  const { id, sandbox, task, packs } = await ground.takeTask();
  expect(ground.gateway.orders.get(id)?.budget).toEqual({ requests: null, tokens: 1_000, ...budget });
  ground.gateway.readings.set(id, { tokens, exceeded: item });
  await ground.pool.repeatSlots();
  expect(StopFrame.parse(JSON.parse((await sandbox.nextNamed('stop')).toString()))).toEqual({ reason: item });
  // Journalled before it was acted on.
  expect(ground.events().filter(({ event }) => event === 'budget_exceeded')).toMatchObject([
    { data: { item, limit: budget[item as keyof typeof budget], used } },
  ]);
  workOf(task, packs[0] ?? Buffer.alloc(0), stopped)(sandbox);
  await ground.activity.finished;
  const handoff = expectKept(ground, `budget_${item}`);
  expect(handoff.tokens).toEqual(tokens);
  expect(ground.events().at(-1)).toMatchObject({ event: 'task_ended', tokens, error_class: `budget_${item}` });
});

test('a tool that ends by itself after its last request was refused has failed by its budget all the same', async () => {
  const ground = await beginAttempt();
  const { id, sandbox, task, packs } = await ground.takeTask();
  ground.gateway.readings.set(id, { tokens, exceeded: 'tokens' });
  workOf(task, packs[0] ?? Buffer.alloc(0), { reason: 'failed', error_class: 'model_unreachable', exit_code: 5 })(
    sandbox,
  );
  await ground.activity.finished;
  expectKept(ground, 'budget_tokens');
  expect(ground.events().filter(({ event }) => event === 'budget_exceeded')).toHaveLength(1);
});

test('what the sandbox counted itself is no figure of ours', async () => {
  const ground = await beginAttempt();
  const { id, sandbox, task, packs } = await ground.takeTask();
  ground.gateway.readings.set(id, { tokens });
  workOf(task, packs[0] ?? Buffer.alloc(0), { tokens: { prompt: 1, completion: 1, requests: 1 } })(sandbox);
  await ground.activity.finished;
  expect(ground.now().state.status).toBe('review');
  expect(ground.events().at(-1)).toMatchObject({ event: 'review_requested', tokens });
});

test('what a lost sandbox used is told', async () => {
  const ground = await beginAttempt();
  const { id, sandbox } = await ground.takeTask();
  ground.gateway.readings.set(id, { tokens });
  await ground.pool.repeatSlots();
  ground.launcher.sandboxes.delete(id);
  sandbox.hangUp();
  await ground.activity.finished;
  expect(ground.now().state.status).toBe('interrupted');
  expect(ground.events().at(-1)).toMatchObject({ event: 'task_interrupted', tokens });
});

test('output: the sandbox ends its tool, and what it says is believed where there is a budget', async () => {
  const ground = await beginAttempt({ budget: { ...noBudget, output_bytes: 1_000 } });
  const { sandbox, task, packs } = await ground.takeTask();
  expect(task).toMatchObject({ output_bytes: 1_000, budget: { output_bytes: 1_000 } });
  const exceeded = { limit: 1_000, used: 5_000 };
  workOf(task, packs[0] ?? Buffer.alloc(0), { ...stopped, error_class: 'budget_output', exceeded })(sandbox);
  await ground.activity.finished;
  expectKept(ground, 'budget_output');
  expect(ground.events().filter(({ event }) => event === 'budget_exceeded')).toMatchObject([
    { data: { item: 'output', limit: 1_000, used: 5_000 } },
  ]);
});

test('output: a sandbox that sends more than its budget is stopped, and nothing beyond is kept', async () => {
  const ground = await beginAttempt({ budget: { ...noBudget, output_bytes: 1_000 } });
  const { sandbox } = await ground.takeTask();
  sandbox.chunk('output', 0, Buffer.alloc(900));
  sandbox.chunk('output', 1, Buffer.alloc(900));
  expect(JSON.parse((await sandbox.nextNamed('stop')).toString())).toEqual({ reason: 'output' });
  for (let more = 0; more < 50; more += 1) sandbox.chunk('output', 1, Buffer.alloc(900), 0);
  const { size } = statSync(join(ground.attemptFolder(), 'stdout.log'));
  const other = join(ground.attemptFolder(), 'stderr.log');
  expect(size + (existsSync(other) ? statSync(other).size : 0)).toBe(900);
  ground.launcher.sandboxes.clear();
  sandbox.hangUp();
  await ground.activity.finished;
  expect(ground.now().state).toMatchObject({ status: 'failed', error_class: 'budget_output' });
});

test('output: without a budget a sandbox that says it has one is not believed', async () => {
  const ground = await beginAttempt();
  const { sandbox, task, packs } = await ground.takeTask();
  expect(task.output_bytes).toBe(16 * 1024 * 1024);
  workOf(task, packs[0] ?? Buffer.alloc(0), { ...stopped, error_class: 'budget_output' })(sandbox);
  await ground.activity.finished;
  expectKept(ground, 'tool_failed');
  expect(ground.events().map(({ event }) => event)).not.toContain('budget_exceeded');
});

test('disk: the sandbox ends its tool, and its work is kept', async () => {
  const ground = await beginAttempt({ budget: { ...noBudget, disk_bytes: 50_000_000 } });
  const { sandbox, task, packs } = await ground.takeTask();
  expect(task.budget).toEqual({ output_bytes: null, disk_bytes: 50_000_000 });
  const exceeded = { limit: 50_000_000, used: 60_000_000 };
  workOf(task, packs[0] ?? Buffer.alloc(0), { ...stopped, error_class: 'budget_disk', exceeded })(sandbox);
  await ground.activity.finished;
  expectKept(ground, 'budget_disk');
});

test('disk: a checkout that does not fit into the budget is refused beforehand, with the figures', async () => {
  const ground = await beginAttempt({ budget: { ...noBudget, disk_bytes: 4 } });
  await ground.activity.finished;
  expect(ground.now().state).toMatchObject({
    status: 'failed',
    error_class: 'workspace_too_large',
    reason: expect.stringMatching(/its budget has room for 2; raise disk_mb/),
  });
});

test('wall clock: the sandbox is told to stop, and the work is kept', async () => {
  const ground = await beginAttempt({ timeout_sec: 1 });
  const { sandbox, task, packs } = await ground.takeTask();
  expect(JSON.parse((await sandbox.nextNamed('stop')).toString())).toEqual({ reason: 'timeout' });
  workOf(task, packs[0] ?? Buffer.alloc(0), stopped)(sandbox);
  await ground.activity.finished;
  expectKept(ground, 'timeout');
});

test('a stage’s budget: advice is told once and stops nothing', async () => {
  const ground = await beginAttempt({}, { budget: { tokens: 1_000, requests: 1 } });
  const { id, sandbox, task, packs } = await ground.takeTask();
  expect(ground.gateway.orders.get(id)?.budget).toEqual({ tokens: 1_000, requests: null });
  ground.gateway.readings.set(id, { tokens: { ...tokens, prompt: 1 } });
  await ground.pool.repeatSlots();
  await ground.pool.repeatSlots();
  workOf(task, packs[0] ?? Buffer.alloc(0), {})(sandbox);
  await ground.activity.finished;
  expect(ground.now().state.status).toBe('review');
  expect(ground.events().filter(({ event }) => event === 'governance_advice')).toMatchObject([
    { data: { item: 'requests', limit: 1, used: 3 } },
  ]);
});

test('a stage’s budget is enforced where its governance is hard', async () => {
  const ground = await beginAttempt({}, { governance: 'hard', budget: { requests: 1 } });
  const { id, sandbox, task, packs } = await ground.takeTask();
  expect(ground.gateway.orders.get(id)?.budget).toEqual({ tokens: 1_000, requests: 1 });
  ground.gateway.readings.set(id, { tokens, exceeded: 'requests' });
  await ground.pool.repeatSlots();
  await sandbox.nextNamed('stop');
  workOf(task, packs[0] ?? Buffer.alloc(0), stopped)(sandbox);
  await ground.activity.finished;
  expectKept(ground, 'budget_requests');
  expect(ground.events().map(({ event }) => event)).not.toContain('governance_advice');
});
