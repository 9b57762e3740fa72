/**
 * What many files that are dropped at once cost the runner: it is started as in its container, without launcher and gateway, so that
 * every task waits. Prints only; asserts that none was lost and none taken twice.
 *
 * Needs no Docker. Run it from the repository's top:
 *
 *     node bench/ten-thousand-files.ts [--files 10000] [--workspaces 4] [--json]
 *
 * Columns: seconds from the first drop until every file was a task; seconds of the second start, from the process's beginning until
 * it goes on with all of them; the largest resident set of both, in MB; processor time while nothing happens, in percent of a core;
 * and how large the runs' journals are then, in MB.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

const idleMs = 20_000;
const settleMs = 25_000;
const patienceMs = 600_000;
const megabyte = 1024 ** 2;
/** Of the kernel's clock, in which processor time is told. */
const ticksPerSecond = 100;

const { values } = parseArgs({
  options: {
    files: { type: 'string', default: '10000' },
    workspaces: { type: 'string', default: '4' },
    json: { type: 'boolean', default: false },
  },
});
const files = Number(values.files);
const workspaces = Number(values.workspaces);
const root = mkdtempSync(join(tmpdir(), 'countersign-bench-'));
const home = join(root, 'volumes');
try {
  prepare();
  const first = start();
  await ready(1);
  const dropped = performance.now();
  drop();
  await until('every file is a task', () => accepted() >= files);
  const acceptSeconds = (performance.now() - dropped) / 1_000;
  await sleep(settleMs);
  const idlePercent = await idleOf(first);
  const firstPeak = peakOf(first);
  await end(first);
  const begun = performance.now();
  const second = start();
  await ready(2);
  const recoverSeconds = (performance.now() - begun) / 1_000;
  await sleep(settleMs);
  const secondPeak = peakOf(second);
  await end(second);
  const records = journals().flatMap((path) => eventsOf(path, 'task_accepted'));
  report({
    files,
    accept_s: round(acceptSeconds),
    recover_s: round(recoverSeconds),
    accept_peak_mb: Math.round(firstPeak / megabyte),
    recover_peak_mb: Math.round(secondPeak / megabyte),
    idle_percent: round(idlePercent),
    journals_mb: round(journals().reduce((sum, path) => sum + statSync(path).size, 0) / megabyte),
  });
  const names = new Set(records.map(({ data }) => data.record.file));
  if (records.length !== files || names.size !== files)
    throw new Error(`${records.length} tasks of ${names.size} files were accepted, of ${files} files`);
} finally {
  rmSync(root, { recursive: true, force: true });
}

function prepare(): void {
  for (const folder of ['inbox/pending', 'inbox/running', 'outbox/invalid', 'runs', 'logs/runner', 'memory'])
    mkdirSync(join(home, folder), { recursive: true });
  for (const folder of ['slots', 'model-slots', 'spools/shell', 'secrets', 'dropped'])
    mkdirSync(join(root, folder), { recursive: true });
  for (let count = 0; count < workspaces; count += 1) {
    const folder = join(home, 'workspaces', `project-${count}`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'README.md'), 'a project\n');
    for (const args of [
      ['init', '-q', '-b', 'main'],
      ['add', '-A'],
      ['-c', 'user.name=bench', '-c', 'user.email=bench@example.org', 'commit', '-q', '-m', 'first'],
    ])
      execFileSync('git', args, { cwd: folder });
  }
}

/** Each is renamed into the inbox, as a careful producer does. */
function drop(): void {
  for (let count = 0; count < files; count += 1) {
    const name = `task-${String(count).padStart(6, '0')}.md`;
    writeFileSync(
      join(root, 'dropped', name),
      `workspace: project-${count % workspaces}\nstage: dev\n\nDo thing number ${count}.\n`,
    );
    renameSync(join(root, 'dropped', name), join(home, 'inbox', name));
  }
}

function start(): ChildProcess {
  const env = {
    PATH: process.env['PATH'],
    RUNNER_HOME: home,
    RUNNER_SLOTS: join(root, 'slots'),
    RUNNER_MODEL_SLOTS: join(root, 'model-slots'),
    RUNNER_SPOOLS: join(root, 'spools'),
    RUNNER_CONFIGS: 'configs',
    RUNNER_SECRETS: join(root, 'secrets'),
    RUNNER_LAUNCHER_SOCKET: join(root, 'launcher.sock'),
    RUNNER_GATEWAY_SOCKET: join(root, 'gateway.sock'),
    RUNNER_LOG_LEVEL: 'warn',
  };
  return spawn(process.execPath, ['services/runner/src/main.ts'], { env, stdio: ['ignore', 'ignore', 'inherit'] });
}

async function end(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  await ended;
}

/** It has said so often that it started, once for each start. */
async function ready(starts: number): Promise<void> {
  await until(`start ${starts}`, () => eventsOf(join(home, 'runs/telemetry.jsonl'), 'runner_started').length >= starts);
}

function accepted(): number {
  return journals().reduce((sum, path) => sum + count(readFileSync(path), '"event":"task_accepted"'), 0);
}

function journals(): string[] {
  return readdirSync(join(home, 'runs'))
    .map((name) => join(home, 'runs', name, 'telemetry.jsonl'))
    .filter((path) => existsSync(path));
}

function count(bytes: Buffer, text: string): number {
  let found = 0;
  for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + 1)) found += 1;
  return found;
}

function eventsOf(path: string, event: string): { data: { record: { file: string } } }[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines.filter((line) => line.includes(`"event":"${event}"`)).map((line) => JSON.parse(line));
}

async function until(what: string, isSo: () => boolean): Promise<void> {
  const begun = performance.now();
  while (!isSo()) {
    if (performance.now() - begun > patienceMs) throw new Error(`waited too long until ${what}`);
    await sleep(100);
  }
}

function peakOf({ pid }: ChildProcess): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

async function idleOf({ pid }: ChildProcess): Promise<number> {
  const ticks = () => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    return Number(fields[11]) + Number(fields[12]);
  };
  const before = ticks();
  await sleep(idleMs);
  return ((ticks() - before) / ticksPerSecond / (idleMs / 1_000)) * 100;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function report(measured: Record<string, number>): void {
  if (values.json) return void process.stdout.write(`${JSON.stringify(measured)}\n`);
  const names = Object.keys(measured);
  const row = (cells: readonly unknown[]) =>
    cells.map((cell, at) => String(cell).padStart(names[at]?.length ?? 0)).join('  ');
  process.stdout.write(`${row(names)}\n${row(Object.values(measured))}\n`);
}
