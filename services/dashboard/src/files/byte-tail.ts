import { isMissing } from '@countersign/kit/files.ts';
import { NotRegularError, openRegularFile } from '@countersign/kit/regular-file.ts';
import { wholeCharacters } from './shown-text.ts';

/** What came behind `at` in a file that grows. */
export type Piece = { readonly at: number; readonly text: string };

/**
 * Follows a file that grows, in pieces of whole characters; what is not UTF-8 is replaced. A file that begins anew is followed from
 * its beginning.
 */
export class ByteTail {
  readonly #path: string;
  readonly #below: string;
  readonly #pieceBytes: number;
  readonly #tailBytes: number;
  /** Null before the file was first looked for. */
  #position: number | null = null;
  #inode: bigint | null = null;

  /** @param options.tailBytes of what is there already so much is told */
  constructor(path: string, below: string, options: { readonly pieceBytes: number; readonly tailBytes: number }) {
    this.#path = path;
    this.#below = below;
    this.#pieceBytes = options.pieceBytes;
    this.#tailBytes = options.tailBytes;
  }

  /** Null where nothing new is there. */
  async read(): Promise<Piece | null> {
    try {
      await using file = await openRegularFile(this.#path, this.#below);
      const { size: bigSize, ino } = await file.stat({ bigint: true });
      const size = Number(bigSize);
      const isAnother = this.#inode !== null && this.#inode !== ino;
      this.#inode = ino;
      this.#position ??= Math.max(0, size - this.#tailBytes);
      if (isAnother || size < this.#position) this.#position = 0;
      const at = this.#position;
      if (size <= at) return null;
      const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.min(size - at, this.#pieceBytes)), 0, null, at);
      const bytes = buffer.subarray(0, bytesRead);
      const whole = bytes.subarray(0, wholeCharacters(bytes));
      if (whole.length === 0) return null;
      this.#position = at + whole.length;
      return { at, text: whole.toString('utf8').toWellFormed() };
    } catch (error) {
      if (!isMissing(error) && !(error instanceof NotRegularError)) throw error;
      // All of what comes is new.
      this.#position ??= 0;
      return null;
    }
  }
}
