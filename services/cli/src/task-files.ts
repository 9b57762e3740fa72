import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RunId, TaskId } from '@countersign/contracts/names.ts';
import { TaskRecord } from '@countersign/contracts/task-record.ts';
import { isMissing, namesIn } from '@countersign/kit/files.ts';

/** Records that are read at the same time. */
const readsAtOnce = 64;

/** Every task's record, ended ones too; `unreadable` names those that are none. */
export async function readTaskRecords(
  volumes: string,
): Promise<{ records: TaskRecord[]; unreadable: { path: string; reason: string }[] }> {
  const records: TaskRecord[] = [];
  const unreadable: { path: string; reason: string }[] = [];
  const paths = await recordPaths(volumes);
  for (let start = 0; start < paths.length; start += readsAtOnce) {
    await Promise.all(
      paths.slice(start, start + readsAtOnce).map(async (path) => {
        try {
          records.push(TaskRecord.parse(JSON.parse(await readFile(join(volumes, path), 'utf8'))));
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

async function recordPaths(volumes: string): Promise<string[]> {
  const runs = (await namesIn(join(volumes, 'runs'))).filter((name) => RunId.safeParse(name).success);
  const paths: string[] = [];
  for (const run of runs) {
    const tasks = await namesIn(join(volumes, 'runs', run, 'tasks'));
    paths.push(
      ...tasks.filter((name) => TaskId.safeParse(name).success).map((task) => `runs/${run}/tasks/${task}/task.json`),
    );
  }
  return paths;
}
