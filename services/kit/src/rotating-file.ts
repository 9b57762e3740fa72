import { closeSync, existsSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs';

const mode = 0o640;

/**
 * A log file of bounded size: what is full becomes `<file>.1`, what that was `<file>.2`, and so on; the oldest goes. Each line is
 * handed to the system before `write` returns, so a process that dies has lost none. The oldest is renamed first: a death in
 * between leaves a gap in the numbers, which the next time is filled, and takes no line away.
 */
export class RotatingFile {
  readonly #path: string;
  readonly #limits: { readonly fileBytes: number; readonly oldFiles: number };
  #descriptor: number;
  #bytes: number;

  constructor(path: string, limits: { readonly fileBytes: number; readonly oldFiles: number }) {
    this.#path = path;
    this.#limits = limits;
    this.#descriptor = openSync(path, 'a', mode);
    this.#bytes = fstatSync(this.#descriptor).size;
  }

  /** A line that the disk does not take is lost here: it stands on standard output as well, and a log must stop nobody. */
  write(line: string): void {
    const bytes = Buffer.from(line);
    try {
      if (this.#bytes > 0 && this.#bytes + bytes.length > this.#limits.fileBytes) this.#rotate();
      this.#bytes += writeSync(this.#descriptor, bytes);
    } catch {}
  }

  #rotate(): void {
    let last = 1;
    while (last < this.#limits.oldFiles && existsSync(`${this.#path}.${last}`)) last += 1;
    for (let number = last; number > 0; number -= 1)
      moveIfThere(number === 1 ? this.#path : `${this.#path}.${number - 1}`, `${this.#path}.${number}`);
    const next = openSync(this.#path, 'a', mode);
    closeSync(this.#descriptor);
    this.#descriptor = next;
    this.#bytes = fstatSync(next).size;
  }
}

function moveIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
  }
}
