import type { TokenCount } from '@countersign/contracts/event.ts';
import type { EndFrame } from '@countersign/contracts/frames.ts';
import type { Slot as Reading } from '@countersign/contracts/gateway-api.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import type { Context } from '../context.ts';
import type { ExchangeOutcome } from '../sandbox/exchange.ts';
import type { Activity } from './attempt.ts';
import { type EffectiveBudget, effectiveBudget } from './effective-budget.ts';
import { describeExcess, type Excess, overAdvice } from './excess.ts';

/**
 * Watches what an attempt uses against its budget, and ends it when that is used up: said in the journal first. Tokens and
 * requests are the gateway's figures, output is what came here; of the disk the sandbox is believed, for it can only end itself.
 */
export class BudgetWatch {
  readonly #context: Context;
  readonly #record: TaskRecord;
  readonly #budget: EffectiveBudget;
  readonly #activity: Activity;
  #stopping: Promise<void> | null = null;
  #advice: Promise<void> | null = null;
  #tokens: TokenCount | null = null;
  #finished = false;

  constructor(context: Context, record: TaskRecord, activity: Activity) {
    this.#context = context;
    this.#record = record;
    this.#budget = effectiveBudget(context.config, record);
    this.#activity = activity;
  }

  metered({ tokens, exceeded }: Reading): void {
    // What moves on is no longer ours to stop.
    if (this.#finished) return;
    this.#tokens = tokens;
    const { enforced } = this.#budget;
    const used = { tokens: tokens.prompt + tokens.completion, requests: tokens.requests };
    if (exceeded !== null) this.#end({ item: exceeded, limit: enforced[exceeded] ?? 0, used: used[exceeded] });
    this.#advise({ tokens: used.tokens, requests: used.requests });
  }

  /** @param bytes of standard output and error together, that came or would have come */
  received(bytes: number): void {
    const limit = this.#budget.enforced.output_bytes;
    if (limit !== null && bytes > limit) this.#end({ item: 'output', limit, used: bytes });
  }

  /**
   * The attempt is over. Its tokens are what the gateway metered; what the sandbox counted itself stands only where the gateway
   * does not know.
   */
  async finish(outcome: ExchangeOutcome): Promise<ExchangeOutcome> {
    this.#finished = true;
    const tokens = this.#tokens;
    this.#activity.metered = tokens;
    const finished = outcome.ok ? this.#readEnd(outcome.delivery.end) : null;
    await this.#stopping;
    await this.#advice;
    if (!outcome.ok || finished === null) return outcome;
    const end = tokens === null ? finished : { ...finished, tokens };
    return { ...outcome, delivery: { ...outcome.delivery, end } };
  }

  #readEnd(end: EndFrame): EndFrame {
    const { enforced } = this.#budget;
    const output = end.stdout.bytes + end.stdout.dropped + end.stderr.bytes + end.stderr.dropped;
    this.#advise({ output_bytes: output, disk_bytes: end.disk_bytes ?? 0 });
    switch (end.error_class) {
      case 'budget_disk':
        this.#end({ item: 'disk', limit: end.exceeded?.limit ?? 0, used: end.exceeded?.used ?? 0 });
        return end;
      case 'token_budget':
        // It counts as well, and may have noticed first.
        if (this.#tokens !== null) this.#endWhenUsedUp(this.#tokens);
        return end;
      case 'budget_output':
        // Nobody is stopped by a budget that there is none of, whatever a sandbox says.
        if (enforced.output_bytes === null) return { ...end, error_class: 'tool_failed' };
        this.#end({ item: 'output', limit: enforced.output_bytes, used: Math.max(output, end.exceeded?.used ?? 0) });
        return end;
      default:
        return end;
    }
  }

  #endWhenUsedUp({ prompt, completion }: TokenCount): void {
    const limit = this.#budget.enforced.tokens;
    const used = prompt + completion;
    if (limit !== null && used >= limit) this.#end({ item: 'tokens', limit, used });
  }

  #end(excess: Excess): void {
    if (this.#stopping !== null || this.#activity.reason !== null) return;
    const summary = describeExcess(excess);
    const said = this.#context.tasks.note(this.#record.id, {
      event: 'budget_exceeded',
      phase: this.#phase,
      agent_role: 'runner',
      summary,
      data: { ...excess },
    });
    // What cannot be written down is stopped all the same.
    const stop = () => this.#activity.exceed(excess);
    this.#stopping = said.then(stop, (error: unknown) => {
      stop();
      this.#context.troubles.say(`task ${this.#record.id}`, error);
    });
  }

  /** Told once in an attempt, when the first item is passed. */
  #advise(used: Partial<EffectiveBudget['advised']>): void {
    const passed = overAdvice(this.#budget.advised, used);
    if (passed === null || this.#advice !== null) return;
    this.#advice = this.#context.tasks
      .note(this.#record.id, {
        event: 'governance_advice',
        phase: this.#phase,
        agent_role: 'runner',
        summary: `beyond what stage ${this.#record.stage} advises: ${describeExcess(passed)}; it goes on`,
        data: { ...passed },
      })
      .catch((error: unknown) => this.#context.troubles.say(`task ${this.#record.id}`, error));
  }

  get #phase(): 'plan' | 'run' {
    return this.#record.state.status === 'planning' ? 'plan' : 'run';
  }
}
