import { randomBytes } from 'node:crypto';
import { readdir, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Channel } from '@countersign/contracts/command.ts';
import { inboxLimits } from '@countersign/contracts/limits.ts';
import { isMissing } from '@countersign/kit/files.ts';
import type { Logger } from '@countersign/kit/logger.ts';
import type { Troubles } from './troubles.ts';

type Spool = { readonly channel: Channel; readonly path: string };
export type SpoolEntry = { readonly channel: Channel; readonly path: string };

/** The channels that have a spool, each with its folder. */
export async function findSpools(folder: string): Promise<Spool[]> {
  const found = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  return Channel.options.flatMap((channel) =>
    found.some(({ name }) => name === channel) ? [{ channel, path: join(folder, channel) }] : [],
  );
}

/** The folders into which others put commands, one per channel. Nothing that lies there can hold up what lies beside it. */
export class Spools {
  readonly #folder: string;
  readonly #logger: Logger;
  readonly #troubles: Troubles;
  readonly #read: (path: string) => Promise<string[]>;
  /** Entries that could not be moved; they are not looked at again. */
  readonly #immovable = new Set<string>();

  /** @param read an override for tests of a spool that cannot be read */
  constructor(folder: string, logger: Logger, troubles: Troubles, read: (path: string) => Promise<string[]> = readdir) {
    this.#folder = folder;
    this.#logger = logger;
    this.#troubles = troubles;
    this.#read = read;
  }

  /** What is there to be read, oldest name first; of each channel as much as one turn may take. */
  async list(): Promise<SpoolEntry[]> {
    const entries: SpoolEntry[] = [];
    for (const spool of await findSpools(this.#folder)) {
      const paths = (await this.#namesIn(spool))
        .filter((name) => name.endsWith('.json') && !name.startsWith('.'))
        .sort()
        .map((name) => join(spool.path, name))
        .filter((path) => !this.#immovable.has(path));
      entries.push(...paths.slice(0, inboxLimits.batch).map((path) => ({ channel: spool.channel, path })));
    }
    return entries;
  }

  /** A spool belongs to its writer, who can close it: the others are still read. */
  async #namesIn({ path }: Spool): Promise<string[]> {
    try {
      return await this.#read(path);
    } catch (error) {
      this.#troubles.say(path, error);
      return [];
    }
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
