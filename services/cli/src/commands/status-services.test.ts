import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeReviewTask } from '@countersign/kit/testing/review-task.ts';
import { makeWaitingTask } from '@countersign/kit/testing/waiting-task.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { OperatorHome } from '../testing/operator-home.ts';

const past = '2026-11-20T10:00:00.000Z';

let home: OperatorHome;
beforeEach(async () => {
  home = await OperatorHome.make();
});
afterEach(() => home[Symbol.asyncDispose]());

/** What stands behind the tasks, without the headings. */
async function services(): Promise<string[]> {
  const { code, stdout } = await home.type(['status']);
  expect(code).toBe(0);
  const lines = stdout.trimEnd().split('\n');
  return lines.includes('') ? lines.slice(lines.indexOf('') + 2) : [];
}

test('services that are well are not told of', async () => {
  for (const name of ['runner', 'gateway', 'matrix-listener']) await home.serviceSays(name, 'ok', '');
  await mkdir(join(home.path, 'logs/launcher'));
  await writeFile(join(home.path, 'logs/notes.txt'), 'x');
  expect((await home.type(['status'])).stdout).toBe('no tasks yet\n');
  expect(await home.type(['status', '--json'])).toEqual({ code: 0, stdout: '[]\n', stderr: '' });
});

test('A32 one that fails, one that waits and one that is gone are told of, each with its reason', async () => {
  await home.runnerIsAlive();
  await home.serviceSays('matrix-listener', 'failing', '@agentbot:x is not in the room !r:x; invite it');
  await home.serviceSays('gateway', 'waiting', 'mac-studio has no address');
  await home.serviceSays('launcher', 'ok', '', past);
  await home.addTask('ended', {
    status: 'done',
    since: past,
    reason: '',
    result: null,
    merged: null,
    verification: { status: 'unverified' },
  });
  expect(await services()).toEqual([
    expect.stringMatching(/^gateway +waiting +\S+Z +mac-studio has no address$/),
    expect.stringMatching(/^launcher +not running +2026-11-20T10:00:00Z$/),
    expect.stringMatching(/^matrix-listener +failing +\S+Z +@agentbot:x is not in the room !r:x; invite it$/),
  ]);
});

test('as JSON the rows are alone on standard output, and the services stand on the other', async () => {
  await home.serviceSays('matrix-listener', 'failing', 'the token is not known');
  const { code, stdout, stderr } = await home.type(['status', '--json']);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toEqual([]);
  expect(stderr).toMatch(/^matrix-listener +failing .* the token is not known$/m);
});

test('what a service says acts on no terminal, and does not run on', async () => {
  await home.serviceSays('matrix-listener', 'failing', `\u001b]0;owned\u0007\u202e\nrunner  ok ${'x'.repeat(3_000)}`);
  await home.serviceSays('a\u001b[2J', 'failing', 'x');
  const { stdout } = await home.type(['status']);
  expect(stdout.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  expect(await services()).toHaveLength(2);
  expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThan(500);
});

test('a report that cannot be read is told of', async () => {
  await home.serviceSays('matrix-listener', 'ok', '');
  await writeFile(join(home.path, 'logs/matrix-listener/health.json'), '{');
  expect(await services()).toEqual([expect.stringMatching(/^matrix-listener +unclear +- +its health.json cannot/)]);
});

test.each([
  ['prod', 'pending', 'missing', true],
  ['prod', 'review', 'missing', true],
  ['prod', 'pending', undefined, false],
  ['staging', 'pending', 'missing', false],
  ['prod', 'failed', 'missing', false],
] as const)('on %s, %s, a code that is %s is told of: %s', async (stage, status, code, isTold) => {
  const queue = { version: 1, paused: null, breakers: [], code };
  await writeFile(join(home.path, 'runs/queue.json'), JSON.stringify(queue));
  const state = {
    pending: makeWaitingTask('a plan').record.state,
    review: makeReviewTask().record.state,
    failed: { status: 'failed', since: past, reason: '', error_class: 'internal', result: null } as const,
  }[status];
  await home.addTask('abcde', state, { stage });
  const told = (await home.type(['status'])).stdout.includes('scripts/countersign enrol-code');
  expect(told).toBe(isTold);
});

test('which sandboxes are confined is told below, and which are not above', async () => {
  const proof = {
    profile: 'default',
    toolchain: 'own',
    image: `sha256:${'a'.repeat(64)}`,
    runtime: 'runsc',
    at: past,
    status: 'confined',
    failed: [],
    reason: '',
  };
  const leaky = { ...proof, profile: 'gpu', runtime: 'runc', status: 'leaks', failed: ['network'] };
  const queue = { version: 1, paused: null, breakers: [], sandboxes: [proof, leaky] };
  await writeFile(join(home.path, 'runs/queue.json'), JSON.stringify(queue));
  const lines = (await home.type(['status'])).stdout.split('\n');
  expect(lines[0]).toBe('Sandboxes of profile gpu are not confined (network), and no task runs in them');
  expect(lines).toContain('Sandboxes of profile default are confined, in runsc');
  const { stdout, stderr } = await home.type(['status', '--json']);
  expect(JSON.parse(stdout)).toEqual([]);
  expect(stderr).toContain('Sandboxes of profile gpu are not confined');
  expect(stderr).not.toContain('are confined');
});
