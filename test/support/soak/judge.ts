import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JournalEvent } from '@countersign/contracts/event.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { folderOf, isFinal, mayFollow, queueFolders, type TaskStatus } from '@countersign/contracts/task-state.ts';
import { parseJournal } from '@countersign/kit/journal.ts';
import type { Operator } from '../operator.ts';
import type { Stack } from '../stack.ts';
import { openBranch, type PlannedTask, workspaces } from './plan.ts';

/** Everything that is not as it must be once all has come to its end; empty when nothing was lost and nothing done twice. */
export async function judgeSoak(
  stack: Stack,
  operator: Operator,
  planned: readonly PlannedTask[],
  withdrawn: ReadonlySet<string>,
): Promise<string[]> {
  const records = await stack.tasks();
  const files = await queuedFiles(stack);
  const events = await allEvents(stack);
  return [
    ...problemsOfFiles(planned, withdrawn, records, files),
    ...records.flatMap((record) => problemsOfRecord(record, files, events)),
    ...(await problemsOfBranches(operator, records)),
  ];
}

/**
 * Every file that was dropped is one task in one final state, was refused with a reason, or was taken back before it became a task;
 * and nothing else is there.
 */
function problemsOfFiles(
  planned: readonly PlannedTask[],
  withdrawn: ReadonlySet<string>,
  records: readonly TaskRecord[],
  files: ReadonlyMap<string, readonly string[]>,
): string[] {
  const problems = planned.flatMap(({ file, kind }) => {
    const own = records.filter((record) => record.dropped_as === file);
    if (kind === 'invalid') {
      const isRefused = files.get(file)?.join() === 'outbox/invalid' && files.has(`${file}.error.txt`);
      return isRefused && own.length === 0 ? [] : [`${file} should have been refused: ${files.get(file)}`];
    }
    if (own.length === 0 && withdrawn.has(file) && !files.has(file)) return [];
    return own.length === 1 ? [] : [`${file} became ${own.length} tasks; its file is in ${files.get(file)}`];
  });
  const names = new Set(planned.map(({ file }) => file));
  const foreign = records.filter((record) => !names.has(record.dropped_as));
  return [...problems, ...foreign.map((record) => `${record.id} is ${record.dropped_as}, which nobody dropped`)];
}

/** Its state is final, its file lies where the state says and nowhere else, and its journal tells how it came there. */
function problemsOfRecord(
  record: TaskRecord,
  files: ReadonlyMap<string, readonly string[]>,
  events: readonly JournalEvent[],
): string[] {
  const { status, reason } = record.state;
  const problems: string[] = [];
  if (!isFinal(status)) problems.push(`is still ${status}: ${reason}`);
  const folders = files.get(record.file) ?? [];
  if (folders.join() !== folderOf[status]) problems.push(`is ${status}, but its file is in [${folders}]`);
  const own = events.filter((event) => event.task_id === record.id);
  const statuses = own.flatMap((event) => event.status ?? []);
  for (const [index, to] of statuses.entries()) {
    const from: TaskStatus | undefined = statuses[index - 1];
    if (from !== undefined && from !== to && !mayFollow(from, to)) problems.push(`went from ${from} to ${to}`);
  }
  if (statuses.at(-1) !== status) problems.push(`is ${status}, but its journal ends with ${statuses.at(-1)}`);
  const starts = own.filter(({ event }) => event === 'task_started').map(({ attempt }) => attempt);
  if (new Set(starts).size !== starts.length) problems.push(`began an attempt twice: ${starts}`);
  return problems.map((problem) => `${record.dropped_as} (${record.id}) ${problem}`);
}

/** What a record says was merged is in its branch in one commit; nothing else is. */
async function problemsOfBranches(operator: Operator, records: readonly TaskRecord[]): Promise<string[]> {
  const problems: string[] = [];
  for (const workspace of workspaces) {
    for (const branch of ['main', openBranch]) {
      const seen = await commitsByFile(operator, workspace, branch);
      for (const record of records.filter((one) => one.workspace === workspace)) {
        const commits = seen.get(`results/${record.id}.txt`) ?? 0;
        const isMerged =
          record.state.status === 'done' &&
          record.state.merged !== null &&
          record.state.result?.repositories.some((repository) => repository.branch === branch) === true;
        if (commits !== (isMerged ? 1 : 0))
          problems.push(`${record.id} is ${record.state.status}, and in ${commits} commits of ${workspace} ${branch}`);
      }
    }
    const status = await operator.git(workspace, 'status', '--porcelain');
    if (status !== '') problems.push(`${workspace} is not clean: ${status}`);
    await operator.git(workspace, 'fsck', '--strict', '--no-dangling').catch((error: Error) => {
      problems.push(`${workspace} is damaged: ${error.message}`);
    });
  }
  return problems;
}

async function commitsByFile(operator: Operator, workspace: string, branch: string): Promise<Map<string, number>> {
  const log = await operator.git(workspace, 'log', '--format=', '--name-only', branch);
  const seen = new Map<string, number>();
  for (const path of log.split('\n')) seen.set(path, (seen.get(path) ?? 0) + 1);
  return seen;
}

/** Folders of the queue by the name of the file in them. */
async function queuedFiles(stack: Stack): Promise<Map<string, string[]>> {
  const files = new Map<string, string[]>();
  for (const folder of queueFolders)
    for (const entry of await readdir(join(stack.home, folder), { withFileTypes: true }))
      if (entry.isFile()) files.set(entry.name, [...(files.get(entry.name) ?? []), folder]);
  return files;
}

/** All journals, each read as a whole. @throws JournalError when one is not what it should be */
async function allEvents(stack: Stack): Promise<JournalEvent[]> {
  const runs = join(stack.home, 'runs');
  const names = (await readdir(runs)).filter((name) => name.startsWith('RUN-'));
  const paths = [join(runs, 'telemetry.jsonl'), ...names.map((name) => join(runs, name, 'telemetry.jsonl'))];
  const events: JournalEvent[] = [];
  for (const path of paths) events.push(...parseJournal(path, await readFile(path)));
  return events;
}
