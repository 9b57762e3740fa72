import type { TaskState } from '@countersign/contracts/task-record.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { OperatorHome } from '../testing/operator-home.ts';

let home: OperatorHome;
beforeEach(async () => {
  home = await OperatorHome.make();
});
afterEach(() => home[Symbol.asyncDispose]());

const since = { since: '2026-11-20T10:00:00.000Z', reason: 'work is ready' };
const repository = (name: string, ref: string) => ({
  name,
  branch: 'main',
  base_head: '1'.repeat(40),
  head: '2'.repeat(40),
  ref,
  files: 1,
  insertions: 1,
  deletions: 0,
  flags: [],
});
const review = (...repositories: ReturnType<typeof repository>[]): TaskState =>
  ({
    status: 'review',
    wait: null,
    ...since,
    refusals: [],
    result: { repositories, digest: '3'.repeat(64), attempt: 1, verification: { status: 'unverified' } },
  }) as TaskState;

test('a result is told in plain lines', async () => {
  const ref = 'refs/agentic/RUN-20261120-001/abcde';
  await home.addTask('abcde', review(repository('api', ref), repository('web', ref)), { file: 'x.md' });
  const { code, stdout } = await home.type(['result-lines', '--', 'x.md']);
  expect(code).toBe(0);
  expect(stdout.split('\n')).toEqual([
    expect.stringMatching(/^result abcde [A-Za-z0-9-]+$/),
    `repository api ${'2'.repeat(40)} ${ref}`,
    `repository web ${'2'.repeat(40)} ${ref}`,
    '',
  ]);
});

test('a task without a result is refused with where it stands', async () => {
  await home.addTask('abcde', { status: 'queued', wait: null, ...since });
  expect(await home.type(['result-lines', 'abcde'])).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/abcde has no result to open: it is queued/),
  });
});

test('a name that would be two words or a control sequence is not told', async () => {
  for (const [id, ref] of [
    ['aaaaa', 'refs/agentic/x y'],
    ['bbbbb', 'refs/agentic/\nrepository evil'],
    ['ccccc', 'refs/agentic/\u001b[2J'],
  ] as const) {
    await home.addTask(id, review(repository('api', ref)));
    const { code, stdout } = await home.type(['result-lines', id]);
    expect(code).toBe(1);
    expect(stdout).not.toContain('repository');
  }
});
