import { lstat, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Cancellation, Result, TaskRecord } from '@countersign/contracts/task-record.ts';
import { exists, writeFileAtomic } from '@countersign/kit/files.ts';
import type { Context } from '../context.ts';
import { withSuffix } from '../queue/file-name.ts';
import { handOff, resultOf } from './hand-off.ts';

/**
 * Ends a task that a person cancelled, by a command or by removing its file. Where the file is gone, the saved copy is put back
 * first, so that the transition moves it to the cancelled ones like any file; a death in between leaves the task as it was.
 * @param result what its attempt had come to by then
 */
export async function cancelTask(
  context: Context,
  record: TaskRecord,
  result: Result | null = resultOf(record.state),
): Promise<void> {
  const { layout, now, tasks } = context;
  const { cancellation } = tasks.get(record.id) ?? record;
  const copy = await readFile(join(layout.task(record.run, record.id), 'task.md'));
  if (!(await exists(layout.fileOf(record)))) await writeFileAtomic(layout.fileOf(record), copy, 0o644);
  const ended = await handOff(
    context,
    record,
    { status: 'cancelled', since: now().toISOString(), reason: reasonOf(cancellation).slice(0, 2_000) },
    {
      event: 'task_ended',
      phase: 'queue',
      agent_role: 'operator',
      summary: cancellation === null ? 'the task file was removed; the saved copy is kept' : reasonOf(cancellation),
      error_class: 'stopped',
      ...(cancellation === null ? {} : { data: { command_id: cancellation.command } }),
    },
    {},
    result,
  );
  // Something else lay in the file's place, and was moved; the copy goes beside it.
  const path = layout.fileOf(ended);
  const moved = await lstat(path).catch(() => null);
  if (moved?.isFile() !== true)
    await writeFileAtomic(join(dirname(path), withSuffix(ended.file, ended.id)), copy, 0o644);
}

function reasonOf(cancellation: Cancellation | null): string {
  if (cancellation === null) return 'its file was removed';
  const { user, channel, reason } = cancellation;
  return `cancelled by ${user} through ${channel}${reason === '' ? '' : `: ${reason}`}`;
}

/** Whether a cancellation of it was accepted by now; the record in hand may be older than that. */
export function isBeingCancelled(context: Context, record: TaskRecord): boolean {
  return (context.tasks.get(record.id) ?? record).cancellation !== null;
}
