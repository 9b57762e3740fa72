import type { Context } from '../context.ts';
import type { Slot } from '../sandbox/slot.ts';

/** Gives a slot back after the work, however it went; when this process ends, the sandbox stays for the next one. */
export async function useSlot(
  context: Context,
  slot: Slot,
  leave: AbortSignal,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } finally {
    if (!leave.aborted) await context.pool.release(slot);
  }
}
