import { lstatSync } from 'node:fs';
import { mkdir, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { journalLimits, recoveryLimits } from '@countersign/contracts/limits.ts';
import type { TaskId } from '@countersign/contracts/names.ts';
import { TaskRecord } from '@countersign/contracts/task-record.ts';
import { folderOf, isFinal, type QueueFolder, queueFolders } from '@countersign/contracts/task-state.ts';
import { sha256 } from '@countersign/kit/digest.ts';
import { isMissing, namesIn, replaceFile, syncFolder, writeFileAtomic } from '@countersign/kit/files.ts';
import { inParallel } from '@countersign/kit/in-parallel.ts';
import { withSuffix } from '../queue/file-name.ts';
import { readAtStart } from '../queue/observe.ts';
import type { Layout } from './layout.ts';
import { freeBeside } from './queue-mover.ts';
import { type Facts, fileRule, isDamaged, type Sight } from './reconcile-rules.ts';
import type { Told } from './replay.ts';

/** What was found and mended: by which rule, of which task, and where, relative to `volumes/`. */
export type Mended = { readonly rule: string; readonly task: TaskId; readonly path: string };

/** The queue's files as they lie there, and whose they are. */
export type Ground = {
  readonly layout: Layout;
  /** Names in each folder of the queue. */
  readonly names: ReadonlyMap<QueueFolder, ReadonlySet<string>>;
  /** By path: the task that has its file there, by its last record; of several one that has not ended. */
  readonly owners: ReadonlyMap<string, TaskId>;
};

/** @param records of all tasks, ended ones too */
export async function lookAround(layout: Layout, records: Iterable<TaskRecord>): Promise<Ground> {
  const listed = queueFolders.map(async (folder) => [folder, new Set(await namesIn(layout.queue(folder)))] as const);
  const owners = new Map<string, TaskId>();
  const open: TaskRecord[] = [];
  for (const record of records) {
    if (isFinal(record.state.status)) owners.set(layout.fileOf(record), record.id);
    else open.push(record);
  }
  for (const record of open) owners.set(layout.fileOf(record), record.id);
  return { layout, names: new Map(await Promise.all(listed)), owners };
}

/** Brings the files and `task.json` of every task to what the journal says; safe to die in and to repeat. */
export async function reconcileTasks(ground: Ground, told: Iterable<Told>): Promise<readonly Mended[]> {
  const all = [...told];
  const claims = claimsOf(ground, all);
  const left = all.filter((one) => liesAtAnothers(ground, claims, one));
  const owners = new Map(ground.owners);
  for (const one of left) owners.delete(sourceOf(ground, one) ?? '');
  const first = await inParallel(left, recoveryLimits.tasks, (one) => reconcileTask({ ...ground, owners }, one));
  const others = left.length === 0 ? all : all.filter((one) => !left.includes(one));
  const now =
    left.length === 0
      ? ground
      : await lookAround(
          ground.layout,
          all.map(({ record }) => record),
        );
  const then = await inParallel(others, recoveryLimits.tasks, (one) => reconcileTask(now, one));
  return [...first, ...then].flat();
}

/** By path: the tasks whose file is there, or was before their last change. */
function claimsOf(ground: Ground, all: readonly Told[]): ReadonlyMap<string, readonly TaskRecord[]> {
  const claims = new Map<string, TaskRecord[]>();
  for (const told of all)
    for (const path of [ground.layout.fileOf(told.record), sourceOf(ground, told)])
      if (path !== null) claims.set(path, [...(claims.get(path) ?? []), told.record]);
  return claims;
}

/**
 * Whether a task's file still lies at a place that another one has by now, or had: power was lost before their moves were durable.
 * It goes first: there it would be taken for somebody's own, or for the other task's.
 */
function liesAtAnothers(ground: Ground, claims: ReadonlyMap<string, readonly TaskRecord[]>, told: Told): boolean {
  const { layout, names } = ground;
  const { record, before } = told;
  const source = sourceOf(ground, told);
  if (before === null || source === null || names.get(folderOf[before.status])?.has(before.file) !== true) return false;
  const rivals = (claims.get(source) ?? []).filter(({ id }) => id !== record.id);
  // Of two with the same bytes it cannot be told whose they are.
  if (rivals.length === 0 || rivals.some(({ task_file }) => task_file === record.task_file)) return false;
  const files = new TaskFiles(layout, record);
  if (files.look(source) !== 'accepted' || files.look(layout.fileOf(record)) === 'accepted') return false;
  return compareWritten(join(layout.task(record.run, record.id), 'task.json'), record) === 'other';
}

/** Where the record before the last one had the task's file; null where that is the place of the last one, too. */
function sourceOf({ layout }: Ground, { record, before }: Told): string | null {
  if (before === null) return null;
  const source = join(layout.queue(folderOf[before.status]), before.file);
  return source === layout.fileOf(record) ? null : source;
}

async function reconcileTask(ground: Ground, told: Told): Promise<Mended[]> {
  const { record } = told;
  const stored = join(ground.layout.task(record.run, record.id), 'task.json');
  const written = compareWritten(stored, record);
  const unfinished = written === 'other';
  const mended = isFinal(record.state.status) && !unfinished ? [] : await reconcileFile(ground, told, unfinished);
  if (written === 'same') return mended;
  await mkdir(dirname(stored), { recursive: true });
  await replaceFile(stored, recordText(record));
  if (written === 'older') return mended;
  return [...mended, { rule: 'record', task: record.id, path: nameOf(ground, stored) }];
}

/** `task.json`, byte for byte. */
export function recordText(record: TaskRecord): string {
  return `${JSON.stringify(record, null, 2)}\n`;
}

/** What `task.json` says: the same, the same as an older version of the product wrote it, or something else. */
function compareWritten(path: string, record: TaskRecord): 'same' | 'older' | 'other' {
  const read = readAtStart(path, 4 * journalLimits.lineBytes);
  if (read?.ok !== true) return 'other';
  try {
    const text = read.bytes.toString('utf8');
    if (text === recordText(record)) return 'same';
    return JSON.stringify(TaskRecord.parse(JSON.parse(text))) === JSON.stringify(record) ? 'older' : 'other';
  } catch {
    // Cut, or no record.
    return 'other';
  }
}

async function reconcileFile(ground: Ground, told: Told, unfinished: boolean): Promise<Mended[]> {
  const { layout } = ground;
  const { record } = told;
  const files = new TaskFiles(layout, record);
  const target = layout.fileOf(record);
  const seen = files.look(target);
  const source = findSource(ground, told, unfinished, seen);
  const facts: Facts = {
    target: seen,
    source: source === null ? 'missing' : files.look(source),
    elsewhere: false,
    unfinished,
    ended: isFinal(record.state.status),
  };
  const away = seen === 'missing' && !facts.ended ? findElsewhere(ground, record, files) : null;
  const rule = fileRule({ ...facts, elsewhere: away !== null });
  const mended = (path: string): Mended => ({ rule: rule.name, task: record.id, path: nameOf(ground, path) });
  const done: Mended[] = [];
  switch (rule.action) {
    case 'leave':
      break;
    case 'move':
    case 'move-over':
      if (source !== null) await moveFile(source, target);
      done.push(mended(target));
      break;
    case 'move-beside':
      await rename(target, await freeBeside(target));
      if (source !== null) await moveFile(source, target);
      done.push(mended(target));
      break;
    case 'fetch':
      if (away !== null) await moveFile(away, target);
      done.push(mended(away ?? target));
      await removeDamaged(source, facts);
      break;
    case 'remove-source':
      if (source === null) break;
      await unlink(source);
      await syncFolder(dirname(source));
      done.push(mended(source));
      break;
    case 'restore':
      if (!(await files.restore(target))) break;
      done.push(mended(target));
      await removeDamaged(source, facts);
      break;
  }
  if (await files.mendCopy(target, seen)) done.push({ ...mended(files.copyPath), rule: 'copy' });
  return done;
}

/** What is left of the file at its old place, when it lies at its new one as a whole: there is nothing in it. */
async function removeDamaged(source: string | null, facts: Facts): Promise<void> {
  if (source !== null && facts.source === 'damaged') await unlink(source);
}

/** A task's file where it lies, next to the copy that was saved when it was accepted. */
class TaskFiles {
  readonly copyPath: string;
  readonly #digest: string;
  #copy: Buffer | null | undefined;

  constructor(layout: Layout, record: TaskRecord) {
    this.copyPath = join(layout.task(record.run, record.id), 'task.md');
    this.#digest = record.task_file;
  }

  look(path: string): Sight {
    const read = readAtStart(path);
    if (read === null) return 'missing';
    // A folder, a link, or more than a task file may hold.
    if (!read.ok) return 'other';
    if (sha256(read.bytes) === this.#digest) return 'accepted';
    const copy = this.#saved();
    return copy !== null && isDamaged(read.bytes, copy) ? 'damaged' : 'other';
  }

  /** Whether the saved copy could take the place. */
  async restore(path: string): Promise<boolean> {
    const copy = this.#saved();
    if (copy === null) return false;
    await mkdir(dirname(path), { recursive: true });
    await writeFileAtomic(path, copy, 0o644);
    return true;
  }

  /** Makes the saved copy again where it is not what was accepted and the file is; whether it did. */
  async mendCopy(path: string, sight: Sight): Promise<boolean> {
    if (sight !== 'accepted') return false;
    const [size, copied] = [path, this.copyPath].map((one) => lstatSync(one, { throwIfNoEntry: false })?.size);
    // It was durable before the task was one; its size is enough to look at where all is as it should be.
    if (size === copied) return false;
    const read = readAtStart(path);
    if (read?.ok !== true || sha256(read.bytes) !== this.#digest) return false;
    await mkdir(dirname(this.copyPath), { recursive: true });
    await writeFileAtomic(this.copyPath, read.bytes);
    return true;
  }

  /** Null where it is missing or not what was accepted. */
  #saved(): Buffer | null {
    if (this.#copy !== undefined) return this.#copy;
    const read = readAtStart(this.copyPath);
    this.#copy = read?.ok === true && sha256(read.bytes) === this.#digest ? read.bytes : null;
    return this.#copy;
  }
}

/** Where the task's file lay before, if it may still be the task's; null where that place is another one's by now. */
function findSource(ground: Ground, told: Told, unfinished: boolean, target: Sight): string | null {
  const { layout, names, owners } = ground;
  const { record, before } = told;
  const source = sourceOf(ground, told);
  if (before === null || source === null) return null;
  const folder = folderOf[before.status];
  const owner = owners.get(source);
  if (names.get(folder)?.has(before.file) !== true) return null;
  if (owner !== undefined && owner !== record.id) return null;
  // Into the inbox others drop: what lies there is a new file, unless it can only be the one that was to be moved.
  if (folder !== 'inbox') return source;
  if (!unfinished) return null;
  if (target === 'missing' || target === 'damaged') return source;
  const times = [source, layout.fileOf(record)].map((path) => lstatSync(path, { bigint: true }).mtimeNs);
  return times[0] === times[1] ? source : null;
}

/** The accepted bytes under one of the task's names in another folder, where no task has them. */
function findElsewhere(ground: Ground, record: TaskRecord, files: TaskFiles): string | null {
  const { layout, names, owners } = ground;
  const called = new Set([record.file, record.dropped_as, withSuffix(record.dropped_as, record.id)]);
  for (const folder of queueFolders) {
    // What lies in the inbox is taken as a task of its own.
    if (folder === 'inbox' || folder === 'outbox/invalid' || folder === folderOf[record.state.status]) continue;
    for (const name of called) {
      const path = join(layout.queue(folder), name);
      if (names.get(folder)?.has(name) !== true || owners.has(path)) continue;
      if (files.look(path) === 'accepted') return path;
    }
  }
  return null;
}

async function moveFile(source: string, target: string): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  try {
    await rename(source, target);
  } catch (error) {
    if (isMissing(error)) return;
    throw error;
  }
  await syncFolder(dirname(target));
  await syncFolder(dirname(source));
}

function nameOf({ layout }: Ground, path: string): string {
  return path.slice(layout.home.length + 1);
}
