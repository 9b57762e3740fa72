import { readFile } from 'node:fs/promises';
import type { ToldOrder } from '@countersign/contracts/launcher-api.ts';
import { type Journal, parseJournal } from '@countersign/kit/journal.ts';
import { ServiceError } from '@countersign/kit/socket-client.ts';
import type { Launcher } from '../sandbox/clients.ts';

/**
 * Writes down which services the launcher was ordered to start or stop: it has no journal of its own, and this runner may have stood
 * still meanwhile. Each order stands in the journal once; what a launcher forgot by a restart of its own is in its log alone.
 */
export class OrderTeller {
  readonly #journal: Pick<Journal, 'append'>;
  readonly #launcher: Pick<Launcher, 'orders'>;
  readonly #told: Set<string>;

  private constructor(journal: Pick<Journal, 'append'>, launcher: Pick<Launcher, 'orders'>, told: Set<string>) {
    this.#journal = journal;
    this.#launcher = launcher;
    this.#told = told;
  }

  static async open(journal: Journal, launcher: Pick<Launcher, 'orders'>): Promise<OrderTeller> {
    const events = parseJournal(journal.path, await readFile(journal.path));
    const told = events.flatMap(({ event, data }) => (event === 'service_order' ? [keyOf(data ?? {})] : []));
    return new OrderTeller(journal, launcher, new Set(told));
  }

  async tell(): Promise<void> {
    for (const order of await this.#orders()) {
      const { id, at, done, kind, service, user, evidence } = order;
      const data = { order: id, at, done, kind, service, user, evidence };
      if (this.#told.has(keyOf(data))) continue;
      await this.#journal.append({
        phase: 'service',
        agent_role: 'operator',
        event: 'service_order',
        summary: summaryOf(order),
        data,
      });
      this.#told.add(keyOf(data));
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

/** The same id may have been delivered again, and refused: that is another thing to tell. */
function keyOf({ order, at }: { readonly order?: unknown; readonly at?: unknown }): string {
  return `${String(order)} ${String(at)}`;
}

function summaryOf({ kind, service, user, done, message }: ToldOrder): string {
  const verb = kind === 'service_start' ? 'start' : 'stop';
  const words = done
    ? `${user} had ${service} ${verb === 'start' ? 'started' : 'stopped'}`
    : `${user} asked to ${verb} ${service}, which was refused`;
  return `${words}: ${message}`.slice(0, 4_000);
}
