import type { ToldOrder } from '@countersign/contracts/launcher-api.ts';
import { launcherLimits } from '../limits.ts';

/** The newest orders and what came of them: the runner writes them into its journal, which it does not when it is the one that stands still. */
export class ToldOrders {
  readonly #orders: ToldOrder[] = [];

  add(order: ToldOrder): void {
    this.#orders.push(order);
    if (this.#orders.length > launcherLimits.toldOrders) this.#orders.shift();
  }

  list(): readonly ToldOrder[] {
    return this.#orders;
  }
}
