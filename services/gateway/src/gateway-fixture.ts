import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import type { Slot } from '@countersign/contracts/gateway-api.ts';
import { pino } from 'pino';
import { Client, type Dispatcher } from 'undici';
import { createGateway, type GatewayOverrides } from './create-gateway.ts';
import { FakeUpstream } from './fake-upstream.ts';

/** A running gateway on temporary folders before a fake model server, with one open slot. */
export type GatewayFixture = AsyncDisposable & {
  readonly upstream: FakeUpstream;
  readonly slotsFolder: string;
  readonly logsFolder: string;
  readonly slot: string;
  readonly slotSocket: string;
  /** What was logged, parsed line by line. */
  readonly logged: Record<string, unknown>[];
  control(method: Dispatcher.HttpMethod, path: string): Promise<{ status: number; body: unknown }>;
  /** One request of the sandbox, over a connection of its own. */
  ask(path: string, body?: unknown, options?: { headers?: Record<string, string> }): Promise<SlotAnswer>;
  /** Writes raw bytes to the slot's socket and reads until the gateway closes. */
  raw(bytes: string): Promise<string>;
  usage(): Promise<Slot['tokens']>;
};

type SlotAnswer = { readonly status: number; readonly headers: Record<string, unknown>; readonly text: string };

export type FixtureOptions = {
  readonly model?: string;
  readonly origin?: string;
  readonly overrides?: GatewayOverrides;
};

export async function startGateway({
  model = 'coder:7b',
  origin,
  overrides,
}: FixtureOptions = {}): Promise<GatewayFixture> {
  const upstream = await FakeUpstream.start();
  const folder = await mkdtemp(join(tmpdir(), 'gateway-'));
  const slot = randomBytes(16).toString('hex');
  const slotsFolder = join(folder, 'slots');
  const logsFolder = join(folder, 'logs');
  const socketPath = join(folder, 'gateway.sock');
  await mkdir(join(slotsFolder, slot), { recursive: true });
  await mkdir(logsFolder);
  const logged: Record<string, unknown>[] = [];
  const lines = new Writable({
    write(chunk, _encoding, done) {
      logged.push(JSON.parse(String(chunk)));
      done();
    },
  });
  const gateway = await createGateway(
    {
      slotsFolder,
      socketPath,
      logsFolder,
      logLevel: 'info',
      allowLoopbackUpstream: true,
      upstream: { kind: 'own', origin: origin ?? upstream.origin, model },
    },
    { logger: pino(lines), ...overrides },
  );
  const slotSocket = join(slotsFolder, slot, 'ollama.sock');
  const control = async (method: Dispatcher.HttpMethod, path: string) => {
    const { status, text } = await send(socketPath, { method, path });
    return { status, body: text === '' ? null : JSON.parse(text) };
  };
  await control('PUT', `/slots/${slot}`);
  return {
    upstream,
    slotsFolder,
    logsFolder,
    slot,
    slotSocket,
    logged,
    control,
    ask: (path, body, options) =>
      send(slotSocket, {
        path,
        method: body === undefined ? 'GET' : 'POST',
        body: body === undefined || typeof body === 'string' ? (body ?? null) : JSON.stringify(body),
        headers: options?.headers ?? {},
      }),
    raw: (bytes) => sendRaw(slotSocket, bytes),
    usage: async () => ((await control('GET', `/slots/${slot}`)).body as Slot).tokens,
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
}

async function send(socketPath: string, options: Dispatcher.RequestOptions): Promise<SlotAnswer> {
  const client = new Client('http://gateway', { socketPath });
  try {
    const { statusCode, headers, body } = await client.request(options);
    return { status: statusCode, headers, text: await body.text() };
  } finally {
    await client.destroy();
  }
}

function sendRaw(socketPath: string, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = createConnection(socketPath, () => socket.write(bytes, 'latin1'));
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')));
  });
}

export const chat = { model: 'coder:7b', messages: [{ role: 'user', content: 'the prompt' }] };

/** Resolves when `condition` holds; the test's own timeout is the bound. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 5));
}
