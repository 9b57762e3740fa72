import { lstat, mkdir, readFile, rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type TaskRecord, taskFolder } from '@countersign/contracts/task-record.ts';
import { sha256 } from '@countersign/kit/digest.ts';
import { exists, isMissing, syncFolder, writeFileAtomic } from '@countersign/kit/files.ts';
import { isPassing } from '@countersign/kit/system-trouble.ts';
import { withSuffix } from '../queue/file-name.ts';
import { readIfPresent, stampOf } from '../queue/observe.ts';
import type { Layout } from './layout.ts';

/** Moves tasks' files between the folders of the queue. Nothing is overwritten, and a free name is given to one task only. */
export class QueueMover {
  readonly #layout: Layout;
  /** Names that a change under way has chosen for its file. */
  readonly #chosen = new Set<string>();
  /** Files that nothing can move, locked ones for instance, by what they were then: they are no new tasks. */
  readonly #stuck = new Map<string, string>();

  constructor(layout: Layout) {
    this.#layout = layout;
  }

  /** Whether this is a task's file that stayed behind because it could not be moved. */
  isLeftBehind(path: string, stamp: string): boolean {
    return this.#stuck.get(path) === stamp;
  }

  /**
   * The name that a task's file gets where its record goes; nobody else gets it until it is given up. It is chosen before it is
   * looked for: of two that want it, one finds it taken.
   */
  async choose(before: TaskRecord, after: TaskRecord): Promise<string> {
    if (this.#layout.fileOf(before) === this.#layout.fileOf(after)) return after.file;
    const wanted = this.#layout.fileOf({ ...after, file: after.dropped_as });
    if (!this.#chosen.has(wanted)) {
      this.#chosen.add(wanted);
      let isFree = false;
      try {
        isFree = !(await exists(wanted));
      } finally {
        // One that could not be looked for is nobody's: the change that wanted it comes again.
        if (!isFree) this.#chosen.delete(wanted);
      }
      if (isFree) return after.dropped_as;
    }
    return withSuffix(after.dropped_as, after.id);
  }

  giveUp(record: TaskRecord): void {
    this.#chosen.delete(this.#layout.fileOf(record));
  }

  /**
   * Brings the file to where the record says; safe to repeat. Never fails for one file: where it cannot be moved, or was removed
   * at the very end, the saved copy takes its place.
   * @param isLast the task has ended
   */
  async move(before: TaskRecord, record: TaskRecord, isLast: boolean): Promise<void> {
    const target = this.#layout.fileOf(record);
    const source = this.#layout.fileOf(before);
    if (source === target) return;
    if (await this.#isTaken(source, target, record)) await rename(target, await freeBeside(target));
    if (!(await exists(target))) {
      await mkdir(dirname(target), { recursive: true });
      const moved = await this.#rename(source, target);
      if (moved === 'stuck' || (moved === 'missing' && isLast)) await this.#putCopy(record, target);
    }
    await Promise.all([syncFolder(dirname(target)), syncFolder(dirname(source)).catch(() => undefined)]);
  }

  /** Whether somebody put a file there after the name was chosen. Where the file is gone from its old place, it is ours. */
  async #isTaken(source: string, target: string, { task_file }: TaskRecord): Promise<boolean> {
    if (this.#stuck.has(source) || !(await exists(target)) || !(await exists(source))) return false;
    const read = await readIfPresent(target);
    return read !== null && !(read.ok && sha256(read.bytes) === task_file);
  }

  async #rename(source: string, target: string, isAgain = false): Promise<'moved' | 'missing' | 'stuck'> {
    try {
      await rename(source, target);
      return 'moved';
    } catch (error) {
      // Removed by the operator meanwhile: the work loop notices a waiting task without its file.
      if (isMissing(error)) return 'missing';
      // The machine's trouble, which may be over; one file that it never lets go of holds nobody up.
      if (isPassing(error) && !isAgain) return await this.#rename(source, target, true);
      const stats = await lstat(source, { bigint: true }).catch(() => null);
      if (stats !== null) this.#stuck.set(source, stampOf(stats));
      return 'stuck';
    }
  }

  async #putCopy(record: TaskRecord, target: string): Promise<void> {
    const copy = await readFile(join(this.#layout.home, taskFolder(record), 'task.md')).catch(() => null);
    if (copy !== null) await writeFileAtomic(target, copy, 0o644);
  }
}

/** A free name for what is not ours, beside where it lies. */
export async function freeBeside(path: string): Promise<string> {
  for (let count = 1; ; count += 1) {
    const free = join(dirname(path), withSuffix(basename(path), count === 1 ? 'kept' : `kept-${count}`));
    if (!(await exists(free))) return free;
  }
}
