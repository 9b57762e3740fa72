// A runner in a process of its own, which ends itself beside a step: what in one process is made to look like a death is one here.
import { readSync } from 'node:fs';
import { runService } from '@countersign/kit/run-service.ts';
import type { RunnerConfig } from '../../../services/runner/src/config.ts';
import { interpose } from './interpose.ts';
import { Life } from './life.ts';
import { endsNow, live } from './live.ts';
import { fatesOf, type Point } from './points.ts';

/** What the program is asked: which runner, and how it ends. */
export type ProcessLife = {
  readonly config: RunnerConfig;
  readonly ground: string;
  readonly point: Point;
  /** SIGKILL ends everything that it started too, as the end of a container does; a rejection is one that nobody handles. */
  readonly end: 'SIGKILL' | 'SIGTERM' | 'rejection';
};

const { config, ground, point, end } = JSON.parse(process.argv[2] ?? '') as ProcessLife;
await interpose();
const fates = fatesOf(point);
const life = new Life(ground, (step) => {
  const fate = fates(step);
  if (fate === null || end === 'SIGKILL') return fate;
  process.stderr.write(`${endsNow}\n`);
  // The test alone sends the signal, which may be sent once, and nothing goes on here until it has.
  if (end === 'SIGTERM') waitForLine();
  else void Promise.reject(new Error('nobody handles this'));
  return null;
});
life.onDeath = () => void process.kill(-process.pid, 'SIGKILL');

/** Blocks, as a slow step does. */
function waitForLine(): void {
  for (;;) {
    try {
      readSync(0, Buffer.alloc(1));
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
    }
  }
}

await runService((stop) => life.live(() => live(config, stop)));
