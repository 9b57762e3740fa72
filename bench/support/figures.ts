import { cpus, release, totalmem } from 'node:os';
import { execa } from 'execa';

/** The unit is that of what was measured. */
export type Quantiles = { readonly p50: number; readonly p95: number; readonly max: number };

/** The median, the 95th percentile and the largest, each a value that was measured; NaN of nothing. */
export function quantiles(of: readonly number[]): Quantiles {
  const sorted = of.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
  return { p50: at(0.5), p95: at(0.95), max: at(1) };
}

/** What a figure was measured on; with the engine's version where one is needed. */
export async function describeMachine() {
  const { stdout: engine } = await execa('docker', ['version', '--format', '{{.Server.Version}}']);
  return {
    processor: cpus()[0]?.model ?? '',
    cores: cpus().length,
    memory_gb: Math.round(totalmem() / 1e9),
    kernel: release(),
    engine,
  };
}
export type Machine = Awaited<ReturnType<typeof describeMachine>>;

/** The machine in one line. */
export function machineLine({ processor, cores, memory_gb, kernel, engine }: Machine): string {
  return `${cores} cores of ${processor}, ${memory_gb} GB, Linux ${kernel}, engine ${engine}`;
}

const labelWidth = 44;
const cellWidth = 10;

/** One row of a table for a terminal. */
export function row(label: string, cells: readonly (string | number)[]): string {
  const written = cells.map((cell) => (typeof cell === 'string' ? cell : figure(cell)).padStart(cellWidth));
  return `${label.padEnd(labelWidth)}${written.join('')}\n`;
}

/** With three digits that count, and no more behind the point than they need. */
function figure(value: number): string {
  return value.toFixed(Math.abs(value) < 10 ? 2 : Math.abs(value) < 100 ? 1 : 0);
}
