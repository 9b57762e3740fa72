import { constants } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Chunk, decodeChunk, decodeJson, type Frame, FrameError } from '@countersign/contracts/frame-codec.ts';
import {
  EndFrame,
  outputIndex,
  ProgressFrame,
  type ResendFrame,
  type TaskFrame,
  type TaskMode,
} from '@countersign/contracts/frames.ts';
import { frameLimits, resultLimits } from '@countersign/contracts/limits.ts';
import { sha256OfFile } from '@countersign/kit/digest.ts';
import { isMissing } from '@countersign/kit/files.ts';

/** Where the files of an attempt are collected, by their role. */
export type ReceivedFiles = { readonly folder: string; readonly stdout: string; readonly stderr: string };

type Expected = { readonly path: string; readonly bytes: number; readonly sha256: string };

/**
 * Collects what a sandbox sends into files whose names are ours. Invariant: a file holds exactly the first n bytes of its
 * stream, so that after any interruption n is what to ask on from.
 */
export class Receiver implements AsyncDisposable {
  readonly #task: TaskFrame;
  readonly #files: ReceivedFiles;
  readonly #handles = new Map<string, { handle: FileHandle; size: number }>();
  summary: string | null = null;
  handoff: string | null = null;
  plan: string | null = null;

  constructor(task: TaskFrame, files: ReceivedFiles) {
    this.#task = task;
    this.#files = files;
  }

