import type { ToldOrder } from '@countersign/contracts/launcher-api.ts';
import type { Journal } from '@countersign/kit/journal.ts';
import { ServiceError } from '@countersign/kit/socket-client.ts';
import type { Launcher } from '../sandbox/clients.ts';
import { orderKey } from './own-past.ts';

/**
 * Writes down which services the launcher was ordered to start or stop: it has no journal of its own, and this runner may have stood
 * still meanwhile. Each order stands in the journal once; what a launcher forgot by a restart of its own is in its log alone.
 */
export class OrderTeller {
  readonly #journal: Pick<Journal, 'append'>;
  readonly #launcher: Pick<Launcher, 'orders'>;
  readonly #told: Set<string>;

  /** @param told keys of the orders that stand in the journal; they become more */
  constructor(journal: Pick<Journal, 'append'>, launcher: Pick<Launcher, 'orders'>, told: Set<string>) {
    this.#journal = journal;
    this.#launcher = launcher;
    this.#told = told;
  }

  async tell(): Promise<void> {
    for (const order of await this.#orders()) {
      const { id, at, done, kind, service, user, evidence } = order;
      const data = { order: id, at, done, kind, service, user, evidence };
      if (this.#told.has(orderKey(data))) continue;
      await this.#journal.append({
        phase: 'service',
        agent_role: 'operator',
        event: 'service_order',
        summary: summaryOf(order),
        data,
      });
      this.#told.add(orderKey(data));
    }
  }

  /** A launcher that does not answer is asked again soon. */
  async #orders(): Promise<readonly ToldOrder[]> {
    try {
      return await this.#launcher.orders();
    } catch (error) {
      if (error instanceof ServiceError) return [];
      throw error;
    }
  }
}

function summaryOf({ kind, service, user, done, message }: ToldOrder): string {
  const verb = kind === 'service_start' ? 'start' : 'stop';
  const words = done
    ? `${user} had ${service} ${verb === 'start' ? 'started' : 'stopped'}`
    : `${user} asked to ${verb} ${service}, which was refused`;
  return `${words}: ${message}`.slice(0, 4_000);
}
