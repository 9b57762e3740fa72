import type { Server } from 'node:http';
import { join } from 'node:path';
import type { OpenSlot as Order, Slot } from '@countersign/contracts/gateway-api.ts';
import type { SlotId } from '@countersign/contracts/names.ts';
import type { Room } from '@countersign/contracts/task-room.ts';
import type { Logger } from '@countersign/kit/logger.ts';
import { ByteBudget } from './byte-budget.ts';
import { handleRequest } from './handle-request.ts';
import type { Limits } from './limits.ts';
import { errorBody } from './refusal.ts';
import { createRoomServer } from './room/create-room-server.ts';
import { RoomUsage } from './room/room-usage.ts';
import { TaskRoom } from './room/task-room.ts';
import { SlotLog } from './slot-log.ts';
import { SlotSocket, statOrNull } from './slot-socket.ts';
import { SlotUsage } from './slot-usage.ts';
import { createStrictServer } from './strict-server.ts';
import type { Upstream } from './upstream.ts';

type OpenSlot = {
  readonly id: SlotId;
  readonly usage: SlotUsage;
  readonly room: TaskRoom;
  readonly sockets: readonly SlotSocket[];
};

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
    return { id, tokens, exceeded, events: slot.room.known, posts: [...slot.room.posts] };
  }

  /** What the runner knows of the slot's room. Returns false for a slot that is not open. */
  tell(id: SlotId, room: Room): boolean {
    const slot = this.#open.get(id);
    slot?.room.told(room);
    return slot !== undefined;
  }

  /** Makes the slot's sockets unless they are there and answer; what the slot has used stays counted, and is what is known of it anywhere. */
  open(id: SlotId, order: Order): Promise<Opened> {
    return this.#inTurn(async () => {
      if (!(await this.#hasFolder(id))) return { status: 'refused', reason: 'no-folder' };
      const known = this.#open.get(id);
      if (known === undefined && this.#open.size >= this.#options.limits.slots)
        return { status: 'refused', reason: 'full' };
      const opened = known ?? this.#make(id);
      // Before anybody can ask: a slot of a gateway that was restarted must not begin at nothing.
      follow(opened.usage, order);
      await listen(opened, known !== undefined);
      this.#open.set(id, opened);
      const slot = this.get(id);
      if (slot === null) throw new Error('a slot that was just opened is open');
      return { status: 'open', slot };
    });
  }

  /** Ends the slot's requests and removes its sockets. */
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
    await close(slot);
  }

  #make(id: SlotId): OpenSlot {
    const usage = new SlotUsage(this.#options.limits, this.#held);
    const room = new TaskRoom();
    const path = (name: string) => join(this.#options.folder, id, name);
    const model = new SlotSocket(path('ollama.sock'), () => this.#modelServer(id, usage));
    const asking = { room, usage: new RoomUsage(this.#options.limits) };
    const own = new SlotSocket(path('synapse.sock'), () => this.#roomServer(id, asking));
    return { id, usage, room, sockets: [model, own] };
  }

  #modelServer(id: SlotId, usage: SlotUsage): Server {
    const { model, upstream, limits, logger } = this.#options;
    const log = new SlotLog(logger, id, limits.logLines);
    const context = { model, upstream, limits, usage, log };
    return this.#watched(
      id,
      createStrictServer({
        limits,
        serve: (request, response) => handleRequest(context, request, response),
        refused: (method, target, refusal) => log.refused(method, target, refusal),
        errorBody: (refusal) => errorBody(refusal, 'ollama'),
      }),
    );
  }

  #roomServer(id: SlotId, asking: { readonly room: TaskRoom; readonly usage: RoomUsage }): Server {
    const { limits, logger } = this.#options;
    const log = new SlotLog(logger, id, limits.roomLogLines);
    return this.#watched(id, createRoomServer({ ...asking, limits, log }));
  }

  #watched(id: SlotId, server: Server): Server {
    return server.on('error', (error) => this.#options.logger.error({ slot: id, err: error }, 'slot server failed'));
  }

  async #hasFolder(id: SlotId): Promise<boolean> {
    return (await statOrNull(join(this.#options.folder, id)))?.isDirectory() ?? false;
  }
}

/** A slot that was not open before has both of its sockets, or none. */
async function listen(slot: OpenSlot, isOpen: boolean): Promise<void> {
  try {
    for (const socket of slot.sockets) await socket.listen();
  } catch (error) {
    if (!isOpen) await close(slot);
    throw error;
  }
}

async function close({ sockets }: OpenSlot): Promise<void> {
  for (const socket of sockets) await socket.close();
}

function follow({ model }: SlotUsage, { budget, spent }: Order): void {
  if (spent !== undefined) model.goOnFrom(spent);
  if (budget !== undefined) model.allow(budget);
}
