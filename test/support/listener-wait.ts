import { setTimeout as sleep } from 'node:timers/promises';

const stepMs = 25;

/**
 * Waits until something is there. What a poll throws counts as not yet: the server that is asked may be away.
 * @param what for people
 * @throws Error with what there is instead
 */
export async function until<Found>(
  what: string,
  poll: () => Promise<Found | null | false> | Found | null | false,
  options: { readonly timeoutMs?: number; readonly instead?: () => Promise<string> } = {},
): Promise<Found> {
  const end = Date.now() + (options.timeoutMs ?? 30_000);
  for (;;) {
    let failure: unknown = null;
    try {
      const found = await poll();
      if (found !== null && found !== false) return found;
    } catch (error) {
      failure = error;
    }
    if (Date.now() > end) {
      const instead = (await options.instead?.()) ?? '';
      throw new Error(`waited in vain until ${what}\n${instead}`, { cause: failure });
    }
    await sleep(stepMs);
  }
}
