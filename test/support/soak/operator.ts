import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { isFinal } from '@countersign/contracts/task-state.ts';
import type { Stack } from '../stack.ts';
import type { Figures } from './figures.ts';
import { fileOf, type PlannedTask } from './plan.ts';

/** A command whose effect is not seen after so long is given once more: what it was about may have changed meanwhile. */
const againMs = 20_000;

/** The person of the soak: answers what waits for a person, as the plan has it, with the same commands as anybody. */
export class SoakOperator {
  readonly #stack: Stack;
  readonly #planned: ReadonlyMap<string, PlannedTask>;
  readonly #withdrawn: ReadonlySet<string>;
  readonly #figures: Figures;
  readonly #given = new Map<string, number>();

  constructor(stack: Stack, planned: readonly PlannedTask[], withdrawn: ReadonlySet<string>, figures: Figures) {
    this.#stack = stack;
    this.#planned = new Map(planned.map((task) => [task.file, task]));
    this.#withdrawn = withdrawn;
    this.#figures = figures;
  }

  /** Answers what waits now. Returns the records as they were before, and those that an answer was due for. */
  async turn(stop: AbortSignal): Promise<{ records: readonly TaskRecord[]; unanswered: ReadonlySet<string> }> {
    const records = await this.#stack.tasks();
    const unanswered = new Set<string>();
    for (const record of records) {
      if (stop.aborted) break;
      const answer = this.#answerTo(record, records);
      if (answer === null) continue;
      unanswered.add(record.id);
      const subject = `${record.id} ${record.state.status} ${record.state.since} ${answer.join(' ')}`;
      if ((this.#given.get(subject) ?? 0) + againMs > Date.now()) continue;
      this.#given.set(subject, Date.now());
      await this.command(...answer);
    }
    return { records, unanswered };
  }

  async command(...words: readonly string[]): Promise<void> {
    // No verdict is waited for: while the runner is dead the others must not wait for it.
    const { exitCode } = await this.#stack.countersign(...words, '--no-wait');
    this.#figures.commanded(exitCode === 0);
  }

  /** Null where nothing is to be said. */
  #answerTo(record: TaskRecord, all: readonly TaskRecord[]): readonly string[] | null {
    const planned = this.#planned.get(record.dropped_as);
    const { state } = record;
    switch (state.status) {
      case 'pending':
        return planned?.verdict === 'refuse' ? ['reject', record.id, 'not now'] : ['approve', record.id];
      case 'review': {
        if (planned?.verdict === 'refuse') return ['reject', record.id, 'not like this'];
        const codes = new Set(state.refusals.map(({ code }) => code));
        if (codes.has('conflict')) return ['reject', record.id, 'it no longer fits'];
        if (codes.has('moved')) return ['rebase', record.id];
        const unverified = state.result.verification.status === 'verified' ? [] : ['--unverified'];
        return ['merge', record.id, ...unverified];
      }
      case 'queued':
        return this.#waitsForNothing(record, all) ? ['cancel', record.id, 'what it depends on will not come'] : null;
      case 'failed':
      case 'cancelled':
        return planned?.retried === true && this.#mayRetry(record) ? ['retry', record.id] : null;
      default:
        return null;
    }
  }

  /** Something that it depends on has ended, and is not done, or was taken back before it became a task. */
  #waitsForNothing(record: TaskRecord, all: readonly TaskRecord[]): boolean {
    return record.depends_on.some((id) => {
      const other = all.find((candidate) => candidate.id === id);
      if (other === undefined) return this.#withdrawn.has(fileOf(id));
      if (!isFinal(other.state.status) || other.state.status === 'done') return false;
      const isTriedAgain = other.state.status === 'failed' || other.state.status === 'cancelled';
      return !isTriedAgain || this.#planned.get(other.dropped_as)?.retried !== true || !this.#mayRetry(other);
    });
  }

  /** One more attempt for each, whatever came of it. */
  #mayRetry(record: TaskRecord): boolean {
    const key = `retry ${record.id}`;
    const first = this.#given.get(key);
    if (first !== undefined && first !== Date.parse(record.state.since)) return false;
    this.#given.set(key, Date.parse(record.state.since));
    return true;
  }
}
