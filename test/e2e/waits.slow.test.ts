import { join } from 'node:path';
import { readHealth } from '@countersign/kit/health.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Stack } from '../support/stack.ts';

// What a task needs may be down: it waits with a reason that people can read, and goes on within 10 s when it is back.
const backWithinMs = 10_000;
let stack: Stack;

beforeAll(async () => {
  stack = await Stack.up('waits');
});
afterAll(() => stack[Symbol.asyncDispose]());

async function reasonOf(file: string): Promise<string> {
  return (await stack.status()).find((row) => row.file === file)?.reason ?? '';
}

async function runnerSays(): Promise<string> {
  return (await readHealth(join(stack.home, 'logs', 'runner')))?.report.reason ?? '';
}

describe.each([
  ['rehearsal-model', /model .*unreachable/],
  ['launcher', /launcher/],
  ['gateway', /gateway/],
])('without the %s', (service, reason) => {
  const file = `without-${service}.md`;

  test('a task waits with a reason, and the others keep working', async () => {
    await stack.compose('stop', service);
    // A task that comes before the loss is noticed may still be served, by the sandbox that waits warm.
    await expect.poll(() => runnerSays(), { timeout: 20_000, interval: 250 }).toMatch(reason);
    await stack.drop(file, 'workspace: mini-control-plane\nstage: dev\n\ncreate a.txt with one');
    await expect.poll(() => reasonOf(file), { timeout: 20_000, interval: 1_000 }).toMatch(reason);
    expect((await stack.task(file))?.state.status).toBe('queued');
    const { stdout } = await stack.compose('ps', '--format', '{{.Service}} {{.Health}}');
    expect(stdout).toContain('runner healthy');
  });

  test('and goes on when it is back', async () => {
    await stack.compose('start', service);
    await expect
      .poll(async () => (await stack.compose('ps', '--format', '{{.Health}}', service)).stdout, {
        timeout: 60_000,
        interval: 250,
      })
      .toBe('healthy');
    await stack.reaches(file, ['running', 'review'], backWithinMs);
    await stack.reaches(file, ['review']);
  });
});

describe('without the runner', () => {
  test('status works and says so; a decision waits and is carried out when the runner is back', async () => {
    await stack.drop('decide.md', 'workspace: mini-control-plane\nstage: staging\n\ncreate c.txt with three');
    await stack.reaches('decide.md', ['pending']);
    await stack.compose('stop', 'runner');
    await stack.drop('meanwhile.md', 'workspace: mini-control-plane\nstage: dev\n\nrun git status');

    const rows = await stack.status();
    expect(rows.find((row) => row.file === 'meanwhile.md')).toMatchObject({
      state: 'queued',
      reason: expect.stringMatching(/runner/),
    });
    expect(await stack.countersign('show', 'decide.md')).toMatchObject({ exitCode: 0 });
    const kept = await stack.countersign('approve', 'decide.md', '--no-wait');
    expect(kept.exitCode).toBe(0);
    expect((await stack.task('decide.md'))?.state.status).toBe('pending');

    await stack.compose('start', 'runner');
    await stack.reaches('decide.md', ['review']);
    await stack.reaches('meanwhile.md', ['done']);
  });
});
