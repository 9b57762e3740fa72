import { lstat } from 'node:fs/promises';
import type { Server } from 'node:http';
import { join } from 'node:path';
import type { OpenSlot as Order, Slot } from '@countersign/contracts/gateway-api.ts';
import type { SlotId } from '@countersign/contracts/names.ts';
import { isMissing } from '@countersign/kit/files.ts';
import type { Logger } from '@countersign/kit/logger.ts';
import { bindSocket, closeServer } from '@countersign/kit/socket-server.ts';
import { ByteBudget } from './byte-budget.ts';
import { handleRequest } from './handle-request.ts';
import type { Limits } from './limits.ts';
import { errorBody } from './refusal.ts';
import { SlotLog } from './slot-log.ts';
import { SlotUsage } from './slot-usage.ts';
import { createStrictServer } from './strict-server.ts';
import type { Upstream } from './upstream.ts';

const socketName = 'ollama.sock';
/** The sandbox runs as another user; who may connect is decided by the folder's random name and by what is mounted. */
const socketMode = 0o666;

type OpenSlot = { readonly id: SlotId; readonly usage: SlotUsage; server: Server; inode: number };

export type SlotsOptions = {
  readonly folder: string;
  readonly model: string;
  readonly upstream: Upstream;
  readonly limits: Limits;
  readonly logger: Logger;
};

type Opened =
  | { readonly status: 'open'; readonly slot: Slot }
  | { readonly status: 'refused'; readonly reason: 'no-folder' | 'full' };

/** The open slots. One change at a time: two requests for the same slot must not both make its socket. */
export class Slots implements AsyncDisposable {
  readonly #options: SlotsOptions;
  readonly #open = new Map<SlotId, OpenSlot>();
  readonly #held: ByteBudget;
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: SlotsOptions) {
    this.#options = options;
    this.#held = new ByteBudget(options.limits.heldBytesOfAllSlots, null);
  }

  get size(): number {
    return this.#open.size;
  }

  get(id: SlotId): Slot | null {
    const slot = this.#open.get(id);
    if (slot === undefined) return null;
    const { tokens, exceeded } = slot.usage.model;
    return { id, tokens, exceeded };
  }

  /** Makes the slot's socket unless it is there and answers; what the slot has used stays counted, and is what is known of it anywhere. */
  open(id: SlotId, order: Order): Promise<Opened> {
    return this.#inTurn(async () => {
      if (!(await this.#hasFolder(id))) return { status: 'refused', reason: 'no-folder' };
      const known = this.#open.get(id);
      if (known !== undefined && !(await this.#listens(known))) {
        await closeServer(known.server);
        follow(known.usage, order);
        Object.assign(known, await this.#listen(id, known.usage));
      } else if (known === undefined) {
        if (this.#open.size >= this.#options.limits.slots) return { status: 'refused', reason: 'full' };
        const usage = new SlotUsage(this.#options.limits, this.#held);
        // Before anybody can ask: a slot of a gateway that was restarted must not begin at nothing.
        follow(usage, order);
        this.#open.set(id, { id, usage, ...(await this.#listen(id, usage)) });
      } else if (known !== undefined) follow(known.usage, order);
      const slot = this.get(id);
      if (slot === null) throw new Error('a slot that was just opened is open');
      return { status: 'open', slot };
    });
  }

  /** Ends the slot's requests and removes its socket. */
  close(id: SlotId): Promise<void> {
    return this.#inTurn(() => this.#close(id));
  }

  /** Closes the slots whose folders have gone. */
  sweep(): Promise<void> {
    return this.#inTurn(async () => {
      for (const id of [...this.#open.keys()]) if (!(await this.#hasFolder(id))) await this.#close(id);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#inTurn(async () => {
      for (const id of [...this.#open.keys()]) await this.#close(id);
    });
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#turn.then(work);
    this.#turn = result.catch(() => undefined);
    return result;
  }

  async #close(id: SlotId): Promise<void> {
    const slot = this.#open.get(id);
    if (slot === undefined) return;
    this.#open.delete(id);
    await closeServer(slot.server);
  }

  async #listen(id: SlotId, usage: SlotUsage): Promise<{ server: Server; inode: number }> {
    const { model, upstream, limits, logger } = this.#options;
    const log = new SlotLog(logger, id, limits.logLines);
    const context = { model, upstream, limits, usage, log };
    const server = createStrictServer({
      limits,
      serve: (request, response) => handleRequest(context, request, response),
      refused: (method, target, refusal) => log.refused(method, target, refusal),
      errorBody: (refusal) => errorBody(refusal, 'ollama'),
    });
    await bindSocket(server, this.#socketPath(id), socketMode);
    server.on('error', (error) => logger.error({ slot: id, err: error }, 'slot server failed'));
    return { server, inode: (await lstat(this.#socketPath(id))).ino };
  }

  async #listens(slot: OpenSlot): Promise<boolean> {
    if (!slot.server.listening) return false;
    return (await statOrNull(this.#socketPath(slot.id)))?.ino === slot.inode;
  }

  async #hasFolder(id: SlotId): Promise<boolean> {
    return (await statOrNull(join(this.#options.folder, id)))?.isDirectory() ?? false;
  }

  #socketPath(id: SlotId): string {
    return join(this.#options.folder, id, socketName);
  }
}

function follow({ model }: SlotUsage, { budget, spent }: Order): void {
  if (spent !== undefined) model.goOnFrom(spent);
  if (budget !== undefined) model.allow(budget);
}

async function statOrNull(path: string) {
  try {
    return await lstat(path);
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}
