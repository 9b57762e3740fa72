import { execFile } from 'node:child_process';
import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Stack } from '../support/stack.ts';

const run = promisify(execFile);
const megabyte = 1024 * 1024;
let stack: Stack;

beforeAll(async () => {
  stack = await Stack.up('resilience');
});
afterAll(() => stack[Symbol.asyncDispose]());

async function killRunner(): Promise<void> {
  process.kill(await stack.processOf('runner'), 'SIGKILL');
}

describe('a sandbox', () => {
  test('is warm before the task: it waits, started, for its first task', async () => {
    const waiting = async () => {
      const filter = `label=countersign.project=${stack.project}`;
      return (await run('docker', ['ps', '--quiet', '--filter', filter])).stdout.trim().split('\n').length;
    };
    // scripts/up waits for the first of them.
    await expect.poll(waiting, { timeout: 20_000 }).toBe(2);
  });

  test('F08 is adopted when the runner was killed while a tool ran, and gives the whole result', async () => {
    await stack.drop(
      'adopted.md',
      'workspace: mini-control-plane\nstage: dev\n\n1. create before.txt with one\n2. run sleep 6 && seq 1 2000\n3. create after.txt with two',
    );
    const running = await stack.reaches('adopted.md', ['running']);
    await sleep(1_500);
    await killRunner();
    const done = await stack.reaches('adopted.md', ['review']);

    expect(done.attempts).toBe(1);
    const events = (await stack.events(done.run))
      .filter((event) => event.task_id === done.id)
      .map((event) => event.event);
    expect(events.filter((event) => event === 'task_started')).toHaveLength(1);
    expect(events).toContain('task_adopted');
    const patch = await readFile(join(stack.attemptFolder(done), 'diffs', 'mini-control-plane.patch'), 'utf8');
    expect(patch).toContain('+++ b/before.txt');
    expect(patch).toContain('+++ b/after.txt');
    expect(await readFile(join(stack.attemptFolder(done), 'stdout.log'), 'utf8')).toContain('finish');
    expect(running.id).toBe(done.id);
  });

  test('is asked again for a 200 MB result whose connection was cut in the middle', async () => {
    await stack.drop(
      'large.md',
      'workspace: mini-control-plane\nstage: dev\n\nrun head -c 209715200 /dev/urandom > large.bin',
    );
    const running = await stack.reaches('large.md', ['running']);
    const received = join(stack.attemptFolder(running), 'incoming', 'bundle-0');
    const size = async () => (await stat(received).catch(() => ({ size: 0 }))).size;
    await expect.poll(size, { timeout: 90_000, interval: 5 }).toBeGreaterThan(10 * megabyte);
    await killRunner();
    const cut = await size();
    expect(cut).toBeLessThan(200 * megabyte);

    const done = await stack.reaches('large.md', ['review'], 120_000);
    expect(done.attempts).toBe(1);
    const repository = join(stack.home, 'workspaces', 'mini-control-plane');
    const { stdout } = await run('git', [
      '-c',
      `safe.directory=${repository}`,
      '-C',
      repository,
      'cat-file',
      '-s',
      `refs/agentic/${done.run}/${done.id}:large.bin`,
    ]);
    expect(Number(stdout)).toBe(200 * megabyte);
  });

  test('that was lost is replaced once, and said', async () => {
    await stack.drop(
      'lost.md',
      'workspace: mini-control-plane\nstage: dev\n\n1. run sleep 4\n2. create c.txt with three',
    );
    const running = await stack.reaches('lost.md', ['running']);
    await run('docker', ['rm', '--force', `${stack.project}-sandbox-${running.state.slot ?? ''}`]);
    const done = await stack.reaches('lost.md', ['review']);
    expect(done.attempts).toBe(2);
    const events = (await stack.events(done.run))
      .filter((event) => event.task_id === done.id)
      .map((event) => event.event);
    expect(events).toContain('task_interrupted');
  });

  test('is stopped at its time limit, and what was done is kept', async () => {
    await stack.drop(
      'slow.md',
      'workspace: mini-control-plane\nstage: dev\ntimeout_sec: 4\n\n1. create kept.txt with yes\n2. run sleep 100',
    );
    const failed = await stack.reaches('slow.md', ['failed']);
    expect(failed.state.error_class).toBe('timeout');
    expect(await readFile(join(stack.attemptFolder(failed), 'diffs', 'mini-control-plane.patch'), 'utf8')).toContain(
      '+++ b/kept.txt',
    );
  });

  test('is told to begin anew when a claimed file still changes, and nothing of the half is kept', async () => {
    await stack.drop(
      'half.md',
      'workspace: mini-control-plane\nstage: dev\n\n1. run sleep 5\n2. create half.txt with half',
    );
    const running = await stack.reaches('half.md', ['running']);
    await writeFile(
      join(stack.home, 'inbox', 'running', 'half.md'),
      'workspace: mini-control-plane\nstage: dev\n\ncreate whole.txt with whole',
    );
    const done = await stack.reaches('half.md', ['review']);
    expect(done.id).toBe(running.id);
    const patch = await readFile(join(stack.attemptFolder(done), 'diffs', 'mini-control-plane.patch'), 'utf8');
    expect(patch).toContain('+++ b/whole.txt');
    expect(patch).not.toContain('half.txt');
  });
});
