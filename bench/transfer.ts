/**
 * How long a checkout takes into a sandbox, and its result back: the whole stack, in folders of its own. Prints only. Needs the engine
 * and built images, as `scripts/test e2e` leaves them, and a machine that does nothing else.
 *
 *     node bench/transfer.ts [--megabytes 64] [--rounds 5] [--json]
 *
 * Of a workspace with so many megabytes that do not compress, in files of one each, and a tool that writes half as much, each median, 95th
 * percentile and largest in ms: the packet being made; its way to the tool's first instruction, with the checkout; and from the tool's
 * end until the result is imported, with its commit, its pack, its checks and its saved diff. Floors, from the same run: the same
 * files by `tar | cat | tar` from one folder into another, which neither checks nor keeps anything.
 */
import { randomBytes } from 'node:crypto';
import { appendFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { execa } from 'execa';
import { Stack } from '../test/support/stack.ts';
import { describeMachine, machineLine, quantiles, row } from './support/figures.ts';

const { values } = parseArgs({
  options: {
    megabytes: { type: 'string', default: '64' },
    rounds: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
  },
});
const megabytes = Number(values.megabytes);
const grown = Math.ceil(megabytes / 2);
const rounds = Number(values.rounds);
const megabyte = 1024 ** 2;

const tool = `
  grow:
    mode: batch
    cmd: [sh, -c, 'for n in $(seq ${grown}); do head -c ${megabyte} /dev/urandom > grown-$n.bin; done; date +%s%3N > stamp.txt']
    timeout_sec: 300
    step_limit: 1
    token_budget: 1000
`;

/** Writes so many files of a megabyte each. */
async function fill(folder: string, files: number): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (let index = 0; index < files; index += 1)
    await writeFile(join(folder, `file-${index}.bin`), randomBytes(megabyte));
}

/** `tar | cat | tar` of so many files of a megabyte, from one folder into another. @returns ms of each round */
async function tarOf(files: number): Promise<number[]> {
  const folder = await mkdtemp(join(tmpdir(), 'countersign-bench-'));
  try {
    await fill(join(folder, 'from'), files);
    const measured: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      await mkdir(join(folder, 'to'));
      const began = performance.now();
      await execa('sh', ['-c', 'tar -C from -cf - . | cat | tar -C to -xf -'], { cwd: folder });
      measured.push(performance.now() - began);
      await rm(join(folder, 'to'), { recursive: true });
    }
    return measured;
  } finally {
    await rm(folder, { recursive: true });
  }
}

type Transfer = { readonly made: number; readonly sent: number; readonly back: number };

async function oneTask(stack: Stack, index: number): Promise<Transfer> {
  const file = `grow-${index}.md`;
  await stack.drop(file, 'workspace: bench\nstage: dev\ntool: grow\n\n\ngrow\n');
  const record = await stack.reaches(file, ['review'], 300_000);
  const events = (await stack.events(record.run)).filter(({ task_id }) => task_id === record.id);
  const stages = events.find(({ event }) => event === 'sandbox_started')?.data?.['stages_ms'] as Record<string, number>;
  const imported = events.find(({ event }) => event === 'result_imported');
  const patch = await readFile(join(stack.attemptFolder(record), 'diffs', 'bench.patch'), 'utf8');
  const ended = Number(/^\+(\d{13})$/m.exec(patch)?.[1]);
  return {
    made: stages['packet'] ?? Number.NaN,
    sent: stages['sandbox_began'] ?? Number.NaN,
    back: Date.parse(imported?.ts ?? '') - ended,
  };
}

await using stack = await Stack.up('bench-transfer', async (configs) => {
  await appendFile(join(configs, 'tools.yaml'), tool);
});
const files = Array.from({ length: megabytes }, (_, index) => [`file-${index}.bin`, randomBytes(megabyte)] as const);
await stack.workspace('bench', Object.fromEntries(files));
await sleep(20_000);
const measured: Transfer[] = [];
for (let round = 0; round < rounds; round += 1) {
  measured.push(await oneTask(stack, round));
  await sleep(3_000);
}
const machine = await describeMachine();
const report = {
  machine,
  rounds,
  checkout_mb: megabytes,
  result_mb: grown,
  made_ms: quantiles(measured.map(({ made }) => made)),
  sent_ms: quantiles(measured.map(({ sent }) => sent)),
  tar_checkout_ms: quantiles(await tarOf(megabytes)),
  back_ms: quantiles(measured.map(({ back }) => back)),
  tar_result_ms: quantiles(await tarOf(grown)),
};
if (values.json) process.stdout.write(`${JSON.stringify(report)}\n`);
else {
  const cells = ({ p50, p95, max }: ReturnType<typeof quantiles>) => [p50, p95, max];
  process.stdout.write(
    [
      `${machineLine(machine)}; ${rounds} rounds, in ms\n`,
      row('', ['p50', 'p95', 'max']),
      row(`${megabytes} MB: packet made`, cells(report.made_ms)),
      row(`${megabytes} MB: packet, until the tool begins`, cells(report.sent_ms)),
      row(`${megabytes} MB: tar | cat | tar`, cells(report.tar_checkout_ms)),
      row(`${grown} MB: result, until it is imported`, cells(report.back_ms)),
      row(`${grown} MB: tar | cat | tar`, cells(report.tar_result_ms)),
    ].join(''),
  );
}
