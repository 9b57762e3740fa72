import { createLogger } from '@countersign/kit/logger.ts';
import type { RunnerConfig } from '../../../services/runner/src/config.ts';
import { runRunner } from '../../../services/runner/src/create-runner.ts';
import { type Paces, paces } from '../../../services/runner/src/paces.ts';
import { HomeGuard } from '../../../services/runner/src/state/home-guard.ts';
import { Layout } from '../../../services/runner/src/state/layout.ts';

/** As quick as it goes without turning in circles. */
const quickPaces: Paces = {
  turnMs: 25,
  upkeepMs: 50,
  meterMs: 50,
  settleMs: paces.settleMs,
  finishRetryMs: 20,
  sandboxRetryMs: 20,
  lostCheckMs: 20,
  collectMs: 200,
  memoryRetryMs: 20,
  memoryLockMs: 0,
};

/** Watching is only a hint; with turns as quick as these nobody needs it. */
const watch = () => ({ [Symbol.asyncDispose]: () => Promise.resolve() });

/** What a process says that has come to where it is to end. */
export const endsNow = 'ends now';

/** What the runner's own main does. */
export async function live(config: RunnerConfig, stop: AbortSignal): Promise<void> {
  await using guard = await HomeGuard.enter(new Layout(config.home), process.getuid?.() ?? 0, stop);
  await runRunner(config, guard, createLogger('runner', 'silent'), stop, { paces: quickPaces, watch });
}
