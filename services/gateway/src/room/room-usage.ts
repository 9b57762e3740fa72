import { ByteBudget } from '../byte-budget.ts';
import type { Limits } from '../limits.ts';
import { exceeded, type RoomRefusal } from './refusal.ts';

/** What one slot does to its room: counts since the gateway started. */
export class RoomUsage {
  /** Bodies in memory. */
  readonly held: ByteBudget;
  readonly #limits: Limits;
  #active = 0;
  #requests = 0;
  #sentBytes = 0;

  constructor(limits: Limits) {
    this.#limits = limits;
    this.held = new ByteBudget(limits.roomRequests * limits.roomBodyBytes, null);
  }

  /** Takes a place; `leave` gives it back. */
  enter(): RoomRefusal | null {
    const { roomRequests, roomRequestsInAll } = this.#limits;
    if (this.#active >= roomRequests) return exceeded(`${roomRequests} requests are under way already; try again`);
    if (this.#requests >= roomRequestsInAll)
      return exceeded(`there were ${roomRequestsInAll} requests, and no more are served`);
    this.#active += 1;
    this.#requests += 1;
    return null;
  }

  leave(): void {
    this.#active -= 1;
  }

  /** Counts bytes that came from the sandbox, whatever becomes of them. */
  addSent(bytes: number): RoomRefusal | null {
    this.#sentBytes += bytes;
    const { roomSentBytes } = this.#limits;
    return this.#sentBytes <= roomSentBytes ? null : exceeded(`more than ${roomSentBytes} bytes were sent`);
  }
}
