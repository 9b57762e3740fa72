import { statfs } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { agentLimits } from './limits.ts';

type DiskUsage = { readonly usedBytes: number; readonly totalBytes: number };
/** What of the file system that a folder is on is in use. */
export type MeasureDisk = (folder: string) => Promise<DiskUsage>;

const measureDisk: MeasureDisk = async (folder) => {
  const { blocks, bfree, bsize } = await statfs(folder);
  return { usedBytes: (blocks - bfree) * bsize, totalBytes: blocks * bsize };
};

/**
 * Looks at a folder's file system while a tool runs. The kernel is the wall; this is the line before it, at which the tool can
 * still save its work and git still has room for it.
 */
export class DiskWatch {
  readonly #folder: string;
  readonly #measure: MeasureDisk;
  readonly #budgetBytes: number | null;
  readonly #onExceeded: (limit: number, used: number) => void;
  #most = 0;

  /** @param budgetBytes null for what the file system holds, less a reserve */
  constructor(
    folder: string,
    budgetBytes: number | null,
    onExceeded: (limitBytes: number, usedBytes: number) => void,
    measure: MeasureDisk = measureDisk,
  ) {
    this.#folder = folder;
    this.#budgetBytes = budgetBytes;
    this.#onExceeded = onExceeded;
    this.#measure = measure;
  }

  /** The most that was seen, in bytes. */
  get most(): number {
    return this.#most;
  }

  /** Looks again and again until `over`. */
  async run(over: AbortSignal): Promise<void> {
    while (!over.aborted) {
      await this.look();
      await wait(agentLimits.diskLookMs, undefined, { signal: over }).catch(() => undefined);
    }
  }

  /** A look that fails says nothing. */
  async look(): Promise<void> {
    const usage = await this.#measure(this.#folder).catch(() => null);
    if (usage === null) return;
    const { usedBytes, totalBytes } = usage;
    this.#most = Math.max(this.#most, usedBytes);
    const reserve = Math.min(agentLimits.diskReserveBytes, totalBytes * agentLimits.diskReserveShare);
    const limit = Math.floor(Math.min(totalBytes - reserve, this.#budgetBytes ?? totalBytes));
    if (usedBytes > limit) this.#onExceeded(limit, usedBytes);
  }
}
