import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { TaskRecord, taskFolder } from '@countersign/contracts/task-record.ts';
import type { TaskStatus } from '@countersign/contracts/task-state.ts';
import { cliLimits } from './limits.ts';

/** States in which what was accepted is still being done. */
const working: readonly TaskStatus[] = ['merging', 'rebasing', 'verifying'];

/**
 * Waits until an accepted command's work on a task is over. The record that the command was about is no end of it: the verdict
 * comes before the effect. Null when the time is up or the signal comes first.
 */
export async function followTask(before: TaskRecord, volumes: string, waitMs: number, signal: AbortSignal) {
  const ended = AbortSignal.any([signal, AbortSignal.timeout(waitMs)]);
  const path = join(volumes, taskFolder(before), 'task.json');
  for (;;) {
    const record = await readRecord(path);
    const { status, since } = record?.state ?? before.state;
    if (!working.includes(status) && (status !== before.state.status || since !== before.state.since)) return record;
    if (ended.aborted) return null;
    await sleep(cliLimits.pollMs, undefined, { signal: ended }).catch(() => undefined);
  }
}

/** Null for a record that cannot be read just now: what was accepted goes on all the same, and is looked at again. */
async function readRecord(path: string): Promise<TaskRecord | null> {
  try {
    return TaskRecord.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return null;
  }
}
