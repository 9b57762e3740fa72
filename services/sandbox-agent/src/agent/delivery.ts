import { encodeChunkFrame, encodeFrame, encodeJsonFrame, FrameError } from '@countersign/contracts/frame-codec.ts';
import type { EndFrame, ProgressFrame, ResendFrame } from '@countersign/contracts/frames.ts';
import { outputIndex } from '@countersign/contracts/frames.ts';
import { frameLimits } from '@countersign/contracts/limits.ts';
import { readPart, type Source } from './source.ts';

/** Small texts of a result, each one frame. */
export type Note = { readonly frame: 'summary' | 'handoff' | 'plan'; readonly data: Buffer };
export type FinalPart = {
  readonly sources: readonly Source[];
  readonly notes: readonly Note[];
  readonly end: EndFrame;
};

/**
 * Everything that is to reach the runner, and how far it has come. It outlives every connection: a new one goes on where the
 * runner says that it stands. The order is: outputs while they grow, then bundles, artifacts and notes, and `end` last.
 */
export class Delivery {
  readonly #outputs: readonly Source[];
  #final: FinalPart | undefined;
  #notesSent = 0;
  #endSent = false;
  #progress: ProgressFrame | undefined;
  #changes = 0;
  #wake: () => void = () => undefined;

  constructor(outputs: readonly Source[]) {
    this.#outputs = outputs;
  }

  /** Something was added; a waiting connection sends it. */
  readonly changed = (): void => {
    this.#changes += 1;
    this.#wake();
  };

  /** Only the latest progress is kept, and only for the runner that listens now. */
  setProgress(progress: ProgressFrame): void {
    this.#progress = progress;
    this.changed();
  }

  finish(final: FinalPart): void {
    this.#final = final;
    this.changed();
  }

  /** Goes back, or on, to what the runner holds. @throws FrameError when it claims more than there is */
  resume(held: ResendFrame): void {
    for (const source of this.#sources()) {
      const bytes = heldOf(held, source);
      if (bytes > source.bytes) throw new FrameError('bad-shape', `more ${source.frame} bytes held than there are`);
      source.cursor = bytes;
    }
    this.#notesSent = 0;
    this.#endSent = false;
    this.changed();
  }

  /** The next frame, read from its file; waits for one while there is none. @throws AbortError */
  async next(stop: AbortSignal): Promise<Buffer> {
    const wake = () => this.#wake();
    stop.addEventListener('abort', wake);
    try {
      for (;;) {
        stop.throwIfAborted();
        const seen = this.#changes;
        const frame = await this.#take();
        if (frame !== undefined) return frame;
        await this.#change(seen, stop);
      }
    } finally {
      stop.removeEventListener('abort', wake);
    }
  }

  #sources(): readonly Source[] {
    return [...this.#outputs, ...(this.#final?.sources ?? [])];
  }

  async #take(): Promise<Buffer | undefined> {
    const progress = this.#progress;
    this.#progress = undefined;
    if (progress !== undefined) return encodeJsonFrame('progress', progress);
    const source = this.#sources().find(({ cursor, bytes }) => cursor < bytes);
    if (source !== undefined) return await takeChunk(source);
    if (this.#final === undefined || this.#endSent) return undefined;
    const note = this.#final.notes[this.#notesSent];
    if (note !== undefined) {
      this.#notesSent += 1;
      return encodeFrame(note.frame, note.data);
    }
    this.#endSent = true;
    return encodeJsonFrame('end', this.#final.end);
  }

  /** @param seen the count of changes that the caller has looked at */
  async #change(seen: number, stop: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      if (this.#changes !== seen || stop.aborted) resolve();
    });
  }
}

/** The cursor moves before the read, so that a `resend` that comes meanwhile is not undone. */
async function takeChunk(source: Source): Promise<Buffer> {
  const offset = source.cursor;
  const length = Math.min(frameLimits.chunkBytes, source.bytes - offset);
  source.cursor += length;
  const data = await readPart(source.path, offset, length);
  return encodeChunkFrame(source.frame, { index: source.index, offset, data });
}

function heldOf(held: ResendFrame, source: Source): number {
  switch (source.frame) {
    case 'output':
      return source.index === outputIndex.stdout ? held.stdout : held.stderr;
    case 'bundle':
      return held.bundles[source.index] ?? 0;
    case 'artifact':
      return held.artifacts[source.index] ?? 0;
  }
}
