/**
 * How soon a task begins: the whole stack, in folders of its own, with warm sandboxes and without. Prints only. Needs the engine and
 * built images, as `scripts/test e2e` leaves them, and a machine that does nothing else.
 *
 *     node bench/start.ts [--rounds 20] [--json]
 *
 * Each row is the median, the 95th percentile and the largest of its rounds, in ms. Floors, from the same run: `docker run` of the
 * sandbox's image until its first instruction, and a watcher that looks into a folder every three seconds and then does that. Of a task: from
 * the moment before its file is renamed into the inbox, or written there, before a signed command is renamed into its spool, or of the decision being
 * written down, until the runner has its sandbox's first word (`sandbox_started`). Then what each stage of the way took, by the runner's own clock.
 * Last, what of a cold start is the engine's, Node's and the agent's: containers as the launcher makes them, each figure from the beginning.
 */
import { randomBytes } from 'node:crypto';
import { chown, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { readSigningKey } from '@countersign/contracts/command.ts';
import { inboxLimits } from '@countersign/contracts/limits.ts';
import { giveCommand, spoolCommand } from '@countersign/kit/command-spool.ts';
import { execa } from 'execa';
import { sandboxImage } from '../test/support/launcher-fixture.ts';
import { Stack } from '../test/support/stack.ts';
import { coldStarts } from './support/cold-start.ts';
import { describeMachine, machineLine, type Quantiles, quantiles, row } from './support/figures.ts';

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '20' }, json: { type: 'boolean', default: false } },
});
const rounds = Number(values.rounds);
const seedPollMs = 3_000;
/** A rename shows by its time, which a file system counts in a few milliseconds. */
const writtenBeforeMs = 20;

type Started = { readonly ms: number; readonly stages: Readonly<Record<string, number>> };
type Approved = Started & { readonly sinceCommandMs: number };

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
  const events = (await stack.events(record.run)).filter(({ task_id }) => task_id === record.id);
  const started = events.find(({ event, data }) => event === 'sandbox_started' && data?.['purpose'] === 'run');
  if (started === undefined) throw new Error(`${file} has no sandbox_started`);
  const accepted = events.find(({ event }) => event === 'task_accepted');
  const stages = Object.assign({}, accepted?.data?.['stages_ms'], started.data?.['stages_ms']) as Started['stages'];
  return { at: Date.parse(started.ts), stages };
}

/** @param way renamed into the inbox, having been written a moment before; or written there, as an editor does */
async function drop(stack: Stack, index: number, way: 'renamed' | 'written'): Promise<Started> {
  const file = `${way}-${index}.md`;
  const inbox = join(stack.home, 'inbox');
  const text = `${head}stage: dev${body}`;
  const temporary = join(inbox, `.${file}.tmp`);
  if (way === 'renamed') await writeFile(temporary, text);
  await sleep(writtenBeforeMs);
  const since = Date.now();
  if (way === 'renamed') await rename(temporary, join(inbox, file));
  else await writeFile(join(inbox, file), text);
  const { at, stages } = await begun(stack, file);
  return { ms: at - since, stages };
}

/** Where the shell's commands lie, and what they are signed with. */
async function shellOf(stack: Stack) {
  const volume = ['volume', 'inspect', '--format', '{{.Mountpoint}}', `${stack.project}_spool-shell`];
  const { secrets, operator } = await stack.places();
  const [uid = 0, gid = 0] = operator.split(':').map(Number);
  return {
    spool: (await execa('docker', volume)).stdout,
    key: readSigningKey(await readFile(join(secrets, 'cli', 'signing.key.pem'), 'utf8')),
    /** As the stack's user, who reads it. */
    write: async (path: string, text: string | Uint8Array) => {
      const temporary = join(dirname(path), `.${randomBytes(12).toString('hex')}.tmp`);
      await writeFile(temporary, text);
      await chown(temporary, uid, gid);
      await rename(temporary, path);
    },
  };
}

