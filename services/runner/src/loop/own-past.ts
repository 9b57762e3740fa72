import type { JournalEvent } from '@countersign/contracts/event.ts';
import type { QueueState } from '@countersign/contracts/queue-state.ts';
import { readJournal } from '@countersign/kit/journal.ts';
import { z } from 'zod';
import { CodeFact, SecondFactor } from '../gate/second-factor.ts';

/** What became of a command, and what it asked for. */
export type Decided = { readonly accepted: boolean; readonly meaning: string | null };

const PausedBy = z.object({ command_id: z.string(), by: z.string(), reason: z.string() });

/**
 * What the runner's own journal says that still counts. It never ends, so it is read once at a start, and what is kept of it is
 * what its readers need and nothing else; each goes on from its part.
 */
export class OwnPast {
  /** Every command that has its verdict. */
  readonly decided = new Map<string, Decided>();
  readonly secondFactor = new SecondFactor();
  /** Commands whose own event is in the journal. */
  readonly posted = new Set<string>();
  /** Commands to the queue that were carried out. */
  readonly queueOrders = new Set<string>();
  paused: QueueState['paused'] = null;
  readonly #breakers = new Map<string, JournalEvent>();
  /** Orders to the launcher that were told; see `orderKey`. */
  readonly serviceOrders = new Set<string>();
  /** Notes on the house that were told. */
  readonly notes = new Set<string>();

  static async read(path: string): Promise<OwnPast> {
    const past = new OwnPast();
    await readJournal(path, (event) => past.#hear(event));
    return past;
  }

  /** What was said last of each breaker. */
  get breakers(): Iterable<JournalEvent> {
    return this.#breakers.values();
  }

  #hear(event: JournalEvent): void {
    const { data = {} } = event;
    if (typeof data['note'] === 'string') this.notes.add(data['note']);
    switch (event.event) {
      case 'message':
      case 'cleaned_up':
        if (typeof data['command_id'] === 'string') this.posted.add(data['command_id']);
        return;
      case 'queue_paused':
      case 'queue_resumed': {
        const { command_id, by, reason } = PausedBy.parse(data);
        this.queueOrders.add(command_id);
        this.paused = event.event === 'queue_paused' ? { since: event.ts, by, reason } : null;
        return;
      }
      case 'breaker_opened':
      case 'breaker_closed':
        this.#breakers.set(`${String(data['workspace'])} ${String(data['tool'])}`, event);
        return;
      case 'service_order':
        this.serviceOrders.add(orderKey(data));
        return;
      case 'command_accepted':
      case 'command_refused':
        this.#hearVerdict(event.event === 'command_accepted', data);
        return;
      default:
        return;
    }
  }

  #hearVerdict(accepted: boolean, { command, kind, meaning, second_factor }: NonNullable<JournalEvent['data']>): void {
    if (typeof command !== 'string') return;
    // Only a verdict on a command of the channel's own has a kind: no other one takes its id away.
    if (kind !== undefined)
      this.decided.set(command, { accepted, meaning: typeof meaning === 'string' ? meaning : null });
    if (second_factor === undefined) return;
    const fact = CodeFact.safeParse(second_factor);
    if (fact.success) this.secondFactor.recall(command, fact.data);
  }
}

/** The same id may have been delivered again, and refused: that is another thing to tell. */
export function orderKey({ order, at }: { readonly order?: unknown; readonly at?: unknown }): string {
  return `${String(order)} ${String(at)}`;
}
