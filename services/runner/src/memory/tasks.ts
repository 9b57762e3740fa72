import { join } from 'node:path';
import { inertLine } from '@countersign/contracts/inert-text.ts';
import type { MemoryTaskHeader, MemoryTaskStatus } from '@countersign/contracts/memory-task.ts';
import type { MemoryTaskId, WorkspaceName } from '@countersign/contracts/names.ts';
import { inParallel } from '@countersign/kit/in-parallel.ts';
import type { MemoryChange } from './make-changes.ts';
import { memoryLimits } from './memory-limits.ts';
import { isMemoryName } from './memory-path.ts';
import { ParsedFiles } from './parsed-files.ts';
import { listFolder } from './read-material.ts';
import { parseTaskText, type TaskText, withStatus } from './task-text.ts';

export type TaskFiles = ParsedFiles<TaskText>;
export const taskFiles = (): TaskFiles => new ParsedFiles(parseTaskText);

/** A durable task, as its file says it. `path` is relative to the memory. */
export type MemoryTask = Pick<MemoryTaskHeader, 'id' | 'title' | 'status' | 'base_branch' | 'repos'> & {
  readonly path: string;
  readonly body: string;
};
export type FoundTask =
  | { readonly ok: true; readonly task: MemoryTask }
  | { readonly ok: false; readonly reason: string };
export type ListedTasks = {
  readonly tasks: readonly MemoryTask[];
  /** Files that cannot be read as a task, and why. */
  readonly refused: readonly string[];
  /** Files that were not looked at, for there are too many. */
  readonly unread: number;
};

/** The one file of a task. None, several, or one that cannot be read is a refusal that says what to do; nothing is rewritten. */
export async function findTask(
  files: TaskFiles,
  folder: string,
  workspace: WorkspaceName,
  id: MemoryTaskId,
): Promise<FoundTask> {
  const names = await taskNames(folder, workspace);
  const matching = names.filter((name) => idOf(name) === id);
  const [name] = matching;
  const place = `memory/${workspace}/tasks`;
  if (name === undefined)
    return refuse(
      `there is no task ${id}; write ${place}/${id}-a-few-words.md with id, title and status: todo in front matter`,
    );
  if (matching.length > 1) {
    const [first, second] = matching;
    return refuse(
      `task ${id} has several files, ${place}/${first} and ${place}/${second}; rename or remove all but one`,
    );
  }
  return readTask(files, folder, `${workspace}/tasks/${name}`, id);
}

/** The newest tasks of a workspace by their ids, up to a limit; what is not one of a well-formed file is named. */
export async function listTasks(
  files: TaskFiles,
  folder: string,
  workspace: WorkspaceName,
  limit = 500,
): Promise<ListedTasks> {
  const names = (await taskNames(folder, workspace)).toReversed();
  const found = await inParallel(names.slice(0, limit), memoryLimits.looks, (name) =>
    readTask(files, folder, `${workspace}/tasks/${name}`, idOf(name)),
  );
  return {
    tasks: found.flatMap((one) => (one.ok ? [one.task] : [])),
    refused: found.flatMap((one) => (one.ok ? [] : [one.reason])),
    unread: Math.max(0, names.length - limit),
  };
}

/**
 * The change that sets a task's status; none where it is that already.
 * @param why what stands in the commit's message in parentheses
 * @param onRefusal hears of a file that cannot be changed when its turn has come
 */
export function statusChange(
  task: MemoryTask,
  status: MemoryTaskStatus,
  why: string,
  onRefusal: (reason: string) => void,
): MemoryChange {
  const edit = (bytes: Buffer | null): Buffer | null => {
    if (bytes === null) return null;
    const current = parseTaskText(bytes);
    if (current.ok && current.header.status === status) return null;
    const changed = withStatus(bytes, status);
    if (changed.ok) return changed.bytes;
    onRefusal(sayProblem(task.path, changed.problem));
    return null;
  };
  return { message: `${task.id}: status ${status} (${inertLine(why)})`, files: [{ path: task.path, edit }] };
}

async function readTask(files: TaskFiles, folder: string, path: string, id: string): Promise<FoundTask> {
  const read = await files.read(join(folder, path));
  if (read.status === 'missing') return refuse(`memory/${path} is gone`);
  if (read.status === 'unfit') return refuse(`memory/${path}: ${read.reason}`);
  const parsed = read.value;
  if (!parsed.ok) return refuse(sayProblem(path, parsed.problem));
  const { header, body } = parsed;
  if (header.id !== id) return refuse(`memory/${path} says that it is ${header.id}; name and id are to be the same`);
  const { title, status, base_branch, repos } = header;
  return {
    ok: true,
    task: {
      id,
      title,
      status,
      ...(base_branch === undefined ? {} : { base_branch }),
      ...(repos === undefined ? {} : { repos }),
      path,
      body,
    },
  };
}

async function taskNames(folder: string, workspace: WorkspaceName): Promise<string[]> {
  const listed = await listFolder(join(folder, workspace, 'tasks'));
  return (listed?.names ?? []).filter((name) => isMemoryName('tasks', name));
}

function idOf(name: string): string {
  return /^T\d+/.exec(name)?.[0] ?? '';
}

function sayProblem(path: string, { line, message }: { readonly line: number; readonly message: string }): string {
  return `memory/${path}:${line}: ${inertLine(message)}`;
}

function refuse(reason: string): { readonly ok: false; readonly reason: string } {
  return { ok: false, reason };
}
