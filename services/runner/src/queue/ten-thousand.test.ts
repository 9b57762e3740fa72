import { expect, onTestFinished, test } from 'vitest';
import { end, Flood, peakOf, until } from '../testing/flood.ts';
import { scratchFolder } from '../testing/scratch.ts';

const files = 10_000;
const largestBytes = 300 * 1024 * 1024;
const patienceMs = 900_000;

test(
  'F39 10,000 files at once: each is one task, in the order of dropping, by a runner of less than 300 MB',
  async () => {
    const flood = new Flood(scratchFolder(), 1);
    const start = () => {
      const child = flood.start();
      onTestFinished(() => void child.kill('SIGKILL'));
      return child;
    };
    flood.drop(files, 1);
    const first = start();
    await until(() => flood.acceptedCount >= files, first);
    expect(peakOf(first)).toBeLessThan(largestBytes);
    expect(await end(first)).toBe(0);

    const accepted = flood.accepted();
    const names = accepted.map(({ data }) => data.record.file);
    // Names are in the order of dropping. Told by the first that is out of order: a list of them all is no help.
    expect(new Set(names).size).toBe(files);
    expect(names.find((name, index) => index > 0 && name < (names[index - 1] ?? ''))).toBeUndefined();
    expect(new Set(accepted.map(({ task_id: task }) => task)).size).toBe(files);
    expect(new Set(accepted.map(({ run_id: run }) => run)).size).toBe(1);

    const second = start();
    await until(() => flood.starts().length === 2, second);
    expect(flood.starts()[1]).toBe(`${files} tasks are open`);
    expect(flood.recoveries()).toBe(0);
    expect(peakOf(second)).toBeLessThan(largestBytes);
    expect(await end(second)).toBe(0);
    expect(flood.acceptedCount).toBe(files);
  },
  patienceMs,
);