async function approve(stack: Stack, shell: Awaited<ReturnType<typeof shellOf>>, index: number): Promise<Approved> {
  const file = `gated-${index}.md`;
  await stack.drop(file, `${head}stage: staging${body}`);
  const { id, run, state } = await stack.reaches(file, ['pending'], 120_000);
  // The planner's place is filled again.
  await sleep(3_000);
  const since = Date.now();
  const giving = {
    id: randomBytes(16).toString('base64url'),
    actor: { channel: 'shell' as const, user: 'bench' },
    evidence: 'bench/start.ts',
    issuedMs: since,
  };
  const asked = { kind: 'approve' as const, subject: { task: id, digest: state.digest } };
  await spoolCommand(shell.spool, giveCommand(asked, giving, shell.key), shell.write);
  const { at, stages } = await begun(stack, file);
  const approved = (await stack.events(run)).find(({ event, task_id }) => event === 'task_approved' && task_id === id);
  return { ms: at - Date.parse(approved?.ts ?? ''), sinceCommandMs: at - since, stages };
}

async function many<Measured>(measure: (index: number) => Promise<Measured>): Promise<Measured[]> {
  const measured: Measured[] = [];
  for (let round = 0; round < rounds; round += 1) {
    measured.push(await measure(round));
    // Warm sandboxes are made after a task has begun, and this one is not to meet the last one's.
    await sleep(3_000);
  }
  return measured;
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
  await drop(stack, -1, 'renamed');
  await sleep(5_000);
  const drops = await many((index) => drop(stack, index, 'renamed'));
  const written = await many((index) => drop(stack, index, 'written'));
  const shell = await shellOf(stack);
  const approvals = await many((index) => approve(stack, shell, index));
  return {
    drop: quantiles(drops.map(({ ms }) => ms)),
    written: quantiles(written.map(({ ms }) => ms)),
    approval: quantiles(approvals.map(({ ms }) => ms)),
    command: quantiles(approvals.map(({ sinceCommandMs }) => sinceCommandMs)),
    stages: stagesOf(drops),
  };
}

const floor: number[] = [];
await dockerRun();
for (let round = 0; round < rounds; round += 1) floor.push(await dockerRun());
const parts = await coldStarts(rounds);
const seed = await seedWatcher();
const [warm, cold] = [await measured(true), await measured(false)];
const machine = await describeMachine();
const report = {
  machine,
  rounds,
  docker_run_ms: quantiles(floor),
  seed_watcher_ms: quantiles(seed),
  warm,
  cold,
  cold_parts_ms: {
    created: quantiles(parts.map(({ created }) => created)),
    started: quantiles(parts.map(({ started }) => started)),
    node: quantiles(parts.map(({ node }) => node)),
    agent: quantiles(parts.map(({ agent }) => agent)),
  },
};
if (values.json) process.stdout.write(`${JSON.stringify(report)}\n`);
else {
  const base = report.docker_run_ms.p50;
  const way = (name: string, of: Quantiles) => row(name, [of.p50, of.p95, of.max, of.p50 / base]);
  const stage = ([name, of]: [string, Quantiles]) => row(`  ${name}`, [of.p50, of.p95, of.max]);
  process.stdout.write(
    [
      `${machineLine(machine)}; ${rounds} rounds, in ms\n`,
      row('', ['p50', 'p95', 'max', 'p50/floor']),
      way('docker run', report.docker_run_ms),
      way('watcher of the first document', report.seed_watcher_ms),
      ...(
        [
          ['warm', warm],
          ['cold', cold],
        ] as const
      ).flatMap(([name, of]) => [
        way(`${name}: from the drop`, of.drop),
        way(`${name}: from the writing, which stands still for ${inboxLimits.settleMs} ms first`, of.written),
        way(`${name}: from the command`, of.command),
        way(`${name}: from the approval`, of.approval),
        ...Object.entries(of.stages).map(stage),
      ]),
      way('a sandbox without us: the engine has made it', report.cold_parts_ms.created),
      way('  and says that it runs', report.cold_parts_ms.started),
      way('  Node in it has connected', report.cold_parts_ms.node),
      way('  the agent in it has connected', report.cold_parts_ms.agent),
    ].join(''),
  );
}
