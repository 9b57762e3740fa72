import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Handoff } from '@countersign/contracts/handoff.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';
import { Stack } from '../support/stack.ts';

let stack: Stack;

beforeAll(async () => {
  stack = await Stack.up('handoffs', async (configs) => {
    const path = join(configs, 'tools.yaml');
    const agent = 'mode: batch\n    cmd: [node, /app/agent/tool/main.js]\n    timeout_sec: 600';
    const tools = `  tight:\n    ${agent}\n    step_limit: 60\n    token_budget: 1500\n  short:\n    ${agent}\n    step_limit: 2\n    token_budget: 500000\n`;
    await writeFile(path, `${(await readFile(path, 'utf8')).trimEnd()}\n${tools}`);
  });
  await stack.workspace('project');
});
afterAll(() => stack[Symbol.asyncDispose]());

async function handoffOf(record: TaskRecord): Promise<Handoff> {
  return Handoff.parse(parse(await readFile(join(stack.attemptFolder(record), 'handoff.yaml'), 'utf8')));
}

const task = (keys: string, lines: string) => `workspace: project\nstage: dev\n${keys}\n${lines}\n`;
const many = Array.from({ length: 12 }, (_, index) => `${index + 1}. create file-${index}.txt with ${index}`).join(
  '\n',
);

test.each<[string, string, string, string]>([
  ['ran out of time', 'late.md', task('timeout_sec: 6\n', '1. create kept.txt with yes\n2. run sleep 100'), 'timeout'],
  ['used up its tokens', 'tokens.md', task('tool: tight\n', many), 'budget_tokens'],
  ['used up its steps', 'steps.md', task('tool: short\n', many), 'step_limit'],
  [
    'failed in its tool',
    'broken.md',
    task('', '1. create kept.txt with yes\n2. run kill -9 $(cut -d" " -f4 /proc/$$/stat)'),
    'tool_failed',
  ],
])(
  'F14 a run that %s leaves its file, and a handoff with what it took and what it had come to',
  async (_what, file, text, errorClass) => {
    await stack.drop(file, text);
    const record = await stack.reaches(file, ['failed'], 90_000);
    expect(record.state.error_class).toBe(errorClass);
    const handoff = await handoffOf(record);
    expect(handoff).toMatchObject({
      task: record.id,
      status: 'failed',
      error_class: errorClass,
      duration_ms: expect.any(Number),
      prompts: { run: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
    expect(handoff.duration_ms).toBeGreaterThan(0);
    expect(handoff.tokens).not.toBeNull();
    expect(handoff.blocker).not.toBe('');
    expect(handoff.next).not.toBe('');
    expect(await readFile(join(stack.home, 'outbox', 'failed', file), 'utf8')).toBe(text);
    if (record.state.result !== null) expect(handoff.diff).toBe(record.state.result.digest);
  },
);

test('a run whose file was removed in its middle leaves what it had done, and a handoff', async () => {
  await stack.drop('removed.md', task('', '1. create kept.txt with yes\n2. run sleep 100'));
  await stack.reaches('removed.md', ['running']);
  await expect.poll(async () => (await stack.task('removed.md'))?.state.reason, { timeout: 20_000 }).toMatch(/running/);
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  await rm(join(stack.home, 'inbox', 'running', 'removed.md'));
  const record = await stack.reaches('removed.md', ['cancelled'], 90_000);
  const handoff = await handoffOf(record);
  expect(handoff).toMatchObject({ status: 'cancelled', diff: expect.stringMatching(/^[0-9a-f]{64}$/) });
  expect(handoff.evidence.changed.join()).toContain('kept.txt');
  expect(await readFile(join(stack.attemptFolder(record), 'diffs', 'project.patch'), 'utf8')).toContain('+yes');
});

test('a verified run keeps what its work took, and tells each condition', async () => {
  await stack.drop(
    'good.md',
    task('preconditions: ["test -d .git"]\npostconditions: ["test -f a.txt"]\n', '1. create a.txt with a'),
  );
  const handoff = await handoffOf(await stack.reaches('good.md', ['review']));
  expect(handoff.tokens?.requests).toBeGreaterThan(0);
  expect(handoff.evidence.validation).toEqual([
    expect.stringMatching(/^before the work, test -d \.git: passed/),
    expect.stringMatching(/^test -f a\.txt: passed/),
  ]);
  expect(handoff.repositories).toMatchObject([{ name: 'project', branch: 'main', head: expect.any(String) }]);
});
