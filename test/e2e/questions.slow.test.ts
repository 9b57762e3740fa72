import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Question } from '@countersign/contracts/question.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Stack } from '../support/stack.ts';

const run = promisify(execFile);
let stack: Stack;

beforeAll(async () => {
  stack = await Stack.up('questions');
  await stack.workspace('project');
});
afterAll(() => stack[Symbol.asyncDispose]());

/** A task whose tool asks, waits, and keeps what it was told. */
const asking = (...words: string[]) =>
  `workspace: project\nstage: dev\n\nrun countersign-ask ${words.join(' ')} > answer.txt\n`;
const ports = ['"Which port?"', '--option 8080', '--option 9090'];

async function asked(file: string): Promise<TaskRecord & { question: Question }> {
  const open = async () => {
    const record = await stack.task(file);
    return record?.state.status === 'running' ? (record.state.question ?? null) : null;
  };
  await expect.poll(open, { timeout: 60_000, interval: 250 }).toMatchObject({ answer: null });
  const [record, question] = [await stack.task(file), await open()];
  if (record === undefined || question === null) throw new Error(`${file} asks nothing any more`);
  return { ...record, question };
}

async function answerIn(file: string): Promise<string> {
  const { state } = await stack.reaches(file, ['review']);
  const ref = state.result.repositories[0]?.ref ?? '';
  const folder = join(stack.home, 'workspaces', 'project');
  return (await run('git', ['-c', 'safe.directory=*', '-C', folder, 'show', `${ref}:answer.txt`])).stdout.trim();
}

async function endsOf({ run: id, id: task }: TaskRecord): Promise<unknown[]> {
  const events = await stack.events(id);
  return events
    .filter(({ task_id, event }) => task_id === task && event === 'question_ended')
    .map(({ data }) => data?.['outcome']);
}

describe('a task that asks', () => {
  test('says so in status, is answered by the operator, and goes on with the answer; a second answer is refused', async () => {
    await stack.drop('port.md', asking(...ports, '--deadline 110'));
    const record = await asked('port.md');
    expect(record.question).toMatchObject({ text: 'Which port?', options: ['8080', '9090'], default: null });
    expect((await stack.status()).find(({ task }) => task === record.id)).toMatchObject({
      state: 'running',
      wait: { kind: 'answer' },
      reason: expect.stringContaining('"Which port?"'),
    });
    expect((await stack.countersign('questions')).stdout).toContain('| Which port?');
    expect(await stack.countersign('answer', record.id, '80')).toMatchObject({ exitCode: 1 });
    const late = await stack.countersign('answer', record.id, '8080', '--no-wait');
    expect(late.exitCode).toBe(0);
    const second = await stack.countersign('answer', record.id, '9090');
    expect(second.exitCode).toBe(1);
    expect(await answerIn('port.md')).toBe('8080');
    expect(await endsOf(record)).toEqual(['answered']);
  });

  test('asks by the built-in agent’s own call as well, and hears what was said', async () => {
    await stack.drop('own.md', 'workspace: project\nstage: dev\n\nask "Which port?" offering "8080" or "9090"\n');
    const record = await asked('own.md');
    expect((await stack.countersign('answer', record.id, '2')).exitCode).toBe(0);
    await stack.reaches('own.md', ['done']);
    const output = join(stack.taskFolder(record), 'attempts', '1', 'agent-summary.md');
    expect(await readFile(output, 'utf8')).toContain('the operator answers: 9090');
  });

  test('takes its default when nobody answers', async () => {
    await stack.drop('silent.md', asking(...ports, '--default 9090', '--deadline 10'));
    const record = await asked('silent.md');
    expect(await answerIn('silent.md')).toBe('9090');
    expect(await endsOf(record)).toEqual(['default']);
    expect((await stack.countersign('answer', record.id, '8080')).exitCode).toBe(1);
  });

  test('is stopped when nobody answers and it has no default', async () => {
    await stack.drop('stopped.md', asking(...ports, '--deadline 10'));
    const record = await asked('stopped.md');
    expect((await stack.reaches('stopped.md', ['failed'])).state.error_class).toBe('unanswered');
    expect(await endsOf(record)).toEqual(['stopped']);
  });

  test('waits on while runner and gateway are killed, and hears what was answered meanwhile', async () => {
    await stack.drop('killed.md', asking(...ports, '--deadline 110'));
    const before = await asked('killed.md');
    for (const service of ['runner', 'gateway']) process.kill(await stack.processOf(service), 'SIGKILL');
    expect((await stack.countersign('answer', before.id, '9090')).exitCode).toBe(0);
    expect(await answerIn('killed.md')).toBe('9090');
    const after = await stack.task('killed.md');
    expect(after).toMatchObject({ attempts: before.attempts, interruptions: 0 });
    expect(await endsOf(before)).toEqual(['answered']);
  });

  test('cannot ask while it is planned, and its question approves nothing', async () => {
    await stack.drop('gated.md', asking('"May I?"', '--option yes', '--deadline 60').replace('dev', 'staging'));
    await stack.reaches('gated.md', ['pending']);
    expect((await stack.countersign('answer', 'gated.md', 'yes')).exitCode).toBe(1);
    expect((await stack.task('gated.md'))?.state.status).toBe('pending');
  });
});
