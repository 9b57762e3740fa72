import { readFile, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { lockLimits } from '@countersign/contracts/limits.ts';
import { Timestamp } from '@countersign/contracts/names.ts';
import { z } from 'zod';
import { isMissing, writeFileAtomic } from './files.ts';

/** SQLite's own numbers. */
const busy = 5;
const notADatabase = 26;

/** Who holds a lock: the container's id where there is one, for a container's host name is that. */
const LockHolder = z.strictObject({ host: z.string(), pid: z.int().positive(), started_at: Timestamp });
export type LockHolder = z.infer<typeof LockHolder>;

type Attempt =
  | { readonly ok: true; readonly lock: ExclusiveLock }
  /** `holder` is null where it has not said yet who it is. */
  | { readonly ok: false; readonly holder: LockHolder | null };

/**
 * A lock on a file that the kernel holds for this process: SQLite's exclusive transaction on an empty database. It ends with the
 * process, however that dies, so none is ever stale; and it asks nothing of the process while it is held, so one that stands
 * still does not lose it. Who holds it stands in `<file>.json`, for people.
 */
export class ExclusiveLock implements AsyncDisposable {
  readonly #path: string;
  readonly #database: DatabaseSync;
  readonly #inode: bigint;

  private constructor(path: string, database: DatabaseSync, inode: bigint) {
    this.#path = path;
    this.#database = database;
    this.#inode = inode;
  }

  /**
   * Takes the lock, or tells who has it after having waited for one that is just ending.
   * @throws Error when the file cannot be made, or is not one of ours
   */
  static async take(path: string, waitMs: number = lockLimits.waitMs): Promise<Attempt> {
    const end = performance.now() + waitMs;
    for (;;) {
      const database = tryLock(path);
      if (database !== null) {
        const { ino } = await stat(path, { bigint: true });
        await tellHolder(`${path}.json`);
        return { ok: true, lock: new ExclusiveLock(path, database, ino) };
      }
      if (performance.now() >= end) return { ok: false, holder: await readHolder(path) };
      await sleep(lockLimits.retryMs);
    }
  }

  /** Whether the file is still the one that is locked: in place of one that was removed another process could lock its own. */
  async isInPlace(): Promise<boolean> {
    try {
      return (await stat(this.#path, { bigint: true })).ino === this.#inode;
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(`${this.#path}.json`, { force: true }).catch(() => undefined);
    this.#database.close();
  }
}

/** Null when another process has it. */
function tryLock(path: string): DatabaseSync | null {
  const database = new DatabaseSync(path, { timeout: 0 });
  try {
    // In memory, for beside the file a journal would be left behind by a death.
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
    return database;
  } catch (error) {
    database.close();
    const code = error instanceof Error && 'errcode' in error ? error.errcode : null;
    if (code === busy) return null;
    if (code === notADatabase)
      throw new Error(`${path} is not a lock of ours. Make sure that no runner is running, and remove it.`, {
        cause: error,
      });
    throw error;
  }
}

/** A disk that has no room for it is no reason not to start; then nothing of an earlier one is to stand there. */
async function tellHolder(path: string): Promise<void> {
  const holder: LockHolder = { host: hostname(), pid: process.pid, started_at: new Date().toISOString() };
  try {
    await writeFileAtomic(path, `${JSON.stringify(holder)}\n`, 0o644);
  } catch {
    await rm(path, { force: true }).catch(() => undefined);
  }
}

async function readHolder(path: string): Promise<LockHolder | null> {
  try {
    return LockHolder.parse(JSON.parse(await readFile(`${path}.json`, 'utf8')));
  } catch {
    return null;
  }
}
