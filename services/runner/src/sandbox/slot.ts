import { randomBytes } from 'node:crypto';
import { chmod, mkdir, rm, unlink } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { decodeJson, type Frame, FrameDecoder, FrameError } from '@countersign/contracts/frame-codec.ts';
import { HelloFrame } from '@countersign/contracts/frames.ts';
import { sandboxLimits } from '@countersign/contracts/limits.ts';
import type { SlotId } from '@countersign/contracts/names.ts';
import { isMissing } from '@countersign/kit/files.ts';

/** More than a sandbox needs; what it opens beyond them is closed at once, so that it cannot use up the runner's handles. */
const maximumConnections = 4;

/** A sandbox's connection broke off. It may come again, and goes on then. */
export class ConnectionLostError extends Error {
  readonly code = 'connection-lost';
}

/** One connection of a sandbox that has said hello. */
export class Connection {
  readonly hello: HelloFrame;
  /**
   * What comes after `hello`; ends with the connection. Throws FrameError when the sandbox breaks the protocol, and
   * ConnectionLostError when the connection breaks off in the middle of a frame's reading.
   */
  readonly frames: AsyncGenerator<Frame>;
  readonly #socket: Socket;

  constructor(socket: Socket, hello: HelloFrame, frames: AsyncGenerator<Frame>) {
    this.#socket = socket;
    this.hello = hello;
    this.frames = frames;
  }

  get isOpen(): boolean {
    return this.#socket.readable && this.#socket.writable && !this.#socket.destroyed;
  }

  /**
   * Resolves when there is room for more, so that a sandbox that does not read holds its writer up and nobody else.
   * @throws ConnectionLostError
   */
  send(frame: Buffer): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#socket.write(frame, (cause) => (cause == null ? resolve() : reject(lost(cause))));
    });
  }

  close(): void {
    this.#socket.destroy();
  }
}

/**
 * The runner's end of a slot: a folder with an unguessable name whose `control.sock` only the sandbox that was given this slot
 * can reach. Invariant: at most one connection counts, the newest that said hello; an older one is closed.
 */
export class Slot implements AsyncDisposable {
  readonly id: SlotId;
  readonly #folder: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #newest: Connection | null = null;
  #isHandedOut = false;
  #arrived = Promise.withResolvers<void>();

  private constructor(id: SlotId, folder: string) {
    this.id = id;
    this.#folder = folder;
    this.#server = createServer((socket) => void this.#greet(socket));
    this.#server.maxConnections = maximumConnections;
  }

  /** Makes the folder, or takes over the one of a runner before us, and listens. */
  static async open(slots: string, id: SlotId = newSlotId()): Promise<Slot> {
    const folder = join(slots, id);
    await mkdir(folder, { recursive: true });
    // The sandbox is another user: it may pass through and connect, nothing more. The folder's name is what keeps others out.
    await chmod(folder, 0o711);
    const slot = new Slot(id, folder);
    const path = join(folder, 'control.sock');
    await unlink(path).catch((error: unknown) => {
      if (!isMissing(error)) throw error;
    });
    await new Promise<void>((resolve, reject) => {
      slot.#server.once('error', reject);
      slot.#server.listen(path, resolve);
    });
    await chmod(path, 0o666);
    return slot;
  }

  /** The newest connection, once there is one that was not handed out yet. Rejects when the signal is aborted. */
  async nextConnection(signal: AbortSignal): Promise<Connection> {
    const connection = await this.#arrival(signal);
    this.#isHandedOut = true;
    return connection;
  }

  async #arrival(signal: AbortSignal): Promise<Connection> {
    for (;;) {
      signal.throwIfAborted();
      if (this.#newest !== null && !this.#isHandedOut && this.#newest.isOpen) return this.#newest;
      const aborted = Promise.withResolvers<never>();
      const abort = () => aborted.reject(signal.reason);
      signal.addEventListener('abort', abort, { once: true });
      try {
        await Promise.race([this.#arrived.promise, aborted.promise]);
      } finally {
        signal.removeEventListener('abort', abort);
      }
    }
  }

  /** Resolves when a sandbox has said hello and waits. @throws Error when none does in time, or the signal is aborted */
  async greeted(signal: AbortSignal): Promise<void> {
    const deadline = AbortSignal.timeout(sandboxLimits.helloMs);
    await this.#arrival(AbortSignal.any([deadline, signal])).catch((cause: unknown) => {
      signal.throwIfAborted();
      throw new Error(`the sandbox did not say hello within ${sandboxLimits.helloMs} ms`, { cause });
    });
  }

  /** Ends the connection that counts; the sandbox comes again and goes on from what is here. */
  hangUp(): void {
    this.#newest?.close();
  }

  /** True while a sandbox waits here for its first task. */
  get isGreeted(): boolean {
    return !this.#isHandedOut && (this.#newest?.isOpen ?? false);
  }

  async #greet(socket: Socket): Promise<void> {
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#sockets.delete(socket));
    const late = setTimeout(() => socket.destroy(), sandboxLimits.helloMs);
    try {
      const frames = readFrames(socket);
      const first = await frames.next();
      if (first.done === true) return;
      if (first.value.name !== 'hello') throw new FrameError('bad-shape', 'the first frame must be hello');
      const connection = new Connection(socket, decodeJson(first.value.payload, HelloFrame), frames);
      // A sandbox connects anew when it has lost its connection. While one is open, another comes from something that runs in
      // there beside the agent: it could speak in the agent's place.
      if (this.#newest?.isOpen === true) {
        connection.close();
        return;
      }
      this.#newest = connection;
      this.#isHandedOut = false;
      this.#arrived.resolve();
      this.#arrived = Promise.withResolvers();
    } catch {
      socket.destroy();
    } finally {
      clearTimeout(late);
    }
  }

  /** Stops listening and removes the folder: the slot has served. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** Stops listening and leaves the folder, so that the next runner can adopt the sandbox. */
  async leave(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}

async function* readFrames(socket: Socket): AsyncGenerator<Frame> {
  const decoder = new FrameDecoder('runner');
  const pieces = socket.iterator({ destroyOnReturn: false });
  try {
    for await (const data of pieces) yield* decoder.push(data as Buffer);
  } catch (error) {
    throw error instanceof FrameError ? error : lost(error);
  }
}

function lost(cause: unknown): ConnectionLostError {
  return new ConnectionLostError('the connection to the sandbox broke off', { cause });
}

/** 128 random bits. */
export function newSlotId(): SlotId {
  return randomBytes(16).toString('hex');
}
