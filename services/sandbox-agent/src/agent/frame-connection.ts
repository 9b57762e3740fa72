import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type Frame, FrameDecoder } from '@countersign/contracts/frame-codec.ts';

/** One connection to the runner. Sending waits while the other side does not read; what is buffered is one frame. */
export class FrameConnection {
  readonly #socket: Socket;
  readonly #closed = new AbortController();

  constructor(socket: Socket) {
    this.#socket = socket;
    // An error is always followed by `close`, which is what everything here waits for.
    socket.on('error', () => undefined);
    socket.once('close', () => this.#closed.abort());
  }

  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  /** The frames in order, until the other side ends. @throws FrameError when it breaks the protocol */
  async *frames(): AsyncGenerator<Frame> {
    const decoder = new FrameDecoder('sandbox');
    for await (const data of this.#socket) yield* decoder.push(data as Buffer);
  }

  /** @throws Error (AbortError) when the connection is gone */
  async send(frame: Buffer): Promise<void> {
    this.#closed.signal.throwIfAborted();
    if (!this.#socket.write(frame)) await once(this.#socket, 'drain', { signal: this.#closed.signal });
  }

  /** A silence of so many milliseconds closes the connection; 0 takes the limit away. */
  limitSilence(limitMs: number): void {
    this.#socket.setTimeout(limitMs, () => this.close());
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** @returns undefined when nobody listens there */
export async function connectTo(path: string, stop: AbortSignal): Promise<FrameConnection | undefined> {
  const socket = connect({ path });
  try {
    await once(socket, 'connect', { signal: stop });
    return new FrameConnection(socket);
  } catch {
    socket.destroy();
    return undefined;
  }
}
