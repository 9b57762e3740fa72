import { join } from 'node:path';
import type { ConfinementProof } from '@countersign/contracts/confinement.ts';
import type { JournalEvent } from '@countersign/contracts/event.ts';
import type { QueueState } from '@countersign/contracts/queue-state.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import type { Wait } from '@countersign/contracts/wait.ts';
import { writeFileAtomic } from '@countersign/kit/files.ts';
import type { Journal } from '@countersign/kit/journal.ts';
import type { Layout } from '../state/layout.ts';
import { OneAtATime } from '../work/one-at-a-time.ts';
import { type BreakerNews, type BreakerSettings, Breakers } from './breakers.ts';
import type { OwnPast } from './own-past.ts';
import type { Troubles } from './troubles.ts';

type Order = { readonly command: string; readonly by: string; readonly reason: string };
type Past = Pick<OwnPast, 'queueOrders' | 'paused' | 'breakers'>;
export type Hold = { readonly wait: Omit<Wait, 'since'>; readonly reason: string };

/**
 * What holds up the queue as a whole or in parts: a person who paused it, and breakers. Invariant: the journal says so before it
 * counts, so that a restart finds it again; `queue.json` follows, for those who only read.
 */
export class QueueControl {
  readonly breakers: Breakers;
  readonly #path: string;
  readonly #journal: Journal;
  readonly #troubles: Troubles;
  /** Commands that were carried out. */
  readonly #done: Set<string>;
  #paused: QueueState['paused'];
  #isCodeMissing = false;
  #sandboxes: readonly ConfinementProof[] = [];
  #saving: Promise<void> = Promise.resolve();
  readonly #writing = new OneAtATime();

  private constructor(layout: Layout, journal: Journal, troubles: Troubles, settings: BreakerSettings, past: Past) {
    this.#path = join(layout.runs, 'queue.json');
    this.#journal = journal;
    this.#troubles = troubles;
    this.#done = past.queueOrders;
    this.#paused = past.paused;
    this.breakers = new Breakers(settings, past.breakers, (news) => this.#tell(news));
  }

  /** @param records every task that there is */
  static async open(
    { layout, journal, troubles, past }: { layout: Layout; journal: Journal; troubles: Troubles; past: Past },
    settings: BreakerSettings,
    records: Iterable<TaskRecord>,
  ): Promise<QueueControl> {
    const queue = new QueueControl(layout, journal, troubles, settings, past);
    queue.breakers.resume(records);
    await queue.#save();
    return queue;
  }

  get paused(): QueueState['paused'] {
    return this.#paused;
  }

  hasCarriedOut(command: string): boolean {
    return this.#done.has(command);
  }

  /** Nothing is begun from now on but merges. Safe to repeat. */
  async pause({ command, by, reason }: Order): Promise<void> {
    if (this.#done.has(command)) return;
    const { ts } = await this.#order('queue_paused', { command, by, reason });
    this.#paused = { since: ts, by, reason };
    await this.#save();
  }

  /** Safe to repeat. */
  async resume(order: Order): Promise<void> {
    if (this.#done.has(order.command)) return;
    await this.#order('queue_resumed', order);
    this.#paused = null;
    await this.#save();
  }

  /** Why nothing is begun, or null when the queue goes on. */
  get hold(): Hold | null {
    if (this.#paused === null) return null;
    const { by, reason } = this.#paused;
    return { wait: { kind: 'paused', on: [by] }, reason };
  }

  /** To be told whether the one-time codes that may be asked for can be had. */
  async toldOfCode(isMissing: boolean): Promise<void> {
    if (isMissing === this.#isCodeMissing) return;
    this.#isCodeMissing = isMissing;
    await this.#save();
  }

  /** To be told what is known of the sandboxes' confinement, each time that it changes. */
  async toldOfSandboxes(proofs: readonly ConfinementProof[]): Promise<void> {
    this.#sandboxes = proofs;
    await this.#save();
  }

  /** To be told of every record that has changed. */
  told(record: TaskRecord): void {
    this.breakers.told(record);
  }

  async settled(): Promise<void> {
    await this.breakers.settled();
    await this.#saving;
  }

  async #order(event: 'queue_paused' | 'queue_resumed', { command, by, reason }: Order): Promise<JournalEvent> {
    const words = event === 'queue_paused' ? 'the queue is paused' : 'the queue goes on';
    const said = await this.#journal.append({
      phase: 'queue',
      agent_role: 'operator',
      event,
      summary: `${words}, as ${by} decided${reason === '' ? '' : `: ${reason}`}`.slice(0, 4_000),
      data: { command_id: command, by, reason },
    });
    this.#done.add(command);
    return said;
  }

  #tell(news: BreakerNews | null): void {
    this.#saving = this.#saving
      .then(async () => {
        if (news !== null) await this.#journal.append({ phase: 'queue', agent_role: 'runner', ...news });
        await this.#save();
      })
      .catch((error: unknown) => this.#troubles.say('queue.json', error));
  }

  /** One after the other, each with what holds by then. */
  #save(): Promise<void> {
    return this.#writing.run(() => this.#write());
  }

  async #write(): Promise<void> {
    const state: QueueState = {
      version: 1,
      paused: this.#paused,
      breakers: this.breakers.open(),
      ...(this.#isCodeMissing ? { code: 'missing' } : {}),
      ...(this.#sandboxes.length === 0 ? {} : { sandboxes: [...this.#sandboxes] }),
    };
    await writeFileAtomic(this.#path, `${JSON.stringify(state, null, 2)}\n`, 0o644);
  }
}
