import { randomBytes } from 'node:crypto';
import { opendir, readdir, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Channel } from '@countersign/contracts/command.ts';
import { commandLimits, inboxLimits } from '@countersign/contracts/limits.ts';
import { isMissing } from '@countersign/kit/files.ts';
import type { Logger } from '@countersign/kit/logger.ts';
import { RateBudget } from '@countersign/kit/rate-budget.ts';
import type { Troubles } from './troubles.ts';

type Spool = { readonly channel: Channel; readonly path: string };
type ReadFolder = (path: string) => Promise<AsyncIterable<{ readonly name: string }>>;
export type SpoolEntry = { readonly channel: Channel; readonly path: string };

/** The channels that have a spool, each with its folder. */
export async function findSpools(folder: string): Promise<Spool[]> {
  const found = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  return Channel.options.flatMap((channel) =>
    found.some(({ name }) => name === channel) ? [{ channel, path: join(folder, channel) }] : [],
  );
}

/** Names as those who write commands choose them. Whatever else lies there is not looked at. */
const commandFile = /^[A-Za-z0-9_-]{1,128}\.json$/;

/** The folders into which others put commands, one per channel. Nothing that lies there can hold up what lies beside it. */
export class Spools {
  readonly #folder: string;
  readonly #logger: Logger;
  readonly #troubles: Troubles;
  readonly #read: ReadFolder;
  /** What each channel may still have judged. */
  readonly #budgets = new Map<Channel, RateBudget>();
  /** Entries that could not be moved; they are not looked at again. */
  readonly #immovable = new Set<string>();

  /** @param read an override for tests of a spool that cannot be read */
  constructor(folder: string, logger: Logger, troubles: Troubles, read: ReadFolder = opendir) {
    this.#folder = folder;
    this.#logger = logger;
    this.#troubles = troubles;
    this.#read = read;
  }

  /**
   * What is there to be read, oldest name first; of each channel as much as one turn may take, and as its writer may have judged
   * in a while: each verdict is a line of a journal that is kept for ever.
   */
  async list(): Promise<SpoolEntry[]> {
    const entries: SpoolEntry[] = [];
    for (const spool of await findSpools(this.#folder)) {
      const budget = this.#budgetOf(spool.channel);
      for (const name of (await this.#namesIn(spool)).sort().slice(0, inboxLimits.batch)) {
        if (budget.take(performance.now()) === null) break;
        entries.push({ channel: spool.channel, path: join(spool.path, name) });
      }
    }
    return entries;
  }

  /** A spool belongs to its writer, who can close or fill it: the others are still read. */
  async #namesIn({ path }: Spool): Promise<string[]> {
    const names: string[] = [];
    let looked = 0;
    try {
      for await (const { name } of await this.#read(path)) {
        if (commandFile.test(name) && !this.#immovable.has(join(path, name))) names.push(name);
        looked += 1;
        if (looked < commandLimits.spoolNames) continue;
        this.#troubles.say(path, new Error(`a spool of ${looked} names or more; it is read bit by bit`));
        break;
      }
    } catch (error) {
      this.#troubles.say(path, error);
    }
    return names;
  }

  #budgetOf(channel: Channel): RateBudget {
    const budget = this.#budgets.get(channel) ?? new RateBudget(commandLimits.verdictsPerMinute[channel], 60_000);
    this.#budgets.set(channel, budget);
    return budget;
  }

  /** Removes what was dealt with. */
  async remove({ path }: SpoolEntry): Promise<void> {
    await unlink(path).catch((error: unknown) => this.#leave(path, error));
  }

  /** What cannot be a command stays for whoever looks for it, under a name that is not read. */
  async setAside({ path }: SpoolEntry): Promise<void> {
    const aside = join(dirname(path), `.refused-${randomBytes(8).toString('hex')}`);
    await rename(path, aside).catch((error: unknown) => this.#leave(path, error));
  }

  #leave(path: string, error: unknown): void {
    if (isMissing(error)) return;
    this.#immovable.add(path);
    this.#logger.error({ path, error: String(error) }, 'a spool entry cannot be moved and stays');
  }
}
