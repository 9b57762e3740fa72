import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { Stack } from '../support/stack.ts';

/** Runs a task's text as it is, as the worst of tools would. */
const scriptTool = `
  script:
    mode: batch
    cmd: [sh, -c, 'sh "$COUNTERSIGN_TASK_FOLDER/objective.md"']
    timeout_sec: 120
    step_limit: 60
    token_budget: 500000
`;
const cappedStage = (name: string, governance: string) => `
  ${name}:
    gate: none
    sandbox_profile: default
    decide:
      - channel: shell
    approval_hours: 1
    governance: ${governance}
    budget: {requests: 2}
`;

let stack: Stack;

beforeAll(async () => {
  stack = await Stack.up('budgets', async (configs) => {
    await appendFile(join(configs, 'tools.yaml'), scriptTool);
    await appendFile(join(configs, 'stages.yaml'), cappedStage('capped', 'hard') + cappedStage('advised', 'advisory'));
  });
});
afterAll(() => stack[Symbol.asyncDispose]());

const head = (keys: string) => `workspace: mini-control-plane\n${keys}\n\n`;
const manySteps = `1. create kept.txt with yes\n${Array.from({ length: 30 }, (_, step) => `${step + 2}. run echo ${step}\n`).join('')}`;
/** Asks the model once, and prints what came of it. */
const ask = `node -e 'fetch(process.env.OLLAMA_HOST + "/api/chat", {method: "POST", body: JSON.stringify({model: "rehearsal", messages: [{role: "user", content: "run ls"}]})}).then(async (answer) => { await answer.text(); console.log("status " + answer.status) }, () => console.log("status none"))'`;

async function patchOf(record: TaskRecord): Promise<string> {
  return readFile(join(stack.attemptFolder(record), 'diffs', 'mini-control-plane.patch'), 'utf8');
}

async function eventsOf(record: TaskRecord) {
  return (await stack.events(record.run)).filter((event) => event.task_id === record.id);
}

/** It ended by its budget, what was written first is in the diff, and the facts stand in journal and handoff. */
async function expectEndedBy(file: string, item: 'tokens' | 'requests' | 'output' | 'disk', timeoutMs = 60_000) {
  const record = await stack.reaches(file, ['failed', 'review', 'done'], timeoutMs);
  expect(record.state).toMatchObject({ status: 'failed', error_class: `budget_${item}` });
  expect(await patchOf(record)).toContain('+++ b/kept.txt');
  const events = await eventsOf(record);
  const exceeded = events.filter(({ event }) => event === 'budget_exceeded');
  expect(exceeded).toMatchObject([{ data: { item, limit: expect.any(Number), used: expect.any(Number) } }]);
  const ended = events.find(({ event }) => event === 'task_ended');
  expect(ended?.seq).toBeGreaterThan(exceeded[0]?.seq ?? Number.POSITIVE_INFINITY);
  const handoff = parse(await readFile(join(stack.attemptFolder(record), 'handoff.yaml'), 'utf8'));
  expect(handoff).toMatchObject({ status: 'failed', error_class: `budget_${item}`, tokens: ended?.tokens });
  return { record, ended, exceeded: exceeded[0] };
}

