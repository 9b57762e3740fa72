import type { BigIntStats } from 'node:fs';
import { lookAt, racyMs } from '@countersign/kit/files.ts';
import { memoryLimits } from './memory-limits.ts';
import { type ReadMaterial, readMaterial } from './read-material.ts';

type Known<Value> = { readonly stamp: string; readonly value: Value; readonly bytes: number };
type ParsedFile<Value> =
  | { readonly status: 'read'; readonly value: Value }
  | Exclude<ReadMaterial, { readonly status: 'read' }>;

/**
 * Files of the memory as they were parsed, remembered as long as they stay what they are: every task that begins is told of the
 * newest ones, and to parse fifty takes longer than all else before it begins. Those that nobody asked for longest are forgotten.
 */
export class ParsedFiles<Value> {
  readonly #parse: (bytes: Uint8Array) => Value;
  readonly #fileBytes: number;
  readonly #mostBytes: number;
  readonly #now: () => number;
  /** The one that was asked for last comes last. */
  readonly #known = new Map<string, Known<Value>>();
  #bytes = 0;

  /**
   * @param parse must not throw; what it returns is shared and never changed
   * @param fileBytes of the largest file that is read
   * @param mostBytes of all files that are remembered, as they lie on the disk
   */
  constructor(
    parse: (bytes: Uint8Array) => Value,
    fileBytes: number = memoryLimits.fileBytes,
    mostBytes: number = memoryLimits.rememberedBytes,
    now: () => number = Date.now,
  ) {
    this.#parse = parse;
    this.#fileBytes = fileBytes;
    this.#mostBytes = mostBytes;
    this.#now = now;
  }

  /** What a file says now. @throws the system's error where that cannot be told */
  async read(path: string): Promise<ParsedFile<Value>> {
    // What cannot be looked at is read, which says why it cannot.
    const before = await lookAt(path).catch(() => null);
    const stamp = before && stampOf(before);
    const known = this.#forget(path);
    if (known !== undefined && known.stamp === stamp) {
      this.#remember(path, known);
      return { status: 'read', value: known.value };
    }
    const read = await readMaterial(path, this.#fileBytes);
    if (read.status !== 'read') return read;
    const { bytes } = read.material;
    const value = this.#parse(bytes);
    const after = await lookAt(path).catch(() => null);
    const isSettled = before !== null && this.#now() - Number(before.ctimeMs) > racyMs;
    if (stamp !== null && isSettled && after !== null && stampOf(after) === stamp)
      this.#remember(path, { stamp, value, bytes: bytes.length });
    return { status: 'read', value };
  }

  #forget(path: string): Known<Value> | undefined {
    const known = this.#known.get(path);
    if (known === undefined) return undefined;
    this.#known.delete(path);
    this.#bytes -= known.bytes;
    return known;
  }

  #remember(path: string, known: Known<Value>): void {
    this.#forget(path);
    this.#known.set(path, known);
    this.#bytes += known.bytes;
    for (const oldest of this.#known.keys()) {
      if (this.#bytes <= this.#mostBytes) return;
      this.#forget(oldest);
    }
  }
}

/** A file that only its own system could change without another one. */
function stampOf({ dev, ino, size, ctimeNs }: BigIntStats): string {
  return `${dev}:${ino}:${size}:${ctimeNs}`;
}
