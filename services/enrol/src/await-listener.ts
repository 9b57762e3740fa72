import { setTimeout as sleep } from 'node:timers/promises';
import { readHealth } from '@countersign/kit/health.ts';
import { EnrolError } from './enrol-error.ts';
import { listenerLookMs, listenerMs, listenerSilenceMs } from './limits.ts';

/**
 * Waits until the listener gets in with what its file holds, or is known not to run: then it reads the file when it starts.
 * @param logs where it says how it is
 * @param writtenAt tells when its file was written
 * @throws EnrolError when it runs and does not get in
 */
export async function awaitListener(
  logs: string,
  writtenAt: () => Promise<string>,
  limits = { listenerMs, listenerSilenceMs },
): Promise<'uses-it' | 'not-running'> {
  const began = performance.now();
  for (;;) {
    const health = await readHealth(logs);
    const waitedMs = performance.now() - began;
    if (health?.alive === true && health.report.access === (await writtenAt())) return 'uses-it';
    if (health?.alive === false || (health === null && waitedMs >= limits.listenerSilenceMs)) return 'not-running';
    if (waitedMs >= limits.listenerMs) throw new EnrolError(notTaken(limits.listenerMs, health?.report.reason ?? ''));
    await sleep(listenerLookMs);
  }
}

function notTaken(limitMs: number, reason: string): string {
  return [
    `The listener has not got in with the new token within ${limitMs / 1_000} s${reason === '' ? '.' : `; it says: ${reason}`}`,
    'The token before counts still. Mend that, and run scripts/countersign rotate-bot-token again; with --now it ends the',
    'session of the token before without waiting for the listener.',
  ].join('\n');
}
