/**
 * How soon a task begins: the whole stack, in folders of its own, with warm sandboxes and without. Prints only. Needs the engine and
 * built images, as `scripts/test e2e` leaves them, and a machine that does nothing else.
 *
 *     node bench/start.ts [--rounds 20] [--json]
 *
 * Each row is the median, the 95th percentile and the largest of its rounds, in ms. Floors, from the same run: `docker run` of the
 * sandbox's image until its first instruction, and a watcher that looks into a folder every three seconds and then does that. Of a task: from
 * the moment before its file is renamed into the inbox, or from the decision on it being written down, until the runner has its
 * sandbox's first word (`sandbox_started`). Then what each stage of the way took, by the runner's own clock.
 */
import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { cpus, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { sandboxImage } from '../test/support/launcher-fixture.ts';
import { Stack } from '../test/support/stack.ts';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '20' }, json: { type: 'boolean', default: false } },
});
const rounds = Number(values.rounds);
const seedPollMs = 3_000;

type Quantiles = { readonly p50: number; readonly p95: number; readonly max: number };
type Started = { readonly ms: number; readonly stages: Readonly<Record<string, number>> };

/** Until the image's first instruction, in ms. */
async function dockerRun(): Promise<number> {
  const began = Date.now();
  const flags = ['--rm', '--network', 'none', '--read-only', '--entrypoint', 'date'];
  const { stdout } = await execa('docker', ['run', ...flags, sandboxImage, '+%s%3N']);
  return Number(stdout) - began;
}

/** As the first document's watcher does it: one look every three seconds, then a container. */
async function seedWatcher(): Promise<number[]> {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-bench-'));
  const measured: number[] = [];
  try {
    for (let round = 0; round < Math.min(rounds, 10); round += 1) {
      const watching = (async () => {
        while (!(await readdir(folder)).includes('task.md')) await sleep(seedPollMs);
      })();
      // Anywhere between two looks.
      await sleep(Math.random() * seedPollMs);
      await writeFile(join(folder, 'task.tmp'), 'x');
      const dropped = performance.now();
      await rename(join(folder, 'task.tmp'), join(folder, 'task.md'));
      await watching;
      measured.push(performance.now() - dropped + (await dockerRun()));
      await rm(join(folder, 'task.md'));
    }
  } finally {
    await rm(folder, { recursive: true });
  }
  return measured;
}

const head = 'workspace: bench\n';
const body = '\n\n1. create hello.txt with hello\n';

/** When the runner heard of the task's sandbox first, in ms since 1970, and what the way there took. */
async function begun(stack: Stack, file: string): Promise<{ readonly at: number; readonly stages: Started['stages'] }> {
  const record = await stack.reaches(file, ['review'], 120_000);
  const started = (await stack.events(record.run)).find(
    ({ event, task_id, data }) => event === 'sandbox_started' && task_id === record.id && data?.['purpose'] === 'run',
  );
  if (started === undefined) throw new Error(`${file} has no sandbox_started`);
  return { at: Date.parse(started.ts), stages: started.data?.['stages_ms'] as Started['stages'] };
}

async function drop(stack: Stack, index: number): Promise<Started> {
  const file = `drop-${index}.md`;
  const since = Date.now();
  await stack.drop(file, `${head}stage: dev${body}`);
  const { at, stages } = await begun(stack, file);
  return { ms: at - since, stages };
}

async function approve(stack: Stack, index: number): Promise<Started> {
  const file = `gated-${index}.md`;
  await stack.drop(file, `${head}stage: staging${body}`);
  const { id, run } = await stack.reaches(file, ['pending'], 120_000);
  // The planner's place is filled again.
  await sleep(3_000);
  await stack.countersign('approve', id, '--no-wait');
  const { at, stages } = await begun(stack, file);
  const approved = (await stack.events(run)).find(({ event, task_id }) => event === 'task_approved' && task_id === id);
  return { ms: at - Date.parse(approved?.ts ?? ''), stages };
}

async function many(measure: (index: number) => Promise<Started>): Promise<Started[]> {
  const measured: Started[] = [];
  for (let round = 0; round < rounds; round += 1) {
    measured.push(await measure(round));
    // Warm sandboxes are made after a task has begun, and this one is not to meet the last one's.
    await sleep(3_000);
  }
  return measured;
}

function quantiles(of: readonly number[]): Quantiles {
  const sorted = of.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
  return { p50: at(0.5), p95: at(0.95), max: at(1) };
}

function stagesOf(started: readonly Started[]): Record<string, Quantiles> {
  const names = new Set(started.flatMap(({ stages }) => Object.keys(stages)));
  return Object.fromEntries(
    [...names].map((name) => [name, quantiles(started.map(({ stages }) => stages[name] ?? Number.NaN))]),
  );
}

async function measured(warm: boolean) {
  await using stack = await Stack.up(`bench-${warm ? 'warm' : 'cold'}`, async (configs) => {
    const sandbox = join(configs, 'sandbox.yaml');
    const text = await readFile(sandbox, 'utf8');
    if (!warm) await writeFile(sandbox, text.replace(/^( +warm:) \d+$/m, '$1 0'));
  });
  await stack.workspace('bench');
  await drop(stack, -1);
  await sleep(5_000);
  const drops = await many((index) => drop(stack, index));
  const approvals = await many((index) => approve(stack, index));
  return {
    drop: quantiles(drops.map(({ ms }) => ms)),
    approval: quantiles(approvals.map(({ ms }) => ms)),
    stages: stagesOf(drops),
  };
}

const floor: number[] = [];
await dockerRun();
for (let round = 0; round < rounds; round += 1) floor.push(await dockerRun());
const seed = await seedWatcher();
const [warm, cold] = [await measured(true), await measured(false)];
const { stdout: engine } = await execa('docker', ['version', '--format', '{{.Server.Version}}']);
const machine = {
  processor: cpus()[0]?.model ?? '',
  cores: cpus().length,
  memory_gb: Math.round(totalmem() / 1e9),
  kernel: release(),
  engine,
};
const report = { machine, rounds, docker_run_ms: quantiles(floor), seed_watcher_ms: quantiles(seed), warm, cold };
if (values.json) process.stdout.write(`${JSON.stringify(report)}\n`);
else {
  const base = report.docker_run_ms.p50;
  const row = (name: string, { p50, p95, max }: Quantiles, share = true) =>
    `${name.padEnd(44)}${[p50, p95, max].map((value) => value.toFixed(value < 10 ? 1 : 0).padStart(8)).join('')}${share ? `   ${(p50 / base).toFixed(2)}` : ''}\n`;
  process.stdout.write(
    [
      `${machine.cores} cores of ${machine.processor}, ${machine.memory_gb} GB, Linux ${machine.kernel}, engine ${engine}; ${rounds} rounds, in ms\n`,
      `${''.padEnd(44)}     p50     p95     max   of docker run\n`,
      row('docker run', report.docker_run_ms),
      row('watcher of the first document', report.seed_watcher_ms),
      row('drop to first instruction, warm', warm.drop),
      row('drop to first instruction, cold', cold.drop),
      row('approval to first instruction, warm', warm.approval),
      row('approval to first instruction, cold', cold.approval),
      ...Object.entries(warm.stages).map(([name, of]) => row(`  warm: ${name}`, of, false)),
      ...Object.entries(cold.stages).map(([name, of]) => row(`  cold: ${name}`, of, false)),
    ].join(''),
  );
}
