import { expect, test } from 'vitest';
import {
  decodeChunk,
  decodeJson,
  encodeChunkFrame,
  encodeFrame,
  encodeJsonFrame,
  type Frame,
  FrameDecoder,
  FrameError,
} from './frame-codec.ts';
import { type FrameName, framePayloadLimits, frameTypes, HelloFrame, ProgressFrame } from './frames.ts';

const names = Object.keys(frameTypes) as FrameName[];
const outbound = names.filter((name) => frameTypes[name] >= 0x80);
const hello = { protocol: 1, state: 'idle', task: null };

function header(length: number, type: number): Buffer {
  const bytes = Buffer.alloc(5);
  bytes.writeUInt32BE(length);
  bytes.writeUInt8(type, 4);
  return bytes;
}

function failure(action: () => unknown): FrameError {
  try {
    action();
  } catch (error) {
    if (error instanceof FrameError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

/** A small generator with a seed, so that a failure can be repeated (mulberry32). */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

test('frames come out as they went in, byte by byte as well as all at once', () => {
  const frames = [
    encodeJsonFrame('hello', hello),
    encodeFrame('plan', Buffer.alloc(0)),
    encodeChunkFrame('output', { index: 1, offset: 5_000_000_000, data: Buffer.from('ü\0') }),
    encodeFrame('summary', Buffer.alloc(0)),
  ];
  const stream = Buffer.concat(frames);
  const once = [...new FrameDecoder('runner').push(stream)];
  const decoder = new FrameDecoder('runner');
  const slowly: Frame[] = [];
  for (const byte of stream) slowly.push(...decoder.push(Buffer.of(byte)));

  expect(slowly).toEqual(once);
  expect(once.map(({ name }) => name)).toEqual(['hello', 'plan', 'output', 'summary']);
  expect(decodeJson(once[0]?.payload ?? Buffer.alloc(0), HelloFrame)).toEqual(hello);
  expect(decodeChunk(once[2]?.payload ?? Buffer.alloc(0))).toEqual({
    index: 1,
    offset: 5_000_000_000,
    data: Buffer.from('ü\0'),
  });
});

test('an empty frame is delivered without waiting for what follows it', () => {
  const decoder = new FrameDecoder('runner');
  expect([...decoder.push(header(0, frameTypes.plan).subarray(0, 4))]).toEqual([]);
  expect([...decoder.push(header(0, frameTypes.plan).subarray(4))]).toHaveLength(1);
  expect([...decoder.push(Buffer.alloc(0))]).toEqual([]);
});

test.each(names)('a %s frame holds its limit and not a byte more', (name) => {
  const limit = framePayloadLimits[name];
  const receiver = frameTypes[name] >= 0x80 ? 'runner' : 'sandbox';
  expect([...new FrameDecoder(receiver).push(encodeFrame(name, Buffer.alloc(limit)))][0]?.payload).toHaveLength(limit);
  expect(() => encodeFrame(name, Buffer.alloc(limit + 1))).toThrow(RangeError);
  expect(failure(() => [...new FrameDecoder(receiver).push(header(limit + 1, frameTypes[name]))]).code).toBe(
    'too-large',
  );
});

test.each(names)('a %s frame is refused by the side that sends it, from its header alone', (name) => {
  const sender = frameTypes[name] >= 0x80 ? 'sandbox' : 'runner';
  expect(failure(() => [...new FrameDecoder(sender).push(header(0, frameTypes[name]))]).code).toBe('wrong-direction');
});

test('every type that does not exist is refused, whatever length it announces', () => {
  const known = new Set<number>(Object.values(frameTypes));
  for (let type = 0; type < 256; type += 1) {
    if (known.has(type)) continue;
    expect(failure(() => [...new FrameDecoder('runner').push(header(0xffffffff, type))]).code).toBe('unknown-type');
  }
});

test('a stream that broke the protocol stays broken', () => {
  const decoder = new FrameDecoder('runner');
  expect(failure(() => [...decoder.push(header(0, 0x7f))]).code).toBe('unknown-type');
  expect(failure(() => [...decoder.push(encodeJsonFrame('hello', hello))]).code).toBe('unknown-type');
});

test('frames before a bad one are delivered', () => {
  const received: Frame[] = [];
  const stream = Buffer.concat([encodeJsonFrame('hello', hello), header(0, 0x7f)]);
  failure(() => {
    for (const frame of new FrameDecoder('runner').push(stream)) received.push(frame);
  });
  expect(received.map(({ name }) => name)).toEqual(['hello']);
});

test('a frame that comes in single bytes is held in one buffer', () => {
  const size = framePayloadLimits.bundle;
  const decoder = new FrameDecoder('runner');
  const one = Buffer.of(7);
  Array.from(decoder.push(header(size, frameTypes.bundle)));
  const before = process.memoryUsage();
  for (let sent = 1; sent < size; sent += 1) Array.from(decoder.push(one));
  const after = process.memoryUsage();
  expect(after.external - before.external).toBeLessThan(16 * 1024 * 1024);
  expect([...decoder.push(one)][0]?.payload.equals(Buffer.alloc(size, 7))).toBe(true);
});

const rounds = 100_000;

test(`of ${rounds} streams, random, cut anywhere and damaged, each ends in frames or in a FrameError, and in nothing else`, () => {
  let refused = 0;
  const residentMb = process.memoryUsage.rss() / 1024 ** 2;
  for (let seed = 1; seed <= rounds; seed += 1) {
    const random = randomFrom(seed);
    const stream = Buffer.concat(
      Array.from({ length: 1 + random(6) }, () => {
        const name = outbound[random(outbound.length)] ?? 'hello';
        return encodeFrame(name, Buffer.alloc(random(300), random(256)));
      }),
    );
    const damaged = Buffer.from(stream);
    for (let hits = random(4); hits > 0; hits -= 1) damaged[random(damaged.length)] = random(256);
    const decoder = new FrameDecoder('runner');
    try {
      for (let position = 0; position < damaged.length; ) {
        const next = position + 1 + random(64);
        for (const { name, payload } of decoder.push(damaged.subarray(position, next))) {
          expect(payload.length).toBeLessThanOrEqual(framePayloadLimits[name]);
          if (name === 'output' || name === 'bundle' || name === 'artifact') decodeChunk(payload);
          if (name === 'progress') decodeJson(payload, ProgressFrame);
        }
        position = next;
      }
    } catch (error) {
      expect(error).toBeInstanceOf(FrameError);
      refused += 1;
    }
  }
  expect(refused).toBeGreaterThan(rounds / 20);
  expect(refused).toBeLessThan(rounds);
  expect(process.memoryUsage.rss() / 1024 ** 2 - residentMb).toBeLessThan(150);
}, 600_000);

test('JSON that is none, and JSON of another shape', () => {
  expect(failure(() => decodeJson(Buffer.from('{'), HelloFrame)).code).toBe('not-json');
  expect(failure(() => decodeJson(Buffer.from('{}'), HelloFrame)).code).toBe('bad-shape');
  expect(
    failure(() => decodeJson(Buffer.from('{"protocol":1,"state":"idle","task":null,"x":1}'), HelloFrame)).code,
  ).toBe('bad-shape');
  expect(
    failure(() => decodeJson(Buffer.from('{"protocol":1,"state":"idle","task":null,"__proto__":{}}'), HelloFrame)).code,
  ).toBe('bad-shape');
});

test('a chunk without its header, and one at an impossible offset', () => {
  expect(failure(() => decodeChunk(Buffer.alloc(9))).code).toBe('bad-chunk');
  expect(failure(() => decodeChunk(Buffer.alloc(10, 0xff))).code).toBe('bad-chunk');
});
