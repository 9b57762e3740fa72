import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ErrorClass } from '@countersign/contracts/event.ts';
import type { MemoryTaskHeader } from '@countersign/contracts/memory-task.ts';
import { parseTaskFile, type TaskFile } from '@countersign/contracts/task-file/parse.ts';
import type { Base, TaskRecord } from '@countersign/contracts/task-record.ts';
import { sha256 } from '@countersign/kit/digest.ts';
import type { Context } from '../context.ts';
import { findBase, pinBase, type Repository } from '../git/repository.ts';
import { findRepositories } from './find-repositories.ts';

export type Unusable = { readonly ok: false; readonly errorClass: ErrorClass; readonly reason: string };
/** A repository of a task, and the commit that the task's work begins at. */
export type Source = { readonly repository: Repository; readonly base: Base };
export type Grounds = { readonly ok: true; readonly sources: readonly Source[]; readonly file: TaskFile };

/** Where a task would start from: its repositories and bases, as pinned for it or as they are now. They are kept alive from now on. */
export async function findGrounds(context: Context, record: TaskRecord): Promise<Grounds | Unusable> {
  const grounds = await lookForGrounds(context, record);
  if (grounds.ok) await pinBases(record, grounds);
  return grounds;
}

/** Keeps the commits that a task's work begins at alive, whatever happens to their branches. @throws GitError */
export async function pinBases({ run, id }: TaskRecord, { sources }: Pick<Grounds, 'sources'>): Promise<void> {
  for (const { repository, base } of sources) await pinBase(repository, run, id, base.head);
}

/** The same as `findGrounds`, without keeping anything alive yet. */
export async function lookForGrounds(context: Context, record: TaskRecord): Promise<Grounds | Unusable> {
  const bytes = await readFile(join(context.layout.task(record.run, record.id), 'task.md'));
  if (sha256(bytes) !== record.task_file) return unusable('the saved copy of the task file is not what was accepted');
  const file = parseTaskFile(bytes);
  if (!file.ok) return unusable(`the saved copy of the task file cannot be read: ${file.problems[0]?.message ?? ''}`);
  const sources = await findSources(context, file.file, record.bases);
  if (!sources.ok) return unusable(sources.reason);
  return { ok: true, sources: sources.sources, file: file.file };
}

/** @param bases as fixed for the task; null takes the branches as they are now */
export async function findSources(
  context: Context,
  file: TaskFile,
  bases: readonly Base[] | null,
): Promise<
  { readonly ok: true; readonly sources: readonly Source[] } | { readonly ok: false; readonly reason: string }
> {
  // What is fixed does not move with what the memory, or the workspace's list, says later.
  const meant = bases === null ? await remembered(context, file) : { ok: true as const, task: undefined };
  if (!meant.ok) return meant;
  const { workspace, repos, base_branch: wanted } = file.header;
  const names = bases?.map(({ repository }) => repository) ?? repos ?? meant.task?.repos;
  const repositories = await findRepositories(context, { workspace, repos: names });
  if (!repositories.ok) return repositories;
  const sources: Source[] = [];
  for (const { repository, branch } of repositories.value) {
    const fixed = bases?.find((base) => base.repository === repository.name);
    if (fixed !== undefined) {
      sources.push({ repository, base: fixed });
      continue;
    }
    const base = await findBase(repository, wanted ?? meant.task?.base_branch ?? branch);
    if (!base.ok) return base;
    sources.push({ repository, base: { repository: repository.name, ...base.value } });
  }
  return { ok: true, sources };
}

type Remembered = Pick<MemoryTaskHeader, 'base_branch' | 'repos'>;

/** What the durable task means, where the file itself says nothing. */
async function remembered(
  context: Context,
  { header }: TaskFile,
): Promise<{ ok: true; task: Remembered | undefined } | { ok: false; reason: string }> {
  return header.task === undefined
    ? { ok: true, task: undefined }
    : await context.memory.findTask(header.workspace, header.task);
}

export function basesOf({ sources }: Pick<Grounds, 'sources'>): Base[] {
  return sources.map(({ base }) => base);
}

export function unusable(reason: string): Unusable {
  return { ok: false, errorClass: 'workspace_unusable', reason };
}
