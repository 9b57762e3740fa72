/**
 * How fast the dashboard's index is made from the journals, what it holds in memory meanwhile, and how fast it answers: a house with
 * so many tasks of ten events each, in a folder of its own. Prints only.
 *
 *     node bench/dashboard-index.ts [--tasks 100000] [--texts 100000] [--folder <kept>] [--json]
 *
 * Columns: replay in seconds and events in a second; the process's largest resident set in MB when all events are in; seconds until all
 * texts can be searched; of each question the median and the 99th percentile in ms, and the latter of the time on the processor, which a busy machine
 * does not change; of an event the time from its line on disk to the
 * batch of a stream in ms.
 */
import { appendFileSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Index } from '../services/dashboard/src/index/index.ts';
import { Queries } from '../services/dashboard/src/queries/queries.ts';
import { writeSyntheticHome } from '../services/dashboard/src/testing/synthetic-home.ts';

const megabyte = 1024 ** 2;
const { values } = parseArgs({
  options: {
    tasks: { type: 'string', default: '100000' },
    texts: { type: 'string', default: '100000' },
    folder: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const root = values.folder ?? mkdtempSync(join(tmpdir(), 'countersign-bench-'));
const volumes = join(root, 'volumes');
const madeFile = join(root, 'made.json');
if (!existsSync(madeFile)) {
  const made = await writeSyntheticHome(volumes, { tasks: Number(values.tasks), texts: Number(values.texts) });
  writeFileSync(madeFile, JSON.stringify(made));
}
const { events, bytes }: { events: number; bytes: number } = JSON.parse(readFileSync(madeFile, 'utf8'));
rmSync(join(root, 'index'), { recursive: true, force: true });

const stop = new AbortController();
const workBefore = process.cpuUsage();
const started = performance.now();
const index = new Index({
  path: join(root, 'index/index.db'),
  volumes,
  warn: (fields, message) => process.stderr.write(`${message} ${JSON.stringify(fields)}\n`),
});
const running = index.run(stop.signal);
await index.ready();
const replaySeconds = (performance.now() - started) / 1_000;
const work = process.cpuUsage(workBefore);
const replayWork = (work.user + work.system) / 1_000_000;
const memory = process.resourceUsage().maxRSS / 1_024;
const count = (sql: string) => Number(index.ask((database) => database.get(sql)?.['count']));
while (count('SELECT count(*) AS count FROM tasks WHERE unread = 1') > 0) await sleep(200);
const textSeconds = (performance.now() - started) / 1_000 - replaySeconds;

const queries = new Queries({ index, volumes, configs: join(root, 'configs') });
const total = count('SELECT count(*) AS count FROM tasks');
let turn = 0;
const pick = <T>(all: readonly T[]): T => all[turn % all.length] as T;
const later = async () => (await queries.tasks({ limit: 50, after: deep })).tasks.length;
const deep = String(
  index.ask((database) => database.get('SELECT number FROM tasks ORDER BY number LIMIT 1 OFFSET 1000')?.['number']),
);
const questions: Record<string, () => Promise<unknown>> = {
  'list, newest': () => queries.tasks({ limit: 50 }),
  'list, 200 lines': () => queries.tasks({ limit: 200 }),
  'list, deep': later,
  'list, one state': () => queries.tasks({ limit: 50, status: [pick(['done', 'failed', 'review'])] }),
  'list, states and workspace': () =>
    queries.tasks({ limit: 50, status: ['failed', 'review'], workspace: `project-${turn % 12}` }),
  'list, a word': () => queries.tasks({ limit: 50, q: pick(['gateway', 'journal merge', 'needle7', 'sand']) }),
  'search, rare': () => queries.search(`needle${turn % 1_000}`),
  'search, common': () => queries.search(pick(['gateway', 'digest', 'merge', 'window'])),
  'search, two words': () => queries.search(pick(['gateway digest', 'session retry', 'queue budget'])),
  'search, a beginning': () => queries.search(pick(['g', 'se', 'need', 'gatew', 'qu'])),
  now: () => queries.now(),
  runs: () => queries.runs({}),
  portfolio: () => queries.portfolio(),
  charts: () => queries.charts(90),
};
const latencies = new Map<string, { median: number; p99: number; work: number }>();
for (const [name, ask] of Object.entries(questions)) {
  const [times, works]: [number[], number[]] = [[], []];
  for (turn = 0; turn < 200; turn += 1) {
    const [begin, before] = [performance.now(), process.threadCpuUsage()];
    await ask();
    const { user, system } = process.threadCpuUsage(before);
    times.push(performance.now() - begin);
    works.push((user + system) / 1_000);
    if (turn % 20 === 0) await sleep(1);
  }
  for (const all of [times, works]) all.sort((a, b) => a - b);
  latencies.set(name, { median: times[100] ?? 0, p99: times[197] ?? 0, work: works[197] ?? 0 });
}

const reached: number[] = [];
const run =
  readdirSync(join(volumes, 'runs'))
    .filter((name) => name.startsWith('RUN-'))
    .at(-1) ?? '';
const journal = join(volumes, 'runs', run, 'telemetry.jsonl');
const line =
  readFileSync(journal, 'utf8')
    .trimEnd()
    .split('\n')
    .findLast((one) => one.includes('"record":')) ?? '';
let written = 0;
index.subscribe({ after: null, tasks: [], services: [] }, (told) => {
  if (told.kind === 'batch' && told.batch.tasks.length > 0) reached.push(performance.now() - written);
});
await sleep(1_000);
for (let event = 0; event < 60; event += 1) {
  written = performance.now();
  appendFileSync(journal, `${line}\n`);
  const before = reached.length;
  while (reached.length === before && performance.now() - written < 5_000) await sleep(5);
  await sleep(37 * (event % 7));
}
reached.sort((a, b) => a - b);
stop.abort();
await running;
if (values.folder === undefined) rmSync(root, { recursive: true });

const figures = {
  tasks: total,
  events,
  journal_mb: Math.round(bytes / megabyte),
  replay_s: Number(replaySeconds.toFixed(1)),
  replay_processor_s: Number(replayWork.toFixed(1)),
  events_per_s: Math.round(events / replaySeconds),
  memory_mb: Math.round(memory),
  memory_at_the_end_mb: Math.round(process.resourceUsage().maxRSS / 1_024),
  texts_s: Number(textSeconds.toFixed(1)),
  event_to_batch_ms: { median: Math.round(reached[30] ?? 0), p95: Math.round(reached[56] ?? 0) },
};
if (values.json) process.stdout.write(`${JSON.stringify({ ...figures, latencies: Object.fromEntries(latencies) })}\n`);
else {
  for (const [name, value] of Object.entries(figures))
    process.stdout.write(`${name.padEnd(24)}${JSON.stringify(value)}\n`);
  for (const [name, { median, p99, work }] of latencies)
    process.stdout.write(
      `${name.padEnd(28)} median ${median.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, of these on the processor ${work.toFixed(1)} ms\n`,
    );
}
