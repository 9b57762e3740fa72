import { setTimeout as wait } from 'node:timers/promises';
import type { LauncherHealth } from '@countersign/contracts/launcher-api.ts';
import { HealthFile } from '@countersign/kit/health.ts';
import type { Engine } from './engine.ts';
import { EngineError } from './engine-error.ts';
import { launcherLimits } from './limits.ts';

/** What the launcher says of itself, which is what the engine answers it. @param stop ends the question */
export async function describeHealth(engine: Engine, stop: AbortSignal): Promise<LauncherHealth> {
  try {
    const version = await engine.version(AbortSignal.any([stop, AbortSignal.timeout(launcherLimits.engineHealthMs)]));
    return { status: 'ok', reason: '', ...version };
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return { status: 'engine-down', reason: error.message, engine: '', api: '' };
  }
}

/**
 * Keeps the same in `health.json`, for the page, which must not reach the socket that sandboxes are asked for on.
 * @param folder of the launcher's log
 * @param stop ends it
 */
export async function keepHealth(folder: string, engine: Engine, stop: AbortSignal): Promise<void> {
  const health = new HealthFile(folder, 'launcher');
  while (!stop.aborted) {
    const { status, reason } = await describeHealth(engine, stop);
    // What a question that was broken off says is no news of the engine.
    if (!stop.aborted) await health.beat(status === 'ok' ? 'ok' : 'failing', reason);
    await wait(launcherLimits.beatMs, undefined, { signal: stop }).catch(() => undefined);
  }
}
