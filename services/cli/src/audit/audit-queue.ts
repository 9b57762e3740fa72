import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isTaskFileName } from '@countersign/contracts/task-file/file-name.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { folderOf, isFinal, type QueueFolder, queueFolders } from '@countersign/contracts/task-state.ts';
import { isMissing } from '@countersign/kit/files.ts';
import type { Findings } from './finding.ts';

/** Of a task, what is needed to find its file; there may be very many. */
export type Filed = Pick<TaskRecord, 'id' | 'file' | 'dropped_as'> & { readonly status: TaskRecord['state']['status'] };

/** What is needed of a record. */
export function filedOf({ id, file, dropped_as, state }: TaskRecord): Filed {
  return { id, file, dropped_as, status: state.status };
}

/** Each task's file has to lie in the folder of its state and in no other, and what lies there has to be a task's. */
export async function auditQueue(
  volumes: string,
  tasks: readonly Filed[],
  { findings, notes }: Findings,
): Promise<void> {
  const names = new Map<QueueFolder, ReadonlySet<string>>();
  for (const folder of queueFolders) names.set(folder, await filesIn(join(volumes, folder)));
  const claimed = new Set(tasks.map(({ status, file }) => `${folderOf[status]}/${file}`));
  const byName = new Map(tasks.flatMap((task) => [[task.dropped_as, task] as const, [task.file, task] as const]));
  for (const { id, status, file } of tasks) {
    const folder = folderOf[status];
    if (names.get(folder)?.has(file) === true) continue;
    const finding = { path: `${folder}/${file}`, line: null, what: `it is missing: task ${id} is ${status}` };
    // What has ended is the operator's to take away.
    (isFinal(status) ? notes : findings).push(finding);
  }
  for (const [folder, files] of names) {
    // Whoever drops a file there makes a new task, whatever its name.
    if (folder === 'inbox') continue;
    for (const file of files) {
      const path = `${folder}/${file}`;
      if (claimed.has(path)) continue;
      const task = byName.get(file);
      if (task !== undefined)
        findings.push({
          path,
          line: null,
          what: `task ${task.id} is ${task.status} and lies in ${folderOf[task.status]}`,
        });
      else if (folder === 'inbox/pending' || folder === 'inbox/running')
        findings.push({ path, line: null, what: 'no task has this file' });
    }
  }
}

async function filesIn(folder: string): Promise<ReadonlySet<string>> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return new Set(entries.filter((entry) => entry.isFile() && isTaskFileName(entry.name)).map(({ name }) => name));
  } catch (error) {
    if (isMissing(error)) return new Set();
    throw error;
  }
}
