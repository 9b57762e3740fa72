/**
 * What many files that are dropped at once cost the runner: it is started as in its container, without launcher and gateway, so that
 * every task waits. Prints only; asserts that none was lost and none taken twice.
 *
 * Needs no Docker. Run it from the repository's top:
 *
 *     node bench/ten-thousand-files.ts [--files 10000] [--workspaces 4] [--json]
 *
 * Columns: seconds from the first drop until every file was a task; seconds of the second start, from the process's beginning until
 * it goes on with all of them; the same in seconds of processor time; the largest resident set of each, in MB; processor time while
 * nothing happens, in percent of a core; and how large the runs' journals are then, in MB.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { end, Flood, peakOf, processorMs, until } from '../services/runner/src/testing/flood.ts';

const idleMs = 20_000;
/** Until every task has been told what it waits for, and every file has been looked at. */
const settleMs = 45_000;
const megabyte = 1024 ** 2;

const { values } = parseArgs({
  options: {
    files: { type: 'string', default: '10000' },
    workspaces: { type: 'string', default: '4' },
    json: { type: 'boolean', default: false },
  },
});
const [files, workspaces] = [Number(values.files), Number(values.workspaces)];
const root = mkdtempSync(join(tmpdir(), 'countersign-bench-'));
try {
  const flood = new Flood(root, workspaces);
  const first = flood.start();
  await until(() => flood.starts().length === 1, first);
  const before = processorMs(first);
  const dropped = performance.now();
  flood.drop(files, workspaces);
  await until(() => flood.acceptedCount >= files, first);
  const acceptMs = performance.now() - dropped;
  const acceptProcessorMs = processorMs(first) - before;
  await sleep(settleMs);
  const rested = processorMs(first);
  await sleep(idleMs);
  const idle = (processorMs(first) - rested) / idleMs;
  const acceptPeak = peakOf(first);
  await end(first);

  const begun = performance.now();
  const second = flood.start();
  await until(() => flood.starts().length === 2, second);
  const recoverMs = performance.now() - begun;
  const recoverProcessorMs = processorMs(second);
  await sleep(settleMs);
  const recoverPeak = peakOf(second);
  await end(second);

  report({
    files,
    accept_s: round(acceptMs / 1_000),
    accept_cpu_s: round(acceptProcessorMs / 1_000),
    recover_s: round(recoverMs / 1_000),
    recover_cpu_s: round(recoverProcessorMs / 1_000),
    accept_peak_mb: Math.round(acceptPeak / megabyte),
    recover_peak_mb: Math.round(recoverPeak / megabyte),
    idle_percent: round(idle * 100),
    journals_mb: round(flood.journalBytes / megabyte),
  });
  const accepted = flood.accepted();
  const names = new Set(accepted.map(({ data }) => data.record.file));
  if (accepted.length !== files || names.size !== files)
    throw new Error(`${accepted.length} tasks of ${names.size} files were accepted, of ${files} files`);
} finally {
  rmSync(root, { recursive: true, force: true });
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
