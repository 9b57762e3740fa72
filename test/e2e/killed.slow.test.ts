import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inspect } from '../support/check-container.ts';
import { comesBack, containerOf, killContainer, killFromHost, sandboxesOf, settles } from '../support/host-kill.ts';
import { targets } from '../support/soak/plan.ts';
import { Stack } from '../support/stack.ts';

/** Of ten tasks at once: each death of the runner is ten sandboxes to adopt. */
const runnerDeaths = 10;
const launcherDeaths = 10;
const stallMs = 60_000;
const atOnce = 10;

let stack: Stack;

const patientTool = `
  patient:
    mode: batch
    cmd: [sh, -c, 'while [ ! -e /tmp/go ]; do sleep 0.2; done; echo gone > gone.txt']
    timeout_sec: 1800
    step_limit: 1
    token_budget: 1000
`;

beforeAll(async () => {
  stack = await Stack.up('killed', async (configs) => {
    const path = join(configs, 'agent.env');
    const settings = (await readFile(path, 'utf8'))
      .replace(/^MAX_TASKS=.*$/m, `MAX_TASKS=${atOnce}`)
      .replace(/^MAX_TASKS_PER_WORKSPACE=.*$/m, `MAX_TASKS_PER_WORKSPACE=${atOnce}`);
    await writeFile(path, settings);
    // A command of the built-in tool has two minutes, and ten deaths of the runner may take longer.
    await appendFile(join(configs, 'tools.yaml'), patientTool);
  });
  await stack.workspace('project');
});
afterAll(() => stack[Symbol.asyncDispose]());

const task = (...lines: readonly string[]) =>
  `workspace: project\nstage: dev\n\n${lines.map((line, index) => `${index + 1}. ${line}\n`).join('')}`;

async function eventsOf(record: TaskRecord): Promise<string[]> {
  const events = await stack.events(record.run);
  return events.filter((event) => event.task_id === record.id).map((event) => event.event);
}

const count = (events: readonly string[], name: string) => events.filter((event) => event === name).length;

/** Where tasks stand and how they came there, for whoever wants to know why one is not where it should be. */
async function standing(files: ReadonlySet<string>): Promise<string> {
  const records = (await stack.tasks()).filter((record) => files.has(record.dropped_as));
  const told = await Promise.all(
    records.map(async ({ id, run, dropped_as: file, state }) => {
      const events = (await stack.events(run)).filter(({ task_id }) => task_id === id).slice(-8);
      return `${file}: ${state.status} (${state.reason}): ${events.map(({ ts, event, summary }) => `${ts} ${event} ${summary}`).join('; ')}`;
    }),
  );
  return told.join('\n');
}

/** Whether the two warm sandboxes are all that there is. */
async function nothingIsLeft(): Promise<void> {
  await expect
    .poll(async () => (await sandboxesOf(stack)).map(({ state }) => state), { timeout: 60_000, interval: 500 })
    .toEqual(['running', 'running']);
}

describe('F05 killed from the host, without anybody running compose', () => {
  const deaths = targets.flatMap((service) => [[service, 'own'] as const, [service, 'init'] as const]);
  test.each(deaths)('%s comes back by itself, its %s process killed', async (service, which) => {
    const since = new Date();
    await killFromHost(stack, service, which);
    expect(await comesBack(stack, service, since)).toBeGreaterThan(0);
  });

  test('the runner comes back when the kernel ends it for want of memory, and its task goes on', async () => {
    await stack.drop('memory.md', task('run sleep 5', 'create memory.txt with one'));
    await stack.reaches('memory.md', ['running']);
    const container = await containerOf(stack, 'runner');
    // Of all that shares its memory the kernel is to choose the runner itself.
    await writeFile(`/proc/${await stack.processOf('runner')}/oom_score_adj`, '1000');
    const since = new Date();
    const hog = 'const held = []; for (;;) held.push(Buffer.alloc(16 * 1024 * 1024, 1));';
    await execa('docker', ['exec', container, 'node', '--eval', hog], { reject: false });
    await comesBack(stack, 'runner', since);
    const { stdout } = await execa('docker', [
      'events',
      '--since',
      since.toISOString(),
      '--until',
      new Date().toISOString(),
      '--filter',
      `container=${container}`,
      '--format',
      '{{.Action}}',
    ]);
    expect(stdout.split('\n')).toContain('oom');
    const done = await stack.reaches('memory.md', ['review'], 90_000);
    expect(done.attempts).toBe(1);
  });

  test('the stack still works', async () => {
    await stack.drop('after.md', task('create after.txt with two'));
    await stack.reaches('after.md', ['review']);
  });
});

