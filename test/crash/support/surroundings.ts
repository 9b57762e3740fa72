import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { join } from 'node:path';
import type { Profile, Sandbox } from '@countersign/contracts/launcher-api.ts';
import { Room } from '@countersign/contracts/task-room.ts';
import { closeServer } from '@countersign/kit/socket-server.ts';
import { ScriptedRoom } from './scripted-room.ts';
import { ScriptedSandbox, type Scripts, type Taken } from './scripted-sandbox.ts';

type Answer = { readonly status: number; readonly body?: unknown };

const digest = '0'.repeat(64);
const profile: Profile = {
  name: 'default',
  toolchain: 'own',
  warm: 0,
  image: `sha256:${digest}`,
  definition: digest,
  runtime: 'runc',
  workspace_bytes: 2 ** 30,
  memory_bytes: 2 ** 30,
};

/**
 * Launcher, gateway and sandboxes, which outlive every runner. Each runner is given sockets of its own, so that what a dead one
 * left behind reaches nobody.
 */
export class Surroundings {
  readonly #slots: string;
  readonly #modelSlots: string;
  readonly #sockets: string;
  readonly #scripts: Scripts;
  readonly sandboxes = new Map<string, ScriptedSandbox>();
  /** Every task that a sandbox was given, in order. */
  readonly taken: Taken[] = [];
  /** What the tool in each slot may ask, and has heard; kept when its sandbox is gone. */
  readonly rooms = new Map<string, ScriptedRoom>();
  /** Called when a sandbox has been given a task, before it works on it. */
  onTaken: (taken: Taken) => void = () => undefined;
  /** While it is false, tasks are accepted and decided on, and none is begun. */
  launcherAnswers = true;
  #servers: Server[] = [];

  constructor(ground: string, scripts: Scripts) {
    this.#slots = join(ground, 'slots');
    this.#modelSlots = join(ground, 'model-slots');
    this.#sockets = join(ground, 'sockets');
    this.#scripts = scripts;
    mkdirSync(this.#sockets, { recursive: true });
  }

  /** Answers one more runner, and its predecessor no more. */
  async answer(life: number): Promise<{ readonly launcherSocket: string; readonly gatewaySocket: string }> {
    await this.#hangUp();
    const launcherSocket = join(this.#sockets, `launcher-${life}`);
    const gatewaySocket = join(this.#sockets, `gateway-${life}`);
    await this.#serve(launcherSocket, (method, url, body) => this.#launcher(method, url, body));
    await this.#serve(gatewaySocket, (method, url, body) => this.#gateway(method, url, body));
    return { launcherSocket, gatewaySocket };
  }

  async close(): Promise<void> {
    await this.#hangUp();
    for (const sandbox of this.sandboxes.values()) sandbox.remove();
  }

  async #hangUp(): Promise<void> {
    await Promise.all(this.#servers.splice(0).map((server) => closeServer(server)));
  }

  async #serve(path: string, answer: (method: string, url: string, body: string) => Answer): Promise<void> {
    const server = createServer((request, response) => {
      void textOf(request).then((text) => {
        const { status, body } = answer(request.method ?? '', request.url ?? '', text);
        response.writeHead(status, { 'content-type': 'application/json' });
        response.end(body === undefined ? undefined : JSON.stringify(body));
      });
    });
    this.#servers.push(server);
    await new Promise<void>((resolve) => server.listen(path, resolve));
  }

  #launcher(method: string, url: string, body: string): Answer {
    if (!this.launcherAnswers) return { status: 503, body: { code: 'engine-down', message: 'the engine is down' } };
    if (method === 'GET' && url.startsWith('/profiles/')) return { status: 200, body: profile };
    if (method === 'GET' && url === '/orders') return { status: 200, body: { orders: [] } };
    if (method === 'GET')
      return { status: 200, body: { sandboxes: [...this.sandboxes.keys()].map((id) => described(id)) } };
    if (method === 'POST') {
      const { slot } = JSON.parse(body) as { slot: string };
      const sandbox = new ScriptedSandbox(this.#slots, slot, this.#scripts, this.#roomOf(slot), (taken) => {
        this.taken.push(taken);
        this.onTaken(taken);
      });
      this.sandboxes.set(slot, sandbox);
      return { status: 201, body: described(slot) };
    }
    const id = url.slice('/sandboxes/'.length);
    this.sandboxes.get(id)?.remove();
    this.sandboxes.delete(id);
    return { status: 204 };
  }

  #roomOf(slot: string): ScriptedRoom {
    const room = this.rooms.get(slot) ?? new ScriptedRoom();
    this.rooms.set(slot, room);
    return room;
  }

  #gateway(method: string, url: string, body: string): Answer {
    if (method === 'GET')
      return {
        status: 200,
        body: { status: 'ready', kind: 'own', name: 'small', context_length: 32_768, tools: true },
      };
    if (method === 'DELETE') return { status: 204 };
    const [id = '', part] = url.slice('/slots/'.length).split('/');
    const folder = join(this.#modelSlots, id);
    if (!existsSync(folder)) return { status: 404, body: { error: 'no-folder' } };
    const room = this.#roomOf(id);
    if (part === 'room') room.told(Room.parse(JSON.parse(body)));
    else writeFileSync(join(folder, 'ollama.sock'), '');
    const tokens = { prompt: 0, completion: 0, requests: 0 };
    return { status: 200, body: { id, tokens, exceeded: null, ...room.reading } };
  }
}

function described(id: string): Sandbox {
  return {
    id,
    profile: 'default',
    state: 'running',
    image: profile.image,
    runtime: 'runc',
    exit_code: null,
    out_of_memory: false,
    started_at: '2026-11-20T10:00:00Z',
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const piece of request) text += String(piece);
  return text;
}
