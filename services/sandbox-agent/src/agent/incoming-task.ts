import { createHash, type Hash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeChunk, FrameError } from '@countersign/contracts/frame-codec.ts';
import type { TaskFrame, TextFrame } from '@countersign/contracts/frames.ts';

/** A whole task as it came: its packs in files, verified, and its texts. */
export type ReceivedTask = {
  readonly frame: TaskFrame;
  readonly texts: ReadonlyMap<TextFrame['name'], string>;
  readonly packs: readonly string[];
  /** Why the packs could not be kept, when the file system had no room for them. */
  readonly problem: string | undefined;
};

type Pack = { path: string; file: FileHandle; hash: Hash; received: number; bytes: number; sha256: string };

/** A task of which not everything has come yet. It belongs to its connection: when that is cut, it is dropped. */
export class IncomingTask {
  readonly frame: TaskFrame;
  readonly #texts = new Map<TextFrame['name'], string>();
  readonly #packs: Pack[];
  #problem: string | undefined;

  private constructor(frame: TaskFrame, packs: Pack[]) {
    this.frame = frame;
    this.#packs = packs;
  }

  /** @param folder an empty one for the packs */
  static async open(frame: TaskFrame, folder: string): Promise<IncomingTask> {
    const names = new Set(frame.repositories.map(({ name }) => name));
    if (names.size !== frame.repositories.length) throw new FrameError('bad-shape', 'two repositories of one name');
    const packs: Pack[] = [];
    for (const [index, { pack }] of frame.repositories.entries()) {
      const path = join(folder, `${index}.pack`);
      packs.push({ path, file: await open(path, 'w', 0o600), hash: createHash('sha256'), received: 0, ...pack });
    }
    return new IncomingTask(frame, packs);
  }

  takeText({ name, text }: TextFrame): void {
    if (this.#texts.has(name) || this.#texts.size >= this.frame.texts)
      throw new FrameError('bad-shape', `the text ${name} was not announced`);
    this.#texts.set(name, text);
  }

  /** @throws FrameError when a chunk is not the next one of a pack that was announced */
  async takePack(payload: Buffer): Promise<void> {
    const { index, offset, data } = decodeChunk(payload);
    const pack = this.#packs[index];
    if (pack === undefined) throw new FrameError('bad-chunk', 'a pack of no repository');
    if (offset !== pack.received || offset + data.length > pack.bytes)
      throw new FrameError('bad-chunk', 'a pack that does not come in order, or is too long');
    pack.hash.update(data);
    pack.received += data.length;
    // Without room the rest is still taken, so that the runner hears of it in an `end` and not by silence.
    if (this.#problem === undefined) await this.#write(pack, data);
  }

  async #write(pack: Pack, data: Buffer): Promise<void> {
    try {
      await pack.file.writeFile(data);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
      this.#problem = 'the packs of the repositories do not fit into the sandbox';
    }
  }

  /** The whole task, once all of it is there. @throws FrameError when a pack is not the announced one */
  async complete(): Promise<ReceivedTask | undefined> {
    if (this.#texts.size < this.frame.texts) return undefined;
    if (this.#packs.some((pack) => pack.received < pack.bytes)) return undefined;
    for (const pack of this.#packs) {
      if (pack.hash.copy().digest('hex') !== pack.sha256) throw new FrameError('bad-chunk', 'a pack of another digest');
    }
    await this.close();
    const packs = this.#packs.map(({ path }) => path);
    return { frame: this.frame, texts: this.#texts, packs, problem: this.#problem };
  }

  async close(): Promise<void> {
    for (const { file } of this.#packs) await file.close();
  }
}