  /**
   * Takes one frame. Returns the `end` frame when this was it, a line to show for a `progress`, and for an `output` the bytes of
   * both streams by now; what is beyond the task's budget of them is counted and not kept.
   * @throws FrameError when the frame is none that may come now
   */
  async take(frame: Frame): Promise<{ end?: EndFrame; progress?: string; output?: number }> {
    switch (frame.name) {
      case 'progress':
        return { progress: decodeJson(frame.payload, ProgressFrame).summary };
      case 'output': {
        const chunk = decodeChunk(frame.payload);
        const path = this.#outputPath(chunk);
        const { stdout, stderr } = this.#files;
        const output = (await this.#size(stdout)) + (await this.#size(stderr)) + chunk.data.length;
        const budget = this.#task.budget?.output_bytes ?? null;
        if (budget === null || output <= budget) await this.#append(path, chunk, this.#task.output_bytes);
        return { output };
      }
      case 'bundle': {
        this.#onlyIn(frame, 'run', 'rebase');
        const chunk = decodeChunk(frame.payload);
        if (chunk.index >= this.#task.repositories.length)
          throw new FrameError('bad-chunk', 'a bundle of an unknown repository');
        await this.#append(this.bundlePath(chunk.index), chunk, resultLimits.bundleBytes);
        return {};
      }
      case 'artifact': {
        this.#onlyIn(frame, 'run');
        const chunk = decodeChunk(frame.payload);
        if (chunk.index >= frameLimits.artifacts) throw new FrameError('bad-chunk', 'an artifact too many');
        await this.#append(this.artifactPath(chunk.index), chunk, resultLimits.artifactBytes);
        return {};
      }
      case 'summary':
        this.#onlyIn(frame, 'run', 'plan');
        this.summary = decodeText(frame);
        return {};
      case 'handoff':
        this.#onlyIn(frame, 'run', 'plan');
        this.handoff = decodeText(frame);
        return {};
      case 'plan':
        this.#onlyIn(frame, 'plan');
        this.plan = decodeText(frame);
        return {};
      case 'end': {
        const end = decodeJson(frame.payload, EndFrame);
        if (end.task !== this.#task.task) throw new FrameError('bad-shape', 'the end of another task');
        if (end.bundles.length > 0) this.#onlyIn(frame, 'run', 'rebase');
        if (end.artifacts.length > 0) this.#onlyIn(frame, 'run');
        if (end.checks !== undefined) this.#onlyIn(frame, 'verify');
        return { end };
      }
      case 'task':
      case 'text':
      case 'pack':
      case 'stop':
      case 'ack':
      case 'resend':
      case 'hello':
        throw new FrameError('bad-shape', `a ${frame.name} frame may not come here`);
    }
  }

  /** What a mode does not bring is not taken: a planner hands over a plan alone, a verifier how its conditions ended. */
  #onlyIn(frame: Frame, ...modes: readonly TaskMode[]): void {
    const { mode } = this.#task;
    if (!modes.includes(mode)) throw new FrameError('bad-shape', `a ${frame.name} frame in mode ${mode}`);
  }

  bundlePath(index: number): string {
    return join(this.#files.folder, `bundle-${index}`);
  }

  artifactPath(index: number): string {
    return join(this.#files.folder, `artifact-${index}`);
  }

  /** What is here already, for a `resend` frame. */
  async held(): Promise<ResendFrame> {
    const sizes = (paths: string[]) => Promise.all(paths.map((path) => this.#size(path)));
    const bundles = this.#task.repositories.map((_repository, index) => this.bundlePath(index));
    const artifacts = Array.from({ length: frameLimits.artifacts }, (_, index) => this.artifactPath(index));
    return {
      task: this.#task.task,
      stdout: await this.#size(this.#files.stdout),
      stderr: await this.#size(this.#files.stderr),
      bundles: await sizes(bundles),
      artifacts: await sizes(artifacts),
    };
  }

  /**
   * Compares what came with what `end` announces. A file with other bytes is emptied, so that `held` asks for all of it;
   * one that is too short stays and is asked on. Returns whether everything is here.
   */
  async isComplete(end: EndFrame): Promise<boolean> {
    const expected: Expected[] = [
      { path: this.#files.stdout, ...end.stdout },
      { path: this.#files.stderr, ...end.stderr },
      ...end.bundles.map((bundle) => ({ path: this.bundlePath(bundle.repository), ...bundle })),
      ...end.artifacts.map((artifact, index) => ({ path: this.artifactPath(index), ...artifact })),
    ];
    let complete = true;
    for (const { path, bytes, sha256 } of expected) {
      const { size } = await this.#open(path);
      if (size < bytes) complete = false;
      else if (size > bytes || (await sha256OfFile(path)) !== sha256) {
        await this.#empty(path);
        complete = false;
      }
    }
    if (complete) for (const { handle } of this.#handles.values()) await handle.sync();
    return complete;
  }

  #outputPath(chunk: Chunk): string {
    if (chunk.index === outputIndex.stdout) return this.#files.stdout;
    if (chunk.index === outputIndex.stderr) return this.#files.stderr;
    throw new FrameError('bad-chunk', 'an output stream that does not exist');
  }

  async #append(path: string, chunk: Chunk, limit: number): Promise<void> {
    const file = await this.#open(path);
    if (chunk.offset !== file.size)
      throw new FrameError('bad-chunk', `a chunk at ${chunk.offset} where ${file.size} is due`);
    if (file.size + chunk.data.length > limit) throw new FrameError('too-large', `more than ${limit} bytes`);
    while (file.size < chunk.offset + chunk.data.length) {
      const { bytesWritten } = await file.handle.write(chunk.data, file.size - chunk.offset, undefined, file.size);
      file.size += bytesWritten;
    }
  }

  async #open(path: string): Promise<{ handle: FileHandle; size: number }> {
    const known = this.#handles.get(path);
    if (known !== undefined) return known;
    const handle = await open(path, constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW, 0o640);
    const file = { handle, size: (await handle.stat()).size };
    this.#handles.set(path, file);
    return file;
  }

  async #size(path: string): Promise<number> {
    const known = this.#handles.get(path);
    if (known !== undefined) return known.size;
    const found = await stat(path).catch((error: unknown) => {
      if (isMissing(error)) return { size: 0 };
      throw error;
    });
    return found.size;
  }

  async #empty(path: string): Promise<void> {
    const file = await this.#open(path);
    await file.handle.truncate(0);
    file.size = 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { handle } of this.#handles.values()) await handle.close();
    this.#handles.clear();
  }
}

/** Bytes that are no UTF-8 would grow when they are written down, beyond what the frame's own limit allowed. */
function decodeText(frame: Frame): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(frame.payload);
  } catch (cause) {
    throw new FrameError('bad-shape', `a ${frame.name} frame that is not UTF-8`, { cause });
  }
}
