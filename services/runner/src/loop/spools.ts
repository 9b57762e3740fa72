import { randomBytes } from 'node:crypto';
import { readdir, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { inboxLimits } from '@countersign/contracts/limits.ts';
import { isMissing } from '@countersign/kit/files.ts';
import type { Logger } from '@countersign/kit/logger.ts';

export type SpoolEntry = { readonly channel: string; readonly path: string };

/** The folders into which others put commands, one per channel. Nothing that lies there can hold up what lies beside it. */
export class Spools {
  readonly #folder: string;
  readonly #logger: Logger;
  /** Entries that could not be moved; they are not looked at again. */
  readonly #immovable = new Set<string>();

  constructor(folder: string, logger: Logger) {
    this.#folder = folder;
    this.#logger = logger;
  }

  /** What is there to be read, oldest name first; of each channel as much as one turn may take. */
  async list(): Promise<SpoolEntry[]> {
    const entries: SpoolEntry[] = [];
    for (const spool of await readdir(this.#folder, { withFileTypes: true })) {
      if (!spool.isDirectory()) continue;
      const folder = join(this.#folder, spool.name);
      const paths = (await readdir(folder))
        .filter((name) => name.endsWith('.json') && !name.startsWith('.'))
        .sort()
        .map((name) => join(folder, name))
        .filter((path) => !this.#immovable.has(path));
      entries.push(...paths.slice(0, inboxLimits.batch).map((path) => ({ channel: spool.name, path })));
    }
    return entries;
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
