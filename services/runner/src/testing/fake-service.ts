import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { OpenSlot, type Slot } from '@countersign/contracts/gateway-api.ts';
import { Sandbox } from '@countersign/contracts/launcher-api.ts';
import { Room } from '@countersign/contracts/task-room.ts';
import { closeServer, listenOnSocket } from '@countersign/kit/socket-server.ts';
import { onTestFinished } from 'vitest';
import { FakeSandbox } from './fake-sandbox.ts';

type Answer = { readonly status: number; readonly body?: unknown };

async function serve(path: string, answer: (method: string, url: string, body: string) => Promise<Answer>) {
  const server = await listenOnSocket(
    (request, response) => {
      void (async () => {
        const { status, body } = await answer(request.method ?? '', request.url ?? '', await bodyOf(request));
        response.writeHead(status, { 'content-type': 'application/json' });
        response.end(body === undefined ? undefined : JSON.stringify(body));
      })();
    },
    path,
    0o600,
  );
  onTestFinished(() => closeServer(server));
  return server;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  request.setEncoding('utf8');
  request.on('data', (piece: string) => {
    text += piece;
  });
  await once(request, 'end');
  return text;
}

/** A launcher whose sandboxes are `FakeSandbox`es that say hello as soon as they are started. */
export const fakeImage = `sha256:${'0'.repeat(64)}`;

export class FakeLauncher {
  readonly socket: string;
  readonly sandboxes = new Map<string, Sandbox>();
  readonly connections = new Map<string, FakeSandbox>();
  readonly removed: string[] = [];
  /** While set, every request is answered so. */
  refusal: Answer | null = null;
  /** Whether a started sandbox says hello. */
  greets = true;
  readonly #slots: string;

  private constructor(socket: string, slots: string) {
    this.socket = socket;
    this.#slots = slots;
  }

  static async listen(folder: string, slots: string): Promise<FakeLauncher> {
    const launcher = new FakeLauncher(join(folder, 'launcher.sock'), slots);
    await serve(launcher.socket, (method, url, body) => launcher.#answer(method, url, body));
    onTestFinished(() => {
      for (const connection of launcher.connections.values()) connection.hangUp();
    });
    return launcher;
  }

  /** A sandbox that somebody else started. */
  add(id: string, state: Sandbox['state'] = 'running'): void {
    this.sandboxes.set(id, sandbox(id, 'default', state));
  }

  async #answer(method: string, url: string, body: string): Promise<Answer> {
    if (this.refusal !== null) return this.refusal;
    if (method === 'GET' && url === '/sandboxes')
      return { status: 200, body: { sandboxes: [...this.sandboxes.values()] } };
    if (method === 'GET' && url === '/orders') return { status: 200, body: { orders: [] } };
    if (method === 'POST' && url === '/sandboxes') {
      const { profile, slot } = JSON.parse(body) as { profile: string; slot: string };
      this.sandboxes.set(slot, sandbox(slot, profile, 'running'));
      if (this.greets) this.connections.set(slot, await FakeSandbox.greet(this.#slots, slot));
      return { status: 201, body: this.sandboxes.get(slot) };
    }
    const id = /^\/sandboxes\/([0-9a-f]{32})$/.exec(url)?.[1];
    if (method === 'DELETE' && id !== undefined) {
      this.sandboxes.delete(id);
      this.removed.push(id);
      return { status: 204 };
    }
    return { status: 404, body: { code: 'bad-request', message: `${method} ${url}` } };
  }
}

function sandbox(id: string, profile: string, state: Sandbox['state']): Sandbox {
  return Sandbox.parse({
    id,
    profile,
    state,
    image: fakeImage,
    runtime: 'runc',
    exit_code: null,
    out_of_memory: false,
    started_at: '2026-11-20T10:00:00Z',
  });
}

/** A gateway that remembers which slots are open and what it was told of each, and opens none that has no folder. */
export class FakeGateway {
  readonly socket: string;
  readonly open = new Set<string>();
  readonly orders = new Map<string, OpenSlot>();
  /** What it says that a slot has used; nothing where it is not told. */
  readonly readings = new Map<string, Partial<Slot>>();
  /** What it was told to stand in a slot's room. */
  readonly rooms = new Map<string, Room>();
  /** While set, every request is answered so. */
  refusal: Answer | null = null;

  readonly #modelSlots: string;

  private constructor(socket: string, modelSlots: string) {
    this.socket = socket;
    this.#modelSlots = modelSlots;
  }

  static async listen(folder: string, modelSlots: string): Promise<FakeGateway> {
    const gateway = new FakeGateway(join(folder, 'gateway.sock'), modelSlots);
    await serve(gateway.socket, (method, url, body) => Promise.resolve(gateway.#answer(method, url, body)));
    return gateway;
  }

  #answer(method: string, url: string, body: string): Answer {
    if (this.refusal !== null) return this.refusal;
    const [, id, part] = /^\/slots\/([0-9a-f]{32})(\/room)?$/.exec(url) ?? [];
    if (id === undefined) return { status: 404 };
    if (part !== undefined) return this.#tell(id, Room.parse(JSON.parse(body)));
    if (method === 'DELETE') {
      this.open.delete(id);
      return { status: 204 };
    }
    if (method === 'GET') return this.open.has(id) ? { status: 200, body: this.#reading(id) } : { status: 404 };
    this.orders.set(id, OpenSlot.parse(JSON.parse(body)));
    const folder = join(this.#modelSlots, id);
    if (!existsSync(folder)) return { status: 404, body: { error: 'no-folder' } };
    writeFileSync(join(folder, 'ollama.sock'), '');
    this.open.add(id);
    return { status: 200, body: this.#reading(id) };
  }

  /** As the gateway does it: what the room holds, and what is refused, waits no more. */
  #tell(id: string, room: Room): Answer {
    this.rooms.set(id, room);
    const settled = [...room.events, ...room.refusals].map((one) => ('transaction' in one ? one.transaction : ''));
    const before = this.readings.get(id);
    const posts = (before?.posts ?? []).filter(({ transaction }) => !settled.includes(transaction));
    this.readings.set(id, { ...before, events: room.events.length, posts });
    return { status: 200, body: this.#reading(id) };
  }

  #reading(id: string): Slot {
    const used = { tokens: { prompt: 0, completion: 0, requests: 0 }, exceeded: null };
    return { id, ...used, events: null, posts: [], ...this.readings.get(id) };
  }
}
