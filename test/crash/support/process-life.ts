// A runner in a process of its own, which ends itself beside a step: what in one process is made to look like a death is one here.
import { runService } from '@countersign/kit/run-service.ts';
import type { RunnerConfig } from '../../../services/runner/src/config.ts';
import { interpose } from './interpose.ts';
import { Life } from './life.ts';
import { endsItself, live } from './live.ts';
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
  // The test hears of it, and does not ask twice.
  process.stderr.write(`${endsItself}\n`);
  if (end === 'SIGTERM') process.kill(process.pid, 'SIGTERM');
  else void Promise.reject(new Error('nobody handles this'));
  return null;
});
life.onDeath = () => void process.kill(-process.pid, 'SIGKILL');
await runService((stop) => life.live(() => live(config, stop)));
