import { AsyncLocalStorage } from 'node:async_hooks';
import type { ChildProcess } from 'node:child_process';
import type { FileHandle } from 'node:fs/promises';
import type { Server, Socket } from 'node:net';
import type { DatabaseSync } from 'node:sqlite';
import { plainPath, type Step } from './step.ts';

/** A death beside a step: before anything of it is done, when half of its bytes are written, or when all of it is done. */
export type Moment = 'before' | 'torn' | 'after';
/** What becomes of a step. A write that is `short` takes fewer bytes than it was given, as the system may do at any time. */
export type Fate =
  | { readonly kind: 'death'; readonly moment: Moment }
  | { readonly kind: 'error'; readonly code: string }
  | { readonly kind: 'short' }
  /** The runner is told to stop, and the step is done. */
  | { readonly kind: 'stop' };
/** Decides on each step before it is done; null lets it pass. */
export type Fates = (step: Step) => Fate | null;

const alive = new AsyncLocalStorage<Life>();

/** The life that the running code belongs to; a test's own code belongs to none. */
export function currentLife(): Life | undefined {
  return alive.getStore();
}

/**
 * One life of a runner inside this process. Everything that code run by `live` does to the disk is a step of it. When it dies, no
 * step that is under way or comes later returns, and what the kernel takes back of a dead process is taken back: open files,
 * listening sockets, connections, and, as in a container, the programs that it started.
 */
export class Life {
  readonly ground: string;
  readonly steps: Step[] = [];
  /** Resolves with the step beside which it died. */
  readonly death: Promise<Step>;
  readonly #fates: Fates;
  readonly #ordinals = new Map<string, number>();
  readonly #died = Promise.withResolvers<Step>();
  readonly #handles = new Set<FileHandle>();
  readonly #servers = new Set<Server>();
  readonly #sockets = new Set<Socket>();
  readonly #children = new Set<ChildProcess>();
  readonly #databases = new Set<DatabaseSync>();
  readonly #descriptors = new Map<number, () => void>();
  /** Called first of all when it dies. */
  onDeath: () => void = () => undefined;
  /** Told of what has just been synced. */
  onSynced: (path: string) => void = () => undefined;
  /** Told of what has just been renamed. */
  onRenamed: (from: string, to: string) => void = () => undefined;
  #underWay = 0;
  #isDead = false;

  constructor(ground: string, fates: Fates = () => null) {
    this.ground = ground;
    this.#fates = fates;
    this.death = this.#died.promise;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  live<T>(work: () => T): T {
    return alive.run(this, work);
  }

  /** Counts a step and says what becomes of it. */
  reach(name: string, path: string, changes: boolean): { step: Step; fate: Fate | null } {
    const plain = plainPath(this.ground, path);
    const key = `${name} ${plain}`;
    const ordinal = (this.#ordinals.get(key) ?? 0) + 1;
    this.#ordinals.set(key, ordinal);
    const step = { name, path: plain, ordinal, changes };
    this.steps.push(step);
    return { step, fate: this.#fates(step) };
  }

  /** Keeps count of what the kernel would still finish for a process that has just died. */
  async underWay<T>(work: () => Promise<T>): Promise<T> {
    this.#underWay += 1;
    try {
      return await work();
    } finally {
      this.#underWay -= 1;
    }
  }

  die(step: Step): void {
    if (this.#isDead) return;
    this.#isDead = true;
    this.onDeath();
    for (const child of this.#children) child.kill('SIGKILL');
    for (const server of this.#servers) server.close();
    for (const socket of this.#sockets) socket.destroy();
    this.#died.resolve(step);
  }

  /** Resolves when nothing of a dead life can reach the disk any more. */
  async buried(): Promise<void> {
    while (this.#underWay > 0 || this.#children.size > 0) await new Promise((resolve) => setImmediate(resolve));
    for (const handle of this.#handles) await handle.close().catch(() => undefined);
    for (const close of this.#descriptors.values()) close();
    for (const database of this.#databases) if (database.isOpen) database.close();
    this.#databases.clear();
    this.#handles.clear();
    this.#descriptors.clear();
  }

  ownHandle(handle: FileHandle): void {
    this.#handles.add(handle);
  }
  disownHandle(handle: FileHandle): void {
    this.#handles.delete(handle);
  }
  ownDescriptor(descriptor: number, close: () => void): void {
    this.#descriptors.set(descriptor, close);
  }
  disownDescriptor(descriptor: number): void {
    this.#descriptors.delete(descriptor);
  }
  ownDatabase(database: DatabaseSync): void {
    this.#databases.add(database);
  }
  ownChild(child: ChildProcess): void {
    this.#children.add(child);
    child.once('exit', () => this.#children.delete(child));
    child.once('error', () => this.#children.delete(child));
  }
  ownServer(server: Server): void {
    this.#servers.add(server);
    server.once('close', () => this.#servers.delete(server));
    server.on('connection', (socket: Socket) => {
      if (this.#isDead) socket.destroy();
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }
}