describe('F08', () => {
  test(`a restarted runner takes over all of ${atOnce * runnerDeaths} sandboxes that run, and none is begun again`, async () => {
    const files = Array.from({ length: atOnce }, (_, index) => `adopted-${index}.md`);
    const open = new Set(files);
    for (const file of files)
      await stack.drop(file, 'workspace: project\nstage: dev\ntool: patient\n\nwait until you may go on\n');
    for (const file of files) await stack.reaches(file, ['running'], 120_000);
    const adoptions = async () => {
      const records = (await stack.tasks()).filter((record) => open.has(record.dropped_as));
      const events = await Promise.all(records.map(eventsOf));
      return events.map((own) => count(own, 'task_adopted'));
    };
    for (let death = 1; death <= runnerDeaths; death += 1) {
      await killFromHost(stack, 'runner');
      await expect.poll(adoptions, { timeout: 60_000, interval: 500 }).toEqual(files.map(() => death));
    }
    const ours = new Set(
      (await stack.tasks()).flatMap(({ state }) => (state.status === 'running' ? (state.slot ?? []) : [])),
    );
    expect(ours.size).toBe(atOnce);
    for (const { id, slot } of await sandboxesOf(stack))
      if (ours.has(slot))
        await execa('docker', ['exec', id, 'touch', '/tmp/go']).catch(async (error: unknown) => {
          throw new Error(await standing(open), { cause: error });
        });
    for (const file of files) {
      const done = await stack.reaches(file, ['review'], 90_000);
      expect(done.attempts).toBe(1);
      expect(count(await eventsOf(done), 'task_started')).toBe(1);
    }
    await nothingIsLeft();
  });

  test('a launcher that dies while a sandbox is made leaves none behind', async () => {
    for (let death = 0; death < launcherDeaths; death += 1) {
      const before = await sandboxesOf(stack);
      const [warm] = before;
      if (warm === undefined) throw new Error('there is no warm sandbox');
      const known = new Set(before.map(({ id }) => id));
      // Another one is made in its place: within the first second it is created, compared, started and greeted.
      await killContainer(warm.id);
      const made = async () => (await sandboxesOf(stack)).some(({ id }) => !known.has(id));
      if (death % 2 === 0) await sleep(death * (1_000 / launcherDeaths));
      else await expect.poll(made, { timeout: 60_000, interval: 20 }).toBe(true);
      const since = new Date();
      await killFromHost(stack, 'launcher', 'init');
      await comesBack(stack, 'launcher', since);
      await nothingIsLeft();
      await settles(stack, 'launcher');
    }
  }, 600_000);

  test('a launcher that dies while sandboxes run is nothing to them', async () => {
    await stack.drop('without.md', task('run sleep 4', 'create without.txt with one'));
    await stack.reaches('without.md', ['running']);
    await sleep(1_000);
    await killFromHost(stack, 'launcher');
    const done = await stack.reaches('without.md', ['review'], 90_000);
    expect(done.attempts).toBe(1);
    await nothingIsLeft();
  });

  test('a sandbox that ended while the launcher was dead is found and removed, and its task begun once more', async () => {
    await stack.drop('ended.md', task('run sleep 3', 'create ended.txt with one'));
    const { state } = await stack.reaches('ended.md', ['running']);
    const own = (await sandboxesOf(stack)).find(({ slot }) => slot === state.slot);
    if (own === undefined) throw new Error('the task has no sandbox');
    await killFromHost(stack, 'launcher', 'init');
    await killContainer(own.id);
    const done = await stack.reaches('ended.md', ['review'], 120_000);
    expect(done.attempts).toBe(2);
    expect(await eventsOf(done)).toContain('task_interrupted');
    expect((await sandboxesOf(stack)).map(({ id }) => id)).not.toContain(own.id);
    await nothingIsLeft();
  });
});

