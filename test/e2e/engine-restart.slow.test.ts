import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { exists } from '@countersign/kit/files.ts';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sandboxesOf } from '../support/host-kill.ts';
import { targets } from '../support/soak/plan.ts';
import { root, Stack } from '../support/stack.ts';

// Restarting the engine ends every container of this machine, whoever's it is: only `scripts/test --all` runs this file, alone and
// where no other container runs.

describe('F09 the engine restarted', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await Stack.up('engine');
    await stack.workspace('project');
  });
  afterAll(() => stack[Symbol.asyncDispose]());

  test('in the middle of a task: services come back with it, and the task is begun once more', async () => {
    await stack.drop('cut.md', 'workspace: project\nstage: dev\n\n1. run sleep 20\n2. create cut.txt with one\n');
    const { state } = await stack.reaches('cut.md', ['running']);
    const before = await healthyServices();
    expect(before).toEqual(expect.arrayContaining([...targets]));
    const engine = (await readFile('/var/run/docker.pid', 'utf8')).trim();
    process.kill(Number(engine), 'SIGTERM');
    // It stops answering long before its end, and another one does not start until then.
    await expect.poll(() => exists(`/proc/${engine}`), { timeout: 120_000, interval: 500 }).toBe(false);
    await execa('sh', [
      '-c',
      'root=$0; . "$root/scripts/lib/progress.sh"; . "$root/scripts/lib/engine.sh"; start_engine',
      root,
    ]);
    await expect.poll(healthyServices, { timeout: 120_000, interval: 1_000 }).toEqual(before);

    const done = await stack.reaches('cut.md', ['review'], 180_000);
    expect(done.attempts).toBe(2);
    await sleep(5_000);
    expect((await sandboxesOf(stack)).map(({ slot }) => slot)).not.toContain(state.slot);
  });

  async function healthyServices(): Promise<string[]> {
    const { stdout } = await stack.compose('ps', '--format', '{{.Service}} {{.Health}}');
    return stdout
      .split('\n')
      .filter((line) => line.endsWith(' healthy'))
      .map((line) => line.replace(' healthy', ''))
      .sort();
  }
});
