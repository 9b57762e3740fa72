import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import {
  decodeChunk,
  decodeJson,
  encodeChunkFrame,
  encodeFrame,
  encodeJsonFrame,
  type Frame,
  FrameDecoder,
} from '@countersign/contracts/frame-codec.ts';
import {
  type EndFrame,
  type FrameName,
  type HelloFrame,
  ResendFrame,
  TaskFrame,
  TextFrame,
} from '@countersign/contracts/frames.ts';
import { sha256 } from '@countersign/kit/digest.ts';

/** One connection of a sandbox that does what its test tells it to, and nothing by itself. */
export class FakeSandbox {
  readonly #socket: Socket;
  readonly #frames: AsyncGenerator<Frame>;
  /** Resolves when the runner, or the test, has ended the connection. */
  readonly closed: Promise<void>;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#frames = readFrames(socket);
    socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()));
  }

  static async connect(slots: string, slot: string): Promise<FakeSandbox> {
    const socket = connect(join(slots, slot, 'control.sock'));
    await once(socket, 'connect');
    return new FakeSandbox(socket);
  }

  /** Connects and says hello. */
  static async greet(
    slots: string,
    slot: string,
    state: HelloFrame['state'] = 'idle',
    task: string | null = null,
  ): Promise<FakeSandbox> {
    const sandbox = await FakeSandbox.connect(slots, slot);
    sandbox.say('hello', { protocol: 1, state, task });
    return sandbox;
  }

  say(name: FrameName, value: unknown): void {
    this.raw(encodeJsonFrame(name, value));
  }

  text(name: 'summary' | 'handoff' | 'plan', text: string): void {
    this.raw(encodeFrame(name, Buffer.from(text)));
  }

  /** Sends a part of a stream, by default all of it from `offset` on. */
  chunk(name: 'output' | 'bundle' | 'artifact', index: number, data: Buffer, offset = 0, end = data.length): void {
    this.raw(encodeChunkFrame(name, { index, offset, data: data.subarray(offset, end) }));
  }

  raw(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  /** The runner's next frame. @throws Error when the connection ends instead */
  async next(): Promise<Frame> {
    const result = await this.#frames.next();
    if (result.done === true) throw new Error('the runner closed the connection');
    return result.value;
  }

  async nextNamed(name: FrameName): Promise<Buffer> {
    const frame = await this.next();
    if (frame.name !== name) throw new Error(`a ${frame.name} frame where ${name} was due`);
    return frame.payload;
  }

  /** Takes a whole assignment. */
  async takeTask(): Promise<{ task: TaskFrame; texts: TextFrame[]; packs: Buffer[] }> {
    const task = decodeJson(await this.nextNamed('task'), TaskFrame);
    const texts: TextFrame[] = [];
    while (texts.length < task.texts) texts.push(decodeJson(await this.nextNamed('text'), TextFrame));
    const packs: Buffer[] = [];
    for (const { pack } of task.repositories) {
      let bytes = Buffer.alloc(0);
      while (bytes.length < pack.bytes) bytes = Buffer.concat([bytes, decodeChunk(await this.nextNamed('pack')).data]);
      packs.push(bytes);
    }
    return { task, texts, packs };
  }

  async nextResend(): Promise<ResendFrame> {
    return decodeJson(await this.nextNamed('resend'), ResendFrame);
  }

  hangUp(): void {
    this.#socket.destroy();
  }
}

async function* readFrames(socket: Socket): AsyncGenerator<Frame> {
  const decoder = new FrameDecoder('sandbox');
  try {
    for await (const data of socket) yield* decoder.push(data as Buffer);
  } catch {
    // A connection that broke off has ended, as far as a test is concerned.
  }
}

/** The `end` of a tool that finished well and left these bytes. */
export function endOf(
  task: string,
  parts: { stdout?: Buffer; bundle?: Buffer; artifacts?: readonly Buffer[] } = {},
): EndFrame {
  const blob = (data: Buffer) => ({ bytes: data.length, sha256: sha256(data) });
  const none = Buffer.alloc(0);
  return {
    task,
    exit_code: 0,
    reason: 'finished',
    message: 'finished',
    tokens: { prompt: 1, completion: 2, requests: 3 },
    stdout: { ...blob(parts.stdout ?? none), dropped: 0 },
    stderr: { ...blob(none), dropped: 0 },
    bundles: parts.bundle === undefined ? [] : [{ repository: 0, head: 'b'.repeat(40), ...blob(parts.bundle) }],
    artifacts: (parts.artifacts ?? []).map(blob),
  };
}