describe('F10 a service of ours that dies in the middle of a call is a wait', () => {
  test.each(['rehearsal-model', 'gateway'] as const)(
    'the %s, as often as a breaker would count: the task is interrupted, said, and done',
    async (service) => {
      const file = `${service}.md`;
      await stack.drop(
        file,
        task('rehearsal: pause 3s', `create ${service}.txt with one`).replace('1. rehearsal', 'rehearsal'),
      );
      for (let death = 0; death < 3; death += 1) {
        await stack.reaches(file, ['running'], 90_000);
        await sleep(1_500);
        const since = new Date();
        await killFromHost(stack, service);
        await comesBack(stack, service, since);
      }
      const done = await stack.reaches(file, ['review'], 120_000);
      const events = await eventsOf(done);
      // Each attempt that was begun beyond the first one is one that was said to be interrupted.
      expect(count(events, 'task_started')).toBe(count(events, 'task_interrupted') + 1);
      expect(count(events, 'task_ended')).toBe(0);
      const own = await readFile(join(stack.home, 'runs', 'telemetry.jsonl'), 'utf8');
      expect(own).not.toContain('breaker_opened');
    },
  );

  test.each(['matrix-listener', 'synapse'] as const)(
    'the %s: the work goes on, and so does the gate',
    async (service) => {
      const file = `${service}.md`;
      await stack.drop(file, task(`create ${service}.txt with one`).replace('stage: dev', 'stage: staging'));
      const since = new Date();
      await killFromHost(stack, service);
      await stack.reaches(file, ['pending'], 90_000);
      expect(await stack.countersign('approve', file)).toMatchObject({ exitCode: 0 });
      const done = await stack.reaches(file, ['review'], 90_000);
      expect(done.attempts).toBe(1);
      await comesBack(stack, service, since);
    },
  );
});

describe('F07', () => {
  test(`a runner that stands still for ${stallMs / 1_000} s goes on with what it had`, async () => {
    await stack.drop('stalled.md', task('run sleep 3', 'create stalled.txt with one'));
    const { state } = await stack.reaches('stalled.md', ['running']);
    const pid = await stack.processOf('runner');
    process.kill(pid, 'SIGSTOP');
    try {
      await sleep(stallMs);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    const done = await stack.reaches('stalled.md', ['review'], 60_000);
    expect(done.attempts).toBe(1);
    expect(await stack.processOf('runner')).toBe(pid);
    const events = await eventsOf(done);
    expect([count(events, 'task_started'), count(events, 'task_adopted')]).toEqual([1, 0]);
    // The result is taken in before the sandbox is let go.
    await expect
      .poll(async () => (await sandboxesOf(stack)).map(({ slot }) => slot), { timeout: 20_000 })
      .not.toContain(state.slot);
  });
});

describe('F04 compose stop', () => {
  test.each([0, 1, 4])('with %i tasks at work ends all services in time, and they go on after up', async (tasks) => {
    const files = Array.from({ length: tasks }, (_, index) => `stopped-${tasks}-${index}.md`);
    for (const file of files) await stack.drop(file, task('run sleep 6', `create ${file}.txt with one`));
    for (const file of files) await stack.reaches(file, ['running'], 60_000);
    await stack.compose('stop');
    for (const service of targets) {
      const { State } = await inspect(await containerOf(stack, service));
      // 137 is what the engine kills at the end of the grace period.
      expect([service, State.Status, State.ExitCode === 137]).toEqual([service, 'exited', false]);
    }
    const stopped = await Promise.all(files.map((file) => stack.task(file)));
    expect(stopped.filter((record) => !['running', 'interrupted'].includes(record?.state.status ?? ''))).toEqual([]);
    await stack.mustUp(['--rehearsal', '--json']);
    for (const file of files) {
      const done = await stack.reaches(file, ['review'], 90_000);
      // One that asked the model while that was away is begun once more, and said to be.
      const events = await eventsOf(done);
      expect(count(events, 'task_started')).toBe(count(events, 'task_interrupted') + 1);
    }
    await nothingIsLeft();
  });

  test('scripts/down takes sandboxes away as well: their tasks are begun once more', async () => {
    await stack.drop('down.md', task('run sleep 6', 'create down.txt with one'));
    await stack.reaches('down.md', ['running']);
    expect(await stack.script('down', [])).toMatchObject({ exitCode: 0 });
    expect(await sandboxesOf(stack)).toEqual([]);
    await stack.mustUp(['--rehearsal', '--json']);
    const done = await stack.reaches('down.md', ['review'], 120_000);
    expect(done.attempts).toBe(2);
    expect(await eventsOf(done)).toContain('task_interrupted');
  });
});
