import { type FSWatcher, watch } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { indexLimits } from './limits.ts';

/** Tells early that something may have changed. It may miss anything, and is wrong at no cost. */
export class Hints implements Disposable {
  readonly #volumes: string;
  readonly #watchers = new Map<string, FSWatcher>();
  #wake = () => {};
  #hinted = false;

  constructor(volumes: string) {
    this.#volumes = volumes;
  }

  /** @param folders relative to `volumes/`; others are not listened to any more */
  listen(folders: readonly string[]): void {
    const wanted = new Set(folders);
    for (const [folder, watcher] of this.#watchers)
      if (!wanted.has(folder)) {
        watcher.close();
        this.#watchers.delete(folder);
      }
    for (const folder of wanted) {
      if (this.#watchers.has(folder)) continue;
      try {
        const watcher = watch(join(this.#volumes, folder), { persistent: false }, () => this.#hint());
        watcher.on('error', () => {
          watcher.close();
          this.#watchers.delete(folder);
        });
        this.#watchers.set(folder, watcher);
      } catch {
        // Not there, or no more of them to be had: the sizes tell.
      }
    }
  }

  /** Until something may have changed, or the time is up. */
  async wait(limitMs: number, signal: AbortSignal): Promise<void> {
    if (!this.#hinted) {
      const woken = new AbortController();
      this.#wake = () => woken.abort();
      const ended = AbortSignal.any([signal, woken.signal]);
      await sleep(limitMs, undefined, { signal: ended }).catch(() => undefined);
      this.#wake = () => {};
    }
    if (this.#hinted && !signal.aborted) await sleep(indexLimits.hintMs);
    this.#hinted = false;
  }

  [Symbol.dispose](): void {
    for (const watcher of this.#watchers.values()) watcher.close();
    this.#watchers.clear();
  }

  #hint(): void {
    this.#hinted = true;
    this.#wake();
  }
}
