import { join } from 'node:path';
import { RunId, TaskId } from '@countersign/contracts/names.ts';
import { TaskRecord } from '@countersign/contracts/task-record.ts';
import { isMissing, namesIn } from './files.ts';
import { readFileStart } from './regular-file.ts';

/** Records that are read at the same time. */
const readsAtOnce = 64;
/** In bytes: a result of the most repositories, with all its conditions. */
const recordBytes = 1024 * 1024;

/** Every task's record, ended ones too; `unreadable` names those that are none. */
export async function readTaskRecords(
  volumes: string,
): Promise<{ records: TaskRecord[]; unreadable: { path: string; reason: string }[] }> {
  const records: TaskRecord[] = [];
  const unreadable: { path: string; reason: string }[] = [];
  const paths = [...(await recordPaths(volumes)).values()];
  for (let start = 0; start < paths.length; start += readsAtOnce) {
    await Promise.all(
      paths.slice(start, start + readsAtOnce).map(async (path) => {
        try {
          records.push(await readTaskRecord(volumes, path));
        } catch (error) {
          // A task's folder is made before its record is.
          if (!isMissing(error))
            unreadable.push({ path, reason: error instanceof Error ? error.message : String(error) });
        }
      }),
    );
  }
  records.sort((a, b) => (a.id < b.id ? -1 : 1));
  return { records, unreadable };
}

/** Where each task's record lies, relative to `volumes/`; nothing of it is opened. */
export async function recordPaths(volumes: string): Promise<Map<TaskId, string>> {
  const runs = (await namesIn(join(volumes, 'runs'))).filter((name) => RunId.safeParse(name).success);
  const paths = new Map<TaskId, string>();
  for (const run of runs) {
    const tasks = await namesIn(join(volumes, 'runs', run, 'tasks'));
    for (const task of tasks)
      if (TaskId.safeParse(task).success) paths.set(task, `runs/${run}/tasks/${task}/task.json`);
  }
  return paths;
}

/**
 * @param below folders between this one and the record must be no links either
 * @throws Error for what is no record, or no file of its own: no link is followed, and no pipe waited for
 */
export async function readTaskRecord(volumes: string, path: string, below?: string): Promise<TaskRecord> {
  const { bytes, size } = await readFileStart(join(volumes, path), recordBytes, below);
  if (size > recordBytes) throw new Error(`it has ${size} bytes, more than the ${recordBytes} that it can have`);
  return TaskRecord.parse(JSON.parse(bytes.toString('utf8')));
}
