import type { Slot as Reading } from '@countersign/contracts/gateway-api.ts';
import type { SlotId } from '@countersign/contracts/names.ts';
import type { Post, PostRefusal, RoomEvent } from '@countersign/contracts/task-room.ts';
import type { Gateway } from './clients.ts';

/** What the tool in a slot can ask. */
export type SlotRoom = {
  /** Null when it is written down, else why it is not asked. */
  readonly take: (post: Post) => Promise<PostRefusal | null>;
  /** All that stands in it, in its order. */
  readonly events: () => Promise<readonly RoomEvent[]>;
};

/** The room of a tool that may ask nothing. */
export const closedRoom: SlotRoom = {
  take: ({ transaction }) =>
    Promise.resolve({ transaction, errcode: 'M_FORBIDDEN', reason: 'nobody is asked while a task is planned' }),
  events: () => Promise.resolve([]),
};

/**
 * Takes from the gateway what tools ask, and tells it what stands in their rooms. The gateway never asks the runner: it is asked,
 * with the slots that are repeated to it, and so a gateway that was taken over finds no more to connect to than before. What is
 * asked in a slot whose task is not taken up yet waits.
 */
export class Rooms {
  readonly #gateway: Pick<Gateway, 'tellRoom'>;
  readonly #rooms = new Map<SlotId, SlotRoom>();
  /** Slots that are being served, each with what was heard of it meanwhile. */
  readonly #served = new Map<SlotId, Reading | null>();

  constructor(gateway: Pick<Gateway, 'tellRoom'>) {
    this.#gateway = gateway;
  }

  open(id: SlotId, room: SlotRoom): void {
    this.#rooms.set(id, room);
  }

  close(id: SlotId): void {
    this.#rooms.delete(id);
  }

  /**
   * One look at a time of each slot: a disk that is slow holds up this room and no other one, and no metering. What is heard of it
   * meanwhile is looked at afterwards. @throws Error
   */
  async serve(reading: Reading): Promise<void> {
    const { id } = reading;
    const room = this.#rooms.get(id);
    if (room === undefined) return;
    if (this.#served.has(id)) return void this.#served.set(id, reading);
    try {
      for (let next: Reading | null = reading; next !== null; next = this.#served.get(id) ?? null) {
        this.#served.set(id, null);
        await this.#look(room, next);
      }
    } finally {
      this.#served.delete(id);
    }
  }

  async #look(room: SlotRoom, { id, events: known, posts }: Reading): Promise<void> {
    const refusals: PostRefusal[] = [];
    for (const post of posts) {
      const refusal = await room.take(post);
      if (refusal !== null) refusals.push(refusal);
    }
    const events = await room.events();
    if (posts.length === 0 && events.length <= (known ?? 0)) return;
    await this.#gateway.tellRoom(id, { events: [...events], refusals });
  }
}
