import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { RunId } from '@countersign/contracts/names.ts';
import { isMissing, namesIn } from '@countersign/kit/files.ts';
import { indexLimits } from './limits.ts';

/** The journal of what belongs to no run, by its name. */
const ownJournal = 'telemetry.jsonl';

/** A journal that is not as it was when it was last looked at; `isGone` when it is not there any more. */
export type JournalChange = { readonly name: string; readonly isGone: boolean };

/**
 * Which journals changed. Those that grew last are looked at each time, of the others some by turns: there may be thousands.
 */
export class JournalList {
  readonly #runs: string;
  /** By name what was seen of it, those that changed last at the end. */
  readonly #seen = new Map<string, string>();
  #turn = 0;

  /** @param runs the folder `runs/` */
  constructor(runs: string) {
    this.#runs = runs;
  }

  /** Those that grew last, for whoever wants to hear of them. */
  hot(): string[] {
    return [...this.#seen.keys()].slice(-indexLimits.hotJournals);
  }

  /** @param all also those that have been quiet. @throws Error where the folder cannot be read */
  async look(all: boolean): Promise<JournalChange[]> {
    const runs = (await namesIn(this.#runs)).filter((name) => RunId.safeParse(name).success).sort();
    const there = [ownJournal, ...runs.map((run) => `${run}/${ownJournal}`)];
    const fresh = there.filter((name) => !this.#seen.has(name));
    const names = new Set([...fresh, ...(all ? this.#seen.keys() : this.#due())]);
    const changes: JournalChange[] = [];
    for (const name of names) {
      const stamp = await stampOf(join(this.#runs, name));
      if (stamp === (this.#seen.get(name) ?? null)) continue;
      this.#seen.delete(name);
      if (stamp !== null) this.#seen.set(name, stamp);
      changes.push({ name, isGone: stamp === null });
    }
    return changes;
  }

  /** What was said to have changed could not be read: it is looked at again. */
  again(name: string): void {
    if (this.#seen.has(name)) this.#seen.set(name, '');
  }

  #due(): string[] {
    const names = [...this.#seen.keys()];
    const cold = names.slice(0, -indexLimits.hotJournals);
    if (cold.length === 0) return names;
    const start = this.#turn % cold.length;
    this.#turn = start + indexLimits.coldJournals;
    return [...this.hot(), ...cold.slice(start, start + indexLimits.coldJournals)];
  }
}

async function stampOf(path: string): Promise<string | null> {
  try {
    const { size, mtimeMs, ino } = await stat(path);
    return `${size} ${mtimeMs} ${ino}`;
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}
