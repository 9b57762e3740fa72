import { randomBytes } from 'node:crypto';
import { open, rename, rm, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { journalLimits } from '@countersign/contracts/limits.ts';
import { exists } from '@countersign/kit/files.ts';

const pieceBytes = 1024 * 1024;

type Sizes = { readonly reserveBytes: number; readonly reserveSpareBytes: number };

/**
 * Room on the disk that is kept for when there is none: given up, so that what people decide can still be written down, and
 * made again when there is plenty.
 */
export class Reserve {
  readonly #path: string;
  readonly #said: (what: 'released' | 'made') => void;
  readonly #sizes: Sizes;

  /** @param said is told of both, for the log */
  constructor(path: string, said: (what: 'released' | 'made') => void, sizes: Sizes = journalLimits) {
    this.#path = path;
    this.#said = said;
    this.#sizes = sizes;
  }

  /** Gives it up. False when there is none. */
  async release(): Promise<boolean> {
    try {
      if (!(await exists(this.#path))) return false;
      await rm(this.#path);
    } catch {
      return false;
    }
    this.#said('released');
    return true;
  }

  /** Makes it, where it is missing and a good deal more than its size is free; what fails is tried another time. */
  async refill(): Promise<void> {
    const temporary = `${this.#path}.tmp`;
    try {
      if (await exists(this.#path)) return;
      const { reserveBytes, reserveSpareBytes } = this.#sizes;
      if ((await freeAt(dirname(this.#path))) < reserveBytes + reserveSpareBytes) return;
      await writeNoise(temporary, reserveBytes);
      await rename(temporary, this.#path);
      this.#said('made');
    } catch {
      await rm(temporary, { force: true }).catch(() => undefined);
    }
  }
}

/** No zeros: a file system may keep those, and what can be compressed, in no room at all. */
async function writeNoise(path: string, length: number): Promise<void> {
  const file = await open(path, 'w', 0o600);
  try {
    for (let written = 0; written < length; written += pieceBytes) await file.write(randomBytes(pieceBytes));
    await file.sync();
  } finally {
    await file.close();
  }
}

/** In bytes, for those without privileges. */
async function freeAt(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
}
