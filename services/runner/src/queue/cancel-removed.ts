import { lstat, readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Result, TaskRecord } from '@countersign/contracts/task-record.ts';
import { exists, writeFileAtomic } from '@countersign/kit/files.ts';
import type { Context } from '../context.ts';
import { handOff, resultOf } from '../work/hand-off.ts';
import { withSuffix } from './file-name.ts';

/**
 * Cancels a task whose file the operator removed. The saved copy is put back first, so that the transition moves it to the
 * cancelled ones like any file; a death in between leaves the task as it was, with its file.
 * @param result what its attempt had come to by then
 */
export async function cancelRemoved(
  context: Context,
  record: TaskRecord,
  result: Result | null = resultOf(record.state),
): Promise<void> {
  const { layout, now } = context;
  const copy = await readFile(join(layout.task(record.run, record.id), 'task.md'));
  if (!(await exists(layout.fileOf(record)))) await writeFileAtomic(layout.fileOf(record), copy, 0o644);
  const ended = await handOff(
    context,
    record,
    { status: 'cancelled', since: now().toISOString(), reason: 'its file was removed' },
    {
      event: 'task_ended',
      phase: 'queue',
      agent_role: 'operator',
      summary: 'the task file was removed; the saved copy is kept',
      error_class: 'stopped',
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
