/**
 * How many tasks a minute go through the whole stack, with 1, 4 and 16 at work at once, each in a sandbox of its own, and what they
 * cost the services. Prints only. Needs the engine and built images, as `scripts/test e2e` leaves them, and a machine that does
 * nothing else.
 *
 *     node bench/throughput.ts [--tasks 48] [--at-once 1,4,16] [--json]
 *
 * The files are dropped at once, over 16 workspaces; a task writes one file, without a model. The floor, from the same run: so many
 * `docker run` of the same image, as many at once. Of each: tasks in a minute, from the first file dropped until the last task waits
 * for its merge with its diff saved. Then the processor time of each service for 100 tasks, in seconds.
 */
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { sandboxImage } from '../test/support/launcher-fixture.ts';
import { Stack } from '../test/support/stack.ts';
import { describeMachine, machineLine, row } from './support/figures.ts';
import { notOurs, usageOf } from './support/usage.ts';

const { values } = parseArgs({
  options: {
    tasks: { type: 'string', default: '48' },
    'at-once': { type: 'string', default: '1,4,16' },
    json: { type: 'boolean', default: false },
  },
});
const tasks = Number(values.tasks);
const workspaces = 16;
const settleMs = 20_000;
const patienceMs = 15 * 60_000;

const tool = `
  touch:
    mode: batch
    cmd: [sh, -c, 'date > touched.txt']
    timeout_sec: 60
    step_limit: 1
    token_budget: 1000
`;

/** `docker run` of the image, so many at once. @returns runs in a minute */
async function floorOf(atOnce: number): Promise<number> {
  let left = tasks;
  const began = performance.now();
  const worker = async (): Promise<void> => {
    while (left-- > 0)
      await execa('docker', ['run', '--rm', '--network', 'none', '--read-only', '--entrypoint', 'true', sandboxImage]);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return (tasks * 60_000) / (performance.now() - began);
}

async function untilAllWait(stack: Stack): Promise<void> {
  const end = Date.now() + patienceMs;
  for (;;) {
    const records = (await stack.tasks()).filter(({ dropped_as }) => dropped_as.startsWith('many-'));
    if (records.length === tasks && records.every(({ state }) => state.status === 'review')) return;
    const ended = records.find(({ state }) => state.status === 'failed');
    if (ended !== undefined) throw new Error(`${ended.dropped_as} failed: ${ended.state.reason}`);
    if (Date.now() > end) throw new Error(`not all of ${tasks} tasks came to their end in time`);
    await sleep(250);
  }
}

async function through(atOnce: number) {
  await using stack = await Stack.up(`bench-many-${atOnce}`, async (configs) => {
    await appendFile(join(configs, 'tools.yaml'), tool);
    const agent = join(configs, 'agent.env');
    await writeFile(agent, (await readFile(agent, 'utf8')).replace(/^MAX_TASKS=.*$/m, `MAX_TASKS=${atOnce}`));
  });
  for (let index = 0; index < workspaces; index += 1) await stack.workspace(`bench-${index}`);
  await sleep(settleMs);
  const before = await usageOf(stack.project);
  const began = performance.now();
  for (let index = 0; index < tasks; index += 1) {
    const keys = `workspace: bench-${index % workspaces}\nstage: dev\ntool: touch\n`;
    await stack.drop(`many-${index}.md`, `${keys}\n\ntouch a file\n`);
  }
  await untilAllWait(stack);
  const perMinute = (tasks * 60_000) / (performance.now() - began);
  const after = await usageOf(stack.project);
  const cpu = [...after].map(([name, { cpuMs }]) => ({
    name,
    seconds: ((cpuMs - (before.get(name)?.cpuMs ?? Number.NaN)) * 100) / tasks / 1_000,
  }));
  return { at_once: atOnce, per_minute: perMinute, floor_per_minute: await floorOf(atOnce), cpu_per_100_tasks: cpu };
}

const measured: Awaited<ReturnType<typeof through>>[] = [];
for (const atOnce of values['at-once'].split(',')) measured.push(await through(Number(atOnce)));
const machine = await describeMachine();
if (values.json) process.stdout.write(`${JSON.stringify({ machine, tasks, measured })}\n`);
else {
  const names = (measured[0]?.cpu_per_100_tasks ?? []).map(({ name }) => name).filter((name) => !notOurs.has(name));
  process.stdout.write(
    [
      `${machineLine(machine)}; ${tasks} tasks\n`,
      row(
        'at once',
        measured.map(({ at_once }) => String(at_once)),
      ),
      row(
        'tasks in a minute',
        measured.map(({ per_minute }) => per_minute),
      ),
      row(
        'docker run in a minute',
        measured.map(({ floor_per_minute }) => floor_per_minute),
      ),
      ...names.map((name) =>
        row(
          `  ${name}, s of processor for 100 tasks`,
          measured.map(
            ({ cpu_per_100_tasks }) => cpu_per_100_tasks.find((of) => of.name === name)?.seconds ?? Number.NaN,
          ),
        ),
      ),
    ].join(''),
  );
}
