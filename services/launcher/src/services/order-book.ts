import type { KeyObject } from 'node:crypto';
import { keyIdOf } from '@countersign/contracts/key-id.ts';
import {
  isOrderSignedBy,
  type ServiceOrder,
  type ServiceRefusal,
  serviceOrderLimits,
} from '@countersign/contracts/services-api.ts';
import { launcherLimits } from '../limits.ts';
import { type Refused, refuse } from '../outcome.ts';

export type OrderVerdict = { readonly ok: true } | Refused<ServiceRefusal['code']>;

/**
 * Which orders count. Invariant: an order that is accepted was not accepted before, by this launcher or by an earlier one: its id is
 * remembered until it has expired, and what was signed before this start is none. Whatever is not allowed is refused, in a fixed
 * order; nothing of an order is believed before its signature.
 */
export class OrderBook {
  readonly #key: KeyObject | null;
  readonly #startedAt: number;
  /** By id, when it expires. */
  readonly #taken = new Map<string, number>();

  /** @param key the dashboard's public one; null where there is none, and every order is refused */
  constructor(key: KeyObject | null, startedAt: number) {
    this.#key = key;
    this.#startedAt = startedAt;
  }

  /** Takes it, in the same breath: of two deliveries one is accepted. */
  take(order: ServiceOrder, now: number): OrderVerdict {
    if (this.#key === null || order.key_id !== keyIdOf('dashboard', this.#key))
      return refuse('unknown-key', 'the order is signed with a key that is not known here');
    if (!isOrderSignedBy(order, this.#key)) return refuse('bad-signature', 'the signature is not good');
    const [issued, expires] = [Date.parse(order.issued_at), Date.parse(order.expires_at)];
    if (expires <= issued || expires - issued > serviceOrderLimits.lifetimeMs)
      return refuse('bad-request', `an order is good for ${serviceOrderLimits.lifetimeMs / 1_000} s at most`);
    if (issued > now + launcherLimits.orderSkewMs) return refuse('bad-request', 'the order is of the future');
    if (now >= expires) return refuse('expired', `the order expired at ${order.expires_at}`);
    if (issued <= this.#startedAt)
      return refuse('expired', 'the order was signed before the launcher started; ask again');
    for (const [id, until] of this.#taken) if (now >= until) this.#taken.delete(id);
    if (this.#taken.has(order.id)) return refuse('taken-already', 'this order was taken already');
    if (this.#taken.size >= launcherLimits.orders)
      return refuse('too-many-orders', `no more than ${launcherLimits.orders} orders are taken in a minute`);
    this.#taken.set(order.id, expires);
    return { ok: true };
  }
}