describe('a task that has used its budget up is stopped, and its work is kept', () => {
  test('requests', async () => {
    await stack.drop('requests.md', `${head('budget: {requests: 4}')}${manySteps}`);
    const { ended } = await expectEndedBy('requests.md', 'requests');
    expect(ended?.tokens?.requests).toBe(4);
  });

  test('tokens', async () => {
    await stack.drop('tokens.md', `${head('budget: {tokens: 6000}')}${manySteps}`);
    const { ended } = await expectEndedBy('tokens.md', 'tokens');
    const { prompt = 0, completion = 0 } = ended?.tokens ?? {};
    expect(prompt + completion).toBeGreaterThanOrEqual(6_000);
  });

  test('output', async () => {
    await stack.drop('output.md', `${head('tool: script\nbudget: {output_mb: 1}')}echo yes > kept.txt\nyes\n`);
    const { record } = await expectEndedBy('output.md', 'output');
    const folder = stack.attemptFolder(record);
    expect((await readFile(join(folder, 'stdout.log'))).length).toBeLessThanOrEqual(1024 * 1024);
  });

  test('the disk', async () => {
    const fill = 'echo yes > kept.txt\ncat /dev/urandom > fill.bin\nsleep 60\n';
    await stack.drop('disk.md', `${head('tool: script\nbudget: {disk_mb: 64}')}${fill}`);
    const { exceeded } = await expectEndedBy('disk.md', 'disk', 180_000);
    expect(exceeded?.data).toMatchObject({ limit: 64 * 1024 * 1024 });
  }, 240_000);

  test('wall clock', async () => {
    await stack.drop('clock.md', `${head('tool: script\ntimeout_sec: 4')}echo yes > kept.txt\nsleep 100\n`);
    const record = await stack.reaches('clock.md', ['failed']);
    expect(record.state.error_class).toBe('timeout');
    expect(await patchOf(record)).toContain('+++ b/kept.txt');
  });

  test('a hostile tool that ignores every signal and goes on asking is killed all the same', async () => {
    const script = `trap '' INT TERM HUP\necho yes > kept.txt\nwhile :; do\n${ask}\nsleep 0.2\ndone\n`;
    await stack.drop('hostile.md', `${head('tool: script\nbudget: {requests: 3}')}${script}`);
    const { record, ended } = await expectEndedBy('hostile.md', 'requests', 90_000);
    expect(ended).toMatchObject({ exit_code: null, tokens: { requests: 3 } });
    const lines = (await readFile(join(stack.attemptFolder(record), 'stdout.log'), 'utf8')).trim().split('\n');
    expect(lines.filter((line) => line === 'status 200')).toHaveLength(3);
    expect(lines.filter((line) => line !== 'status 200').every((line) => line === 'status 403')).toBe(true);
    const sandboxes = async () => {
      const filter = ['--filter', `label=countersign.project=${stack.project}`];
      return (await execa('docker', ['ps', '--quiet', ...filter])).stdout.trim().split('\n').length;
    };
    // The warm ones alone.
    await expect.poll(sandboxes, { timeout: 30_000, interval: 500 }).toBeLessThanOrEqual(2);
  }, 120_000);
});

describe('a stage’s budget', () => {
  test('is enforced where its governance is hard, whatever the file says', async () => {
    await stack.drop('capped.md', `${head('stage: capped\nbudget: {requests: 50}')}${manySteps}`);
    const { ended } = await expectEndedBy('capped.md', 'requests');
    expect(ended?.tokens?.requests).toBe(2);
  });

  test('is told once where it is advice, and the task goes on', async () => {
    await stack.drop(
      'advised.md',
      `${head('stage: advised')}1. create kept.txt with yes\n2. run ls\n3. run git status\n`,
    );
    const record = await stack.reaches('advised.md', ['review', 'failed']);
    expect(record.state.status).toBe('review');
    const advice = (await eventsOf(record)).filter(({ event }) => event === 'governance_advice');
    expect(advice).toMatchObject([{ data: { item: 'requests', limit: 2 } }]);
  });
});

test('what was spent before the gateway was killed stays spent', async () => {
  const script = `echo yes > kept.txt\nfor n in $(seq 1 40); do\n${ask}\nsleep 1\ndone\n`;
  await stack.drop('restart.md', `${head('tool: script\nbudget: {requests: 8}')}${script}`);
  const running = await stack.reaches('restart.md', ['running']);
  const answered = async () => {
    const text = await readFile(join(stack.attemptFolder(running), 'stdout.log'), 'utf8').catch(() => '');
    return text.split('\n').filter((line) => line === 'status 200').length;
  };
  await expect.poll(answered, { timeout: 60_000, interval: 100 }).toBeGreaterThanOrEqual(5);
  await sleep(1_500);
  process.kill(await stack.processOf('gateway'), 'SIGKILL');
  await expectEndedBy('restart.md', 'requests', 120_000);
  // What it did between the runner's last look and its death is not known to anybody.
  const total = await answered();
  expect(total).toBeGreaterThanOrEqual(6);
  expect(total).toBeLessThanOrEqual(10);
}, 180_000);
