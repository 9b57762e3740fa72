import { chunkHeaderBytes, type FrameName, framePayloadLimits, frameTypes } from './frames.ts';

const headerBytes = 5;
const nameOf = new Map<number, FrameName>(Object.entries(frameTypes).map(([name, type]) => [type, name as FrameName]));

/** The peer broke the protocol; the connection is to be closed. */
export class FrameError extends Error {
  readonly code: 'unknown-type' | 'wrong-direction' | 'too-large' | 'not-json' | 'bad-shape' | 'bad-chunk';
  constructor(code: FrameError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'FrameError';
    this.code = code;
  }
}

export type Frame = { readonly name: FrameName; readonly payload: Buffer };
export type Chunk = { readonly index: number; readonly offset: number; readonly data: Buffer };
export type Receiver = 'runner' | 'sandbox';

/** One frame as it goes on the wire. @throws RangeError when the payload is larger than its type allows. */
export function encodeFrame(name: FrameName, payload: Uint8Array): Buffer {
  if (payload.length > framePayloadLimits[name])
    throw new RangeError(`a ${name} frame holds ${framePayloadLimits[name]} bytes`);
  const frame = Buffer.allocUnsafe(headerBytes + payload.length);
  frame.writeUInt32BE(payload.length, 0);
  frame.writeUInt8(frameTypes[name], 4);
  frame.set(payload, headerBytes);
  return frame;
}

export function encodeJsonFrame(name: FrameName, value: unknown): Buffer {
  return encodeFrame(name, Buffer.from(JSON.stringify(value)));
}

export function encodeChunkFrame(name: 'pack' | 'output' | 'bundle' | 'artifact', chunk: Chunk): Buffer {
  const payload = Buffer.allocUnsafe(chunkHeaderBytes + chunk.data.length);
  payload.writeUInt16BE(chunk.index, 0);
  payload.writeBigUInt64BE(BigInt(chunk.offset), 2);
  payload.set(chunk.data, chunkHeaderBytes);
  return encodeFrame(name, payload);
}

/** @throws FrameError when the header is cut or the offset is no safe integer. */
export function decodeChunk(payload: Buffer): Chunk {
  if (payload.length < chunkHeaderBytes) throw new FrameError('bad-chunk', 'a chunk without its header');
  const offset = payload.readBigUInt64BE(2);
  if (offset > BigInt(Number.MAX_SAFE_INTEGER)) throw new FrameError('bad-chunk', 'a chunk at an impossible offset');
  return { index: payload.readUInt16BE(0), offset: Number(offset), data: payload.subarray(chunkHeaderBytes) };
}

/**
 * Parses a JSON payload with the schema of its frame. @throws FrameError
 */
export function decodeJson<T>(
  payload: Buffer,
  schema: { safeParse(value: unknown): { success: true; data: T } | { success: false; error: Error } },
): T {
  let value: unknown;
  try {
    value = JSON.parse(payload.toString('utf8'));
  } catch (cause) {
    throw new FrameError('not-json', 'a frame that should hold JSON does not', { cause });
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new FrameError('bad-shape', parsed.error.message);
  return parsed.data;
}

/**
 * Cuts a byte stream into frames. It holds at most one frame, in one buffer of the announced length, however small the pieces
 * are in which it comes; a length is refused from its header, before any of the payload is kept.
 */
export class FrameDecoder {
  readonly #receiver: Receiver;
  readonly #header = Buffer.alloc(headerBytes);
  #headerFilled = 0;
  #body: { name: FrameName; payload: Buffer; filled: number } | null = null;

  constructor(receiver: Receiver) {
    this.#receiver = receiver;
  }

  /** @throws FrameError at the first frame that the receiver may not be sent, and again at every later push. */
  *push(data: Buffer): Generator<Frame> {
    let position = 0;
    while (position < data.length || this.#headerFilled === headerBytes) {
      if (this.#headerFilled < headerBytes) {
        const copied = data.copy(this.#header, this.#headerFilled, position);
        this.#headerFilled += copied;
        position += copied;
        if (this.#headerFilled < headerBytes) return;
      }
      this.#body ??= this.#admit(this.#header.readUInt8(4), this.#header.readUInt32BE(0));
      const { name, payload } = this.#body;
      const copied = data.copy(payload, this.#body.filled, position);
      this.#body.filled += copied;
      position += copied;
      if (this.#body.filled < payload.length) return;
      this.#headerFilled = 0;
      this.#body = null;
      yield { name, payload };
    }
  }

  #admit(type: number, length: number): { name: FrameName; payload: Buffer; filled: number } {
    const name = nameOf.get(type);
    if (name === undefined) throw new FrameError('unknown-type', `frame type ${type} does not exist`);
    const outbound = type >= 0x80;
    if (outbound !== (this.#receiver === 'runner'))
      throw new FrameError('wrong-direction', `a ${name} frame may not be sent here`);
    if (length > framePayloadLimits[name]) throw new FrameError('too-large', `a ${name} frame of ${length} bytes`);
    return { name, payload: Buffer.allocUnsafe(length), filled: 0 };
  }
}
