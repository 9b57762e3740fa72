import { lstat, rm, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { recoveryLimits } from '@countersign/contracts/limits.ts';
import { type RunId, TaskId } from '@countersign/contracts/names.ts';
import { type QueueFolder, queueFolders } from '@countersign/contracts/task-state.ts';
import { sha256 } from '@countersign/kit/digest.ts';
import { isMissing, isTemporary, namesIn } from '@countersign/kit/files.ts';
import { readIfPresent } from '../queue/observe.ts';
import type { Layout } from './layout.ts';
import type { Ground } from './reconcile.ts';

/** What lies there and is nobody's: what was removed, and what was left alone, relative to `volumes/`. */
export type Swept = { readonly removed: readonly string[]; readonly unknown: readonly string[] };

/** In these only files of tasks lie; into `inbox/` others drop, and in `outbox/invalid/` lies what was no task. */
const ours: readonly QueueFolder[] = queueFolders.filter((name) => name !== 'inbox' && name !== 'outbox/invalid');

/**
 * Deals with what no record tells of. Half-written files of ours are removed when they are old; a task's folder that was begun
 * before its first event is removed where the dropped file still lies in the inbox, to be taken anew. Anything else is somebody's:
 * it is left alone, and told.
 * @param now in milliseconds, as files' times are
 */
export async function sweep(
  ground: Ground,
  known: ReadonlyMap<RunId, ReadonlySet<TaskId>>,
  now: number,
): Promise<Swept> {
  const { layout } = ground;
  const removed: string[] = [];
  const unknown: string[] = [];
  const inbox = new InboxDigests(layout, ground);
  for (const [run, tasks] of known) {
    for (const name of await namesIn(layout.tasks(run))) {
      if (tasks.has(name) || !TaskId.safeParse(name).success) continue;
      const folder = join(layout.tasks(run), name);
      if (await removeBegun(folder, inbox)) removed.push(folder);
      else unknown.push(folder);
    }
  }
  for (const folder of queueFolders) {
    for (const name of ground.names.get(folder) ?? []) {
      const path = join(layout.queue(folder), name);
      if (isTemporary(name)) {
        if (await removeOld(path, now)) removed.push(path);
        continue;
      }
      if (ours.includes(folder) && !name.startsWith('.') && !ground.owners.has(path)) unknown.push(path);
    }
  }
  for (const folder of [layout.runs, ...[...known.keys()].map((run) => layout.run(run))])
    for (const name of (await namesIn(folder)).filter(isTemporary))
      if (await removeOld(join(folder, name), now)) removed.push(join(folder, name));
  const nameOf = (path: string) => path.slice(layout.home.length + 1);
  return { removed: removed.map(nameOf).sort(), unknown: unknown.map(nameOf).sort() };
}

/** Removes a task's folder that holds no more than its copy, if that still lies in the inbox; whether it did. */
async function removeBegun(folder: string, inbox: InboxDigests): Promise<boolean> {
  const names = await namesIn(folder);
  if (names.some((name) => name !== 'task.md' && !isTemporary(name))) return false;
  if (names.includes('task.md')) {
    const read = await readIfPresent(join(folder, 'task.md'));
    // An empty copy was never written wholly.
    if (read?.ok !== true || (read.bytes.length > 0 && !(await inbox.has(read.bytes)))) return false;
  }
  await rm(folder, { recursive: true });
  return true;
}

async function removeOld(path: string, now: number): Promise<boolean> {
  try {
    if (now - (await lstat(path)).mtimeMs < recoveryLimits.leftoverMs) return false;
    await unlink(path);
    return true;
  } catch (error) {
    if (isMissing(error)) return false;
    throw error;
  }
}

/** What lies in the inbox, looked at only when somebody asks. */
class InboxDigests {
  readonly #layout: Layout;
  readonly #names: ReadonlySet<string>;
  #digests: Promise<ReadonlySet<string>> | undefined;

  constructor(layout: Layout, ground: Ground) {
    this.#layout = layout;
    this.#names = ground.names.get('inbox') ?? new Set();
  }

  async has(bytes: Buffer): Promise<boolean> {
    this.#digests ??= this.#read();
    return (await this.#digests).has(sha256(bytes));
  }

  async #read(): Promise<ReadonlySet<string>> {
    const digests = new Set<string>();
    for (const name of this.#names) {
      const read = await readIfPresent(join(this.#layout.queue('inbox'), name)).catch(() => null);
      if (read?.ok === true) digests.add(sha256(read.bytes));
    }
    return digests;
  }
}
