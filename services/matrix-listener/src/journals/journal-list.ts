import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { RunId } from '@countersign/contracts/names.ts';
import { isMissing, namesIn } from '@countersign/kit/files.ts';
import { listenerLimits } from '../limits.ts';

/** The journal of what belongs to no run, by the name that its position is kept under. */
export const ownJournal = 'telemetry.jsonl';

/** A journal that is there, relative to `runs/`, and its size in bytes. */
export type JournalSize = { readonly name: string; readonly size: number };

/**
 * Which journals there are and how long. A run whose journal has not grown for a while is looked at less often: there may be
 * thousands of them.
 */
export class JournalList {
  readonly #runs: string;
  readonly #grewAt = new Map<string, number>();
  readonly #sizes = new Map<string, number>();
  #allAt = Number.NEGATIVE_INFINITY;

  /** @param runs the folder `runs/` */
  constructor(runs: string) {
    this.#runs = runs;
  }

  /** @param now milliseconds of a clock that does not go back */
  async look(now: number): Promise<JournalSize[]> {
    const all = now - this.#allAt >= listenerLimits.followAllMs;
    if (all) this.#allAt = now;
    const runs = (await namesIn(this.#runs)).filter((name) => RunId.safeParse(name).success).sort();
    const found: JournalSize[] = [];
    for (const name of [ownJournal, ...runs.map((run) => `${run}/telemetry.jsonl`)]) {
      const known = this.#sizes.get(name);
      const isQuiet = name !== ownJournal && now - (this.#grewAt.get(name) ?? now) > listenerLimits.quietAfterMs;
      const size = known !== undefined && isQuiet && !all ? known : await sizeOf(join(this.#runs, name));
      if (size === null) continue;
      if (size !== known) this.#grewAt.set(name, now);
      this.#sizes.set(name, size);
      found.push({ name, size });
    }
    return found;
  }
}

async function sizeOf(path: string): Promise<number | null> {
  try {
    return (await stat(path)).size;
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}
