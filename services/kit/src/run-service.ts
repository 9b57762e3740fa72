import { ConfigError } from './config-file.ts';
import { StartError } from './start-error.ts';
import { stopSignal } from './stop-signal.ts';

/**
 * A service's life: works until SIGTERM, and ends with a plain message where its configuration cannot be used or it must not start.
 * @param work resolves when the signal that it is given was aborted and everything is let go
 */
export async function runService(work: (stop: AbortSignal) => Promise<void>): Promise<void> {
  try {
    await work(stopSignal());
  } catch (error) {
    if (!(error instanceof ConfigError || error instanceof StartError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}

/** Resolves when the signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
