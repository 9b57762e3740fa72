import { lstat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { lockLimits } from '@countersign/contracts/limits.ts';
import { ExclusiveLock, type LockHolder } from '@countersign/kit/exclusive-lock.ts';
import { isMissing } from '@countersign/kit/files.ts';
import { StartError } from '@countersign/kit/start-error.ts';
import type { Layout } from './layout.ts';
import { readSentinel } from './sentinel.ts';

/**
 * Keeps the runner to the home that it started in: the only runner there, and not a moment longer than that home is there. A
 * mount that is dropped, a folder that is moved away or emptied: it stops, and goes on by itself when it is back.
 */
export class HomeGuard implements AsyncDisposable {
  readonly #layout: Layout;
  readonly #id: string;
  readonly #lock: ExclusiveLock;
  readonly #leave: AbortSignal;
  #stamp: string;

  private constructor(layout: Layout, id: string, stamp: string, lock: ExclusiveLock, leave: AbortSignal) {
    this.#layout = layout;
    this.#id = id;
    this.#stamp = stamp;
    this.#lock = lock;
    this.#leave = leave;
  }

  /**
   * Looks whether this is a home, and takes it. Writes nothing where it may not be.
   * @param userId numeric id that the home must belong to; root may be anybody's
   * @throws StartError with what is wrong and what to do
   */
  static async enter(layout: Layout, userId: number, leave: AbortSignal): Promise<HomeGuard> {
    const stamp = await stampOf(layout.sentinel);
    const read = await readSentinel(layout.sentinel);
    if (!read.ok) throw new StartError(`${layout.home}: ${read.reason}`);
    if (userId !== 0 && read.sentinel.uid !== userId)
      throw new StartError(
        `${layout.home} belongs to user ${read.sentinel.uid}, and this runner is ${userId}. Start with scripts/up, which knows the ids.`,
      );
    const attempt = await ExclusiveLock.take(layout.lock).catch((cause: unknown) => {
      const words = cause instanceof Error ? cause.message : String(cause);
      throw new StartError(`${layout.lock} cannot be locked: ${words}`, { cause });
    });
    if (!attempt.ok) throw new StartError(heldBy(layout.home, attempt.holder));
    return new HomeGuard(layout, read.sentinel.id, stamp, attempt.lock, leave);
  }

  /** Why nothing may be decided or written now; null when all is well. Cheap: two looks at files that did not change. */
  async trouble(): Promise<string | null> {
    try {
      const stamp = await stampOf(this.#layout.sentinel);
      if (stamp !== this.#stamp) {
        const read = await readSentinel(this.#layout.sentinel);
        if (!read.ok) return `${this.#layout.home} is not what it was: ${read.reason}`;
        if (read.sentinel.id !== this.#id)
          return `${this.#layout.home} is another home than the one that this runner started in: mount that one, or restart the runner`;
        this.#stamp = stamp;
      }
      if (await this.#lock.isInPlace()) return null;
      return `${this.#layout.lock} was removed under this runner, so another one could start: restart the runner`;
    } catch (error) {
      return `${this.#layout.home} cannot be looked at: ${error instanceof Error ? error.message : String(error)}`;
    }
  }

  /** Resolves when the home is there. @throws Error when the runner leaves before that */
  async ready(): Promise<void> {
    for (let why = await this.trouble(); why !== null; why = await this.trouble()) {
      if (this.#leave.aborted) throw new Error(why);
      await sleep(lockLimits.homeMs, undefined, { signal: this.#leave }).catch(() => undefined);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lock[Symbol.asyncDispose]();
  }
}

/** Changes with whatever is done to the file; empty where there is none. */
async function stampOf(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await lstat(path, { bigint: true });
    return [dev, ino, size, mtimeNs, ctimeNs].join(' ');
  } catch (error) {
    if (isMissing(error)) return '';
    throw error;
  }
}

function heldBy(home: string, holder: LockHolder | null): string {
  const who =
    holder === null
      ? 'one that has only just started'
      : `process ${holder.pid} on ${holder.host}, since ${holder.started_at}`;
  return [
    `Another runner works on ${home}: ${who}. This one changed nothing and ends.`,
    'Two would decide everything twice. If the other one is to go, stop it first (scripts/down, or `docker stop` with the name above, which is its container) and start again.',
  ].join('\n');
}
