import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { untakenFiles } from '@countersign/kit/queue-files.ts';
import { readTaskRecords } from '@countersign/kit/task-records.ts';
import { CliError } from './failure.ts';
import { findTask, resolveTask } from './resolve-task.ts';
import { runnerAbsence } from './status-rows.ts';

/** The one task that a person means, from the files as they are now; see `resolveTask`. @throws CliError */
export async function namedTask(
  volumes: string,
  name: string,
  suits: (record: TaskRecord) => boolean,
  purpose: string,
): Promise<TaskRecord> {
  const { records } = await readTaskRecords(volumes);
  if (findTask(name, records, () => true) === null) {
    const untaken = (await untakenFiles(volumes, new Set())).some(({ file }) => file === name);
    if (untaken) {
      const why = (await runnerAbsence(volumes)) ?? 'it is taken in a moment';
      throw new CliError('refused', `${JSON.stringify(name)} lies in inbox/ and is no task yet: ${why}`);
    }
  }
  return resolveTask(name, records, suits, purpose);
}
