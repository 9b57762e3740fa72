import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import {
  decodeChunk,
  decodeJson,
  encodeChunkFrame,
  encodeJsonFrame,
  type Frame,
  FrameDecoder,
} from '@countersign/contracts/frame-codec.ts';
import {
  EndFrame,
  HelloFrame,
  type ResendFrame,
  type TaskFrame,
  type TextFrame,
} from '@countersign/contracts/frames.ts';

/** The runner's end of a slot, for tests: a real unix socket that speaks the protocol by hand. */
export class RunnerDouble {
  readonly #server: Server;
  readonly #waiting: Socket[] = [];

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket) => {
      socket.pause();
      this.#waiting.push(socket);
      server.emit('taken');
    });
  }

  static async listen(path: string): Promise<RunnerDouble> {
    const server = createServer();
    server.listen(path);
    await once(server, 'listening');
    return new RunnerDouble(server);
  }

  async accept(): Promise<RunnerLink> {
    while (this.#waiting.length === 0) await once(this.#server, 'taken');
    const socket = this.#waiting.shift();
    if (socket === undefined) throw new Error('nobody connected');
    return new RunnerLink(socket);
  }

  close(): void {
    for (const socket of this.#waiting) socket.destroy();
    this.#server.close();
  }
}

export type Received = {
  stdout: Buffer;
  stderr: Buffer;
  bundles: Buffer[];
  artifacts: Buffer[];
  texts: Partial<Record<'summary' | 'handoff' | 'plan', string>>;
  progress: string[];
  end: EndFrame;
};

/** One connection as the runner has it. */
export class RunnerLink {
  readonly socket: Socket;
  readonly #frames: AsyncGenerator<Frame>;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => undefined);
    this.#frames = framesOf(socket);
  }

  /** @returns undefined when the sandbox closed the connection */
  async next(): Promise<Frame | undefined> {
    const { value, done } = await this.#frames.next();
    return done ? undefined : value;
  }

  async hello(): Promise<HelloFrame> {
    const frame = await this.next();
    if (frame?.name !== 'hello') throw new Error(`expected hello, got ${frame?.name}`);
    return decodeJson(frame.payload, HelloFrame);
  }

  send(name: 'task' | 'text' | 'stop' | 'ack' | 'resend', value: unknown): void {
    this.socket.write(encodeJsonFrame(name, value));
  }

  sendPack(index: number, offset: number, data: Buffer): void {
    this.socket.write(encodeChunkFrame('pack', { index, offset, data }));
  }

  sendTask(frame: TaskFrame, texts: readonly TextFrame[], packs: readonly Buffer[]): void {
    this.send('task', frame);
    for (const text of texts) this.send('text', text);
    for (const [index, pack] of packs.entries()) this.sendPack(index, 0, pack);
  }

  /** Everything up to `end`, put together by the offsets of the chunks. */
  async receive(): Promise<Received> {
    const blobs = new Map<string, Buffer[]>();
    const next = new Map<string, number>();
    const texts: Received['texts'] = {};
    const progress: string[] = [];
    for (;;) {
      const frame = await this.next();
      if (frame === undefined) throw new Error('the connection ended before the end frame');
      switch (frame.name) {
        case 'output':
        case 'bundle':
        case 'artifact': {
          const { index, offset, data } = decodeChunk(frame.payload);
          const key = `${frame.name} ${index}`;
          const expected = next.get(key) ?? offset;
          if (offset !== expected) throw new Error(`${key}: ${offset} came, ${expected} was next`);
          next.set(key, offset + data.length);
          blobs.set(key, [...(blobs.get(key) ?? []), Buffer.from(data)]);
          break;
        }
        case 'summary':
        case 'handoff':
        case 'plan':
          texts[frame.name] = frame.payload.toString('utf8');
          break;
        case 'progress':
          progress.push(frame.payload.toString('utf8'));
          break;
        case 'end': {
          const end = decodeJson(frame.payload, EndFrame);
          const blob = (key: string) => Buffer.concat(blobs.get(key) ?? []);
          return {
            stdout: blob('output 0'),
            stderr: blob('output 1'),
            bundles: end.bundles.map(({ repository }) => blob(`bundle ${repository}`)),
            artifacts: end.artifacts.map((_, index) => blob(`artifact ${index}`)),
            texts,
            progress,
            end,
          };
        }
        default:
          throw new Error(`unexpected ${frame.name}`);
      }
    }
  }

  close(): void {
    this.socket.destroy();
  }
}

async function* framesOf(socket: Socket): AsyncGenerator<Frame> {
  const decoder = new FrameDecoder('runner');
  try {
    for await (const data of socket) yield* decoder.push(data as Buffer);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
  }
}

export function sha256(data: Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}

export const nothingHeld: Omit<ResendFrame, 'task'> = { stdout: 0, stderr: 0, bundles: [], artifacts: [] };
