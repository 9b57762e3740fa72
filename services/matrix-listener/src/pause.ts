import { setTimeout as sleep } from 'node:timers/promises';

/** Waits for so many milliseconds, until the signal is aborted, or until `wake` resolves. */
export async function pause(milliseconds: number, stop: AbortSignal, wake?: Promise<void>): Promise<void> {
  const end = new AbortController();
  const signal = AbortSignal.any([stop, end.signal]);
  const slept = sleep(milliseconds, undefined, { signal }).catch(() => undefined);
  await (wake === undefined ? slept : Promise.race([slept, wake]));
  end.abort();
}
