import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HouseWorkspace } from '@countersign/contracts/house.ts';
import { RunId, TaskId, WorkspaceName } from '@countersign/contracts/names.ts';
import { isFinal, TaskStatus } from '@countersign/contracts/task-state.ts';
import { isMissing } from '@countersign/kit/files.ts';
import { z } from 'zod';
import { HouseError } from './house-error.ts';
import { entriesOf, workspacesOf } from './parts.ts';

export type Survey = {
  readonly tasks: Readonly<Record<string, number>>;
  readonly workspaces: readonly HouseWorkspace[];
};

const most = 1_000;

/** What of a task's record matters here, whichever version wrote it. */
const Standing = z.object({
  id: TaskId,
  file: z.string(),
  workspace: WorkspaceName,
  state: z.object({ status: TaskStatus }),
});
type Standing = z.infer<typeof Standing>;

/**
 * Where all tasks stand, and who needs which workspace.
 * @throws HouseError while a merge is under way: its locks and half-moved branches mean something on this machine only
 */
export async function surveyTasks(home: string): Promise<Survey> {
  const tasks: Record<string, number> = {};
  const needed = new Map<string, string[]>();
  for (const run of await entriesOf(join(home, 'runs'))) {
    if (!RunId.safeParse(run.name).success) continue;
    for (const task of await entriesOf(join(home, 'runs', run.name, 'tasks'))) {
      const record = await readRecord(join(home, 'runs', run.name, 'tasks', task.name, 'task.json'));
      if (record === null) continue;
      const { status } = record.state;
      if (status === 'merging')
        throw new HouseError(
          `task ${record.id} (${record.file}) is being merged. A house is exported before a merge or after it: wait for its end, or see what it waits for with scripts/countersign show ${record.id}.`,
          { busy: true },
        );
      tasks[status] = (tasks[status] ?? 0) + 1;
      if (isFinal(status)) continue;
      needed.set(record.workspace, [...(needed.get(record.workspace) ?? []), record.id]);
    }
  }
  const names = [...new Set([...(await workspacesOf(home)), ...needed.keys()])].sort();
  const workspaces = names
    .filter((name) => WorkspaceName.safeParse(name).success)
    .map((name) => ({ name, needed_by: (needed.get(name) ?? []).slice(0, most) }));
  return { tasks, workspaces };
}

/** Null for a folder whose task was never accepted; the journal says the rest where the record lags behind it. */
async function readRecord(path: string): Promise<Standing | null> {
  try {
    return Standing.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    if (isMissing(error) || error instanceof SyntaxError) return null;
    throw new HouseError(`${path} cannot be read, so nobody can say what would be exported: ${String(error)}`, {
      cause: error,
    });
  }
}
