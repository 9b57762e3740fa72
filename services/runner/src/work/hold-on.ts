import { setTimeout as sleep } from 'node:timers/promises';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { isPassing } from '@countersign/kit/system-trouble.ts';
import type { Context } from '../context.ts';
import type { Slot } from '../sandbox/slot.ts';

/**
 * Takes an attempt to its end although the machine is in trouble meanwhile: what its sandbox has made is held there until it is
 * safe here, so the rest is done again, from the connection on, until the trouble has passed or the task has moved on.
 * @param work safe to repeat
 */
export async function holdOn(
  context: Context,
  record: TaskRecord,
  slot: Slot,
  leave: AbortSignal,
  work: () => Promise<void>,
): Promise<void> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (leave.aborted || !isPassing(error)) throw error;
      context.troubles.say(`task ${record.id}`, error);
    }
    // Its event may be on disk, and only its file not moved yet: that is caught up with by itself.
    if (context.tasks.get(record.id)?.state.status !== record.state.status) return;
    slot.hangUp();
    await sleep(context.paces.finishRetryMs, undefined, { signal: leave });
  }
}
