import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { Slot } from '@countersign/contracts/gateway-api.ts';
import { pino } from 'pino';
import { Client, type Dispatcher } from 'undici';
import { createGateway, type GatewayOverrides } from './create-gateway.ts';
import { FakeUpstream } from './fake-upstream.ts';

/** A running gateway on temporary folders before a fake model server and a fake homeserver, with one open slot. */
export type GatewayFixture = AsyncDisposable & {
  readonly upstream: FakeUpstream;
  readonly homeserver: FakeUpstream;
  readonly doorSocket: string;
  readonly slotsFolder: string;
  readonly logsFolder: string;
  readonly slot: string;
  readonly slotSocket: string;
  /** What was logged, parsed line by line. */
  readonly logged: Record<string, unknown>[];
  control(method: Dispatcher.HttpMethod, path: string, body?: unknown): Promise<{ status: number; body: unknown }>;
  /** One request of the sandbox, over a connection of its own. */
  ask(path: string, body?: unknown, options?: { headers?: Record<string, string> }): Promise<SlotAnswer>;
  /** One request of the sandbox to its own Matrix; the target goes out as it is written. */
  room(method: string, target: string, options?: KnockOptions): Promise<SlotAnswer>;
  /** Writes raw bytes to the slot's socket and reads until the gateway closes. */
  raw(bytes: string): Promise<string>;
  /** One request of the listener, over a connection of its own; the target goes out as it is written. */
  knock(method: string, target: string, options?: KnockOptions): Promise<SlotAnswer>;
  /** As `raw`, at the door. */
  rawAtDoor(bytes: string): Promise<string>;
  usage(): Promise<Slot['tokens']>;
  /** Ends the gateway and starts one in its place, with another model where one is given; the slot is opened again, as the runner does. */
  restart(model?: string): Promise<void>;
};

type KnockOptions = { readonly body?: unknown; readonly headers?: Record<string, string> };

type SlotAnswer = { readonly status: number; readonly headers: Record<string, unknown>; readonly text: string };

export type FixtureOptions = {
  readonly model?: string;
  readonly origin?: string;
  readonly homeserverOrigin?: string;
  /** Both servers are those of the stack, not of the operator. */
  readonly embedded?: boolean;
  readonly allowedAddresses?: readonly string[];
  readonly overrides?: GatewayOverrides;
};

export async function startGateway({
  model = 'coder:7b',
  origin,
  homeserverOrigin,
  embedded = false,
  allowedAddresses = [],
  overrides,
}: FixtureOptions = {}): Promise<GatewayFixture> {
  const upstream = await FakeUpstream.start();
  const homeserver = await FakeUpstream.start();
  const folder = await mkdtemp(join(tmpdir(), 'gateway-'));
  const slot = randomBytes(16).toString('hex');
  const slotsFolder = join(folder, 'slots');
  const logsFolder = join(folder, 'logs');
  const socketPath = join(folder, 'gateway.sock');
  const doorSocket = join(folder, 'synapse.sock');
  await mkdir(join(slotsFolder, slot), { recursive: true });
  await mkdir(logsFolder);
  const logged: Record<string, unknown>[] = [];
  const lines = new Writable({
    write(chunk, _encoding, done) {
      logged.push(JSON.parse(String(chunk)));
      done();
    },
  });
  const make = (served: string) =>
    createGateway(
      {
        slotsFolder,
        socketPath,
        doorPath: doorSocket,
        logsFolder,
        logLevel: 'info',
        allowLoopbackUpstream: true,
        allowedAddresses,
        upstream: { kind: embedded ? 'ollama' : 'own', origin: origin ?? upstream.origin, model: served },
        homeserver: { kind: embedded ? 'embedded' : 'own', origin: homeserverOrigin ?? homeserver.origin },
      },
      { logger: pino(lines), ...overrides, limits: { resolveAgainMs: 0, ...overrides?.limits } },
    );
  let gateway = await make(model);
  const slotSocket = join(slotsFolder, slot, 'ollama.sock');
  const control = async (method: Dispatcher.HttpMethod, path: string, body?: unknown) => {
    const payload = typeof body === 'string' ? body : JSON.stringify(body);
    const json = payload === undefined ? {} : { body: payload, headers: { 'content-type': 'application/json' } };
    const answer = await send(socketPath, { method, path, ...json });
    return { status: answer.status, body: answer.text === '' ? null : JSON.parse(answer.text) };
  };
  await control('PUT', `/slots/${slot}`);
  return {
    upstream,
    homeserver,
    doorSocket,
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
    room: (method, target, options) => knock(join(slotsFolder, slot, 'synapse.sock'), method, target, options),
    raw: (bytes) => sendRaw(slotSocket, bytes),
    knock: (method, target, options) => knock(doorSocket, method, target, options),
    rawAtDoor: (bytes) => sendRaw(doorSocket, bytes),
    usage: async () => ((await control('GET', `/slots/${slot}`)).body as Slot).tokens,
    async restart(next = model) {
      await gateway[Symbol.asyncDispose]();
      gateway = await make(next);
      await control('PUT', `/slots/${slot}`);
    },
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
      await homeserver[Symbol.asyncDispose]();
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

/** Node's own client, for it sends a target as it is given. */
async function knock(
  socketPath: string,
  method: string,
  target: string,
  { body, headers = {} }: KnockOptions = {},
): Promise<SlotAnswer> {
  const payload = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  const length = payload === undefined ? {} : { 'content-length': String(Buffer.byteLength(payload)) };
  const sent = request({ socketPath, method, path: target, headers: { ...length, ...headers } });
  sent.end(payload);
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  return { status: answer.statusCode ?? 0, headers: answer.headers, text: await text(answer) };
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
