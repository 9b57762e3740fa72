import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { TaskRecord, taskFolder } from '@countersign/contracts/task-record.ts';
import type { TaskStatus } from '@countersign/contracts/task-state.ts';
import { cliLimits } from './limits.ts';

/** States in which what was accepted is still being done. */
const working: readonly TaskStatus[] = ['merging', 'rebasing', 'verifying'];

export type Following = {
  readonly volumes: string;
  readonly waitMs: number;
  readonly signal: AbortSignal;
  /** Whether what was waited for has come. */
  readonly isOver: (record: TaskRecord) => boolean;
  /** Is told of every change on the way, the last one included. */
  readonly onChange?: (record: TaskRecord) => void;
};

/** Watches a task's record until it is as it is waited for; null when the time is up or the signal comes first. */
export async function followRecord(before: TaskRecord, following: Following): Promise<TaskRecord | null> {
  const { volumes, waitMs, signal, isOver, onChange } = following;
  const ended = AbortSignal.any([signal, AbortSignal.timeout(waitMs)]);
  const path = join(volumes, taskFolder(before), 'task.json');
  let known = before;
  for (;;) {
    const record = await readRecord(path);
    if (record !== null && hasChanged(known, record)) onChange?.(record);
    known = record ?? known;
    if (record !== null && isOver(record)) return record;
    if (ended.aborted) return null;
    await sleep(cliLimits.pollMs, undefined, { signal: ended }).catch(() => undefined);
  }
}

/**
 * Waits until an accepted command's work on a task is over. The record that the command was about is no end of it: the verdict
 * comes before the effect.
 */
export async function followTask(before: TaskRecord, volumes: string, waitMs: number, signal: AbortSignal) {
  const isOver = ({ state: { status, since } }: TaskRecord) =>
    !working.includes(status) && (status !== before.state.status || since !== before.state.since);
  return await followRecord(before, { volumes, waitMs, signal, isOver });
}

function hasChanged(before: TaskRecord, after: TaskRecord): boolean {
  return before.state.status !== after.state.status || before.state.reason !== after.state.reason;
}

/** Null for a record that cannot be read just now: what was accepted goes on all the same, and is looked at again. */
async function readRecord(path: string): Promise<TaskRecord | null> {
  try {
    return TaskRecord.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch {
    return null;
  }
}
