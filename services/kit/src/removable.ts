import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { RunId, TaskId } from '@countersign/contracts/names.ts';
import { type TaskRecord, taskFolder } from '@countersign/contracts/task-record.ts';
import { isFinal } from '@countersign/contracts/task-state.ts';
import { exists, isMissing, namesIn } from './files.ts';

/** Something that may be removed without losing work. `path` is relative to `volumes/`, `bytes` what it takes on disk. */
export type Removable = {
  readonly kind: 'output' | 'leftover' | 'pack';
  readonly path: string;
  readonly bytes: number;
  readonly task: TaskId | null;
};
/** Something that is old enough, and stays. */
export type Kept = { readonly path: string; readonly bytes: number; readonly reason: string };

/** Raw output of tools and conditions; what they came to stands in the summary, the handoff and the journal. */
const output = /^(?:(?:plan|preconditions|postconditions|rebase)\.)?std(?:out|err)\.log$/;
/** What an attempt that is over has no more use for. */
const leftovers = new Set(['incoming', 'quarantine', 'rebase', 'merge']);
const packCachePath = 'runs/.cache/packs';
const dayMs = 24 * 60 * 60 * 1000;

/**
 * What of ended tasks may go: raw output, what a death left half-done, and packs that are made again when they are needed.
 * Journals, task files, plans, diffs, handoffs, summaries and artifacts are never among it, nor anything in a workspace; the
 * output of a task that left no handoff is all that there is of it, and stays.
 * @param volumes the folder that holds `runs/`
 * @param olderThanDays since a task ended, or a pack was made
 */
export async function findRemovable(
  volumes: string,
  records: Iterable<TaskRecord>,
  olderThanDays: number,
  now: Date,
): Promise<{ readonly removable: readonly Removable[]; readonly kept: readonly Kept[] }> {
  const removable: Removable[] = [];
  const kept: Kept[] = [];
  const before = now.getTime() - olderThanDays * dayMs;
  for (const record of records) {
    if (!isFinal(record.state.status) || Date.parse(record.state.since) > before) continue;
    const attempts = `${taskFolder(record)}/attempts`;
    for (const attempt of await namesIn(join(volumes, attempts))) {
      const folder = `${attempts}/${attempt}`;
      const isHandedOff = await exists(join(volumes, folder, 'handoff.yaml'));
      for (const name of await namesIn(join(volumes, folder))) {
        const kind = output.test(name) ? 'output' : leftovers.has(name) ? 'leftover' : null;
        if (kind === null) continue;
        const path = `${folder}/${name}`;
        const bytes = await sizeOf(join(volumes, path));
        if (kind === 'output' && !isHandedOff) kept.push({ path, bytes, reason: 'the attempt left no handoff' });
        else removable.push({ kind, path, bytes, task: record.id });
      }
    }
  }
  for (const name of await namesIn(join(volumes, packCachePath))) {
    const path = `${packCachePath}/${name}`;
    const stats = await lstat(join(volumes, path)).catch(() => null);
    // One of today may be on its way into a sandbox.
    if (stats?.isFile() === true && stats.mtimeMs <= Math.min(before, now.getTime() - dayMs))
      removable.push({ kind: 'pack', path, bytes: stats.blocks * blockBytes, task: null });
  }
  return { removable, kept };
}

/** What `stat` counts in, whatever the file system's own blocks are. */
const blockBytes = 512;

async function sizeOf(path: string): Promise<number> {
  try {
    const stats = await lstat(path);
    if (!stats.isDirectory()) return stats.blocks * blockBytes;
    let bytes = 0;
    for (const entry of await readdir(path)) bytes += await sizeOf(join(path, entry));
    return bytes;
  } catch (error) {
    if (isMissing(error)) return 0;
    throw error;
  }
}

/** Whether a path is one that `findRemovable` may name; whoever removes by such a list asks this first. */
export function isRemovablePath(path: string): boolean {
  const parts = path.split('/');
  if (path.startsWith(`${packCachePath}/`))
    return parts.length === 4 && /^[A-Za-z0-9_][\w.+-]*\.pack$/.test(parts[3] ?? '');
  const [runs, run, tasks, task, attempts, attempt, name = ''] = parts;
  return (
    parts.length === 7 &&
    runs === 'runs' &&
    RunId.safeParse(run).success &&
    tasks === 'tasks' &&
    TaskId.safeParse(task).success &&
    attempts === 'attempts' &&
    /^\d+$/.test(attempt ?? '') &&
    (output.test(name) || leftovers.has(name))
  );
}
