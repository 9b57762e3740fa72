import type { ErrorClass, JournalEvent } from '@countersign/contracts/event.ts';
import type { TaskId } from '@countersign/contracts/names.ts';
import type { OpenBreaker } from '@countersign/contracts/queue-state.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { isFinal, needsModel, type TaskStatus, takesTurns } from '@countersign/contracts/task-state.ts';
import type { Wait } from '@countersign/contracts/wait.ts';
import { CircuitState, circuitBreaker, handleAll, type IBreaker } from 'cockatiel';
import { z } from 'zod';

/**
 * Failures that say something of a tool in a workspace. What a service of ours, a server or a person ended is none: that is
 * waited for, or was wanted.
 */
const counted: ReadonlySet<ErrorClass> = new Set([
  'tool_failed',
  'tool_missing',
  'timeout',
  'protocol',
  'result_refused',
  'workspace_unusable',
  'workspace_too_large',
  'model_context_too_small',
  'model_failed',
  'plan_missing',
  'step_limit',
  'token_budget',
  'budget_tokens',
  'budget_requests',
  'budget_output',
  'budget_disk',
  'repeated_calls',
  'precondition_failed',
  'postcondition_failed',
]);
const atWork: ReadonlySet<TaskStatus> = new Set(['queued', 'planning', 'approved', 'running', 'verifying']);

const Kept = z.object({
  workspace: z.string(),
  tool: z.string(),
  error_class: z.string(),
  failures: z.int().positive(),
});

export type BreakerSettings = { readonly failures: number; readonly waitMs: number };
/** What happened to a breaker, for the journal. */
export type BreakerNews = {
  readonly event: 'breaker_opened' | 'breaker_probing' | 'breaker_closed';
  readonly summary: string;
  readonly data: Record<string, string | number>;
};

/** Opens at so many failures of one kind in a row; another kind begins to count anew. */
class SameKind implements IBreaker {
  readonly #most: number;
  /** Of the failure that is counted next. */
  next = '';
  state = { kind: '', count: 0 };

  constructor(most: number) {
    this.#most = most;
  }
  success(): void {
    this.state = { kind: '', count: 0 };
  }
  failure(): boolean {
    const count = this.state.kind === this.next ? this.state.count + 1 : 1;
    this.state = { kind: this.next, count };
    return count >= this.#most;
  }
}

/** One tool in one workspace. */
class Breaker {
  readonly workspace: string;
  readonly tool: string;
  readonly #counter: SameKind;
  readonly #policy;
  readonly #waitMs: number;
  readonly #failures: number;
  openedAt = 0;
  /** The one task that tries whether it goes again. */
  probe: TaskId | null = null;
  /** The last one that was told to try: while it cannot begin it is tried again and again, and told once. */
  toldProbe: TaskId | null = null;

  constructor(workspace: string, tool: string, { failures, waitMs }: BreakerSettings, opened?: OpenedBefore) {
    this.workspace = workspace;
    this.tool = tool;
    this.#waitMs = waitMs;
    this.#failures = failures;
    this.#counter = new SameKind(failures);
    this.openedAt = opened?.at ?? 0;
    this.#policy = circuitBreaker(handleAll, {
      breaker: this.#counter,
      halfOpenAfter: waitMs,
      ...(opened === undefined
        ? {}
        : {
            initialState: {
              ownState: { value: CircuitState.Open, openedAt: opened.at, attemptNo: 1 },
              breakerState: { kind: opened.errorClass, count: opened.failures },
            },
          }),
    });
  }

  get isClosed(): boolean {
    return this.#policy.state === CircuitState.Closed;
  }
  get failures(): { readonly kind: string; readonly count: number } {
    return this.#counter.state;
  }
  get until(): Date {
    return new Date(this.openedAt + this.#waitMs);
  }

  /** @param failure null for a success */
  async count(failure: string | null): Promise<void> {
    const before = this.#policy.state;
    this.#counter.next = failure ?? '';
    // What ends while it is open, having begun before, is not counted: the policy refuses it.
    await this.#policy.execute(() => (failure === null ? null : Promise.reject(new Error(failure)))).catch(() => null);
    if (
      this.#policy.state === CircuitState.Open &&
      (before !== CircuitState.Open || this.openedAt + this.#waitMs <= Date.now())
    )
      this.openedAt = Date.now();
  }

  /** Of an outcome before this runner's time: it counts, but what is open comes from the journal alone. */
  remember(failure: string | null): void {
    const { kind, count } = this.#counter.state;
    const most = this.#failures - 1;
    this.#counter.state =
      failure === null
        ? { kind: '', count: 0 }
        : { kind: failure, count: Math.min(most, kind === failure ? count + 1 : 1) };
  }

  describe(): OpenBreaker | null {
    if (this.isClosed) return null;
    const { kind, count } = this.failures;
    return {
      workspace: this.workspace,
      tool: this.tool,
      state: this.probe === null ? 'open' : 'probing',
      error_class: kind,
      failures: Math.max(1, count),
      since: new Date(this.openedAt).toISOString(),
      until: this.until.toISOString(),
    };
  }
}

type OpenedBefore = { readonly at: number; readonly errorClass: string; readonly failures: number };

/**
 * A circuit breaker for each tool in each workspace: after repeated failures of one kind its tasks wait instead of failing one
 * after the other, until one of them, tried alone, gets through. Open ones come back from the journal after a restart.
 */
export class Breakers {
  readonly #settings: BreakerSettings;
  readonly #tell: (news: BreakerNews | null) => void;
  readonly #breakers = new Map<string, Breaker>();
  readonly #opened = new Map<string, OpenedBefore>();
  readonly #last = new Map<TaskId, TaskStatus>();
  #counting: Promise<void> = Promise.resolve();

  /**
   * @param told events of the journal that belongs to no run, oldest first
   * @param tell hears of every change; null where there is nothing to say of it
   */
  constructor(settings: BreakerSettings, told: Iterable<JournalEvent>, tell: (news: BreakerNews | null) => void) {
    this.#settings = settings;
    this.#tell = tell;
    for (const { event, ts, data } of told) {
      if (event !== 'breaker_opened' && event !== 'breaker_closed') continue;
      const kept = Kept.safeParse(data);
      if (!kept.success) continue;
      const { workspace, tool, error_class: errorClass, failures } = kept.data;
      const key = keyOf(workspace, tool);
      if (event === 'breaker_opened') this.#opened.set(key, { at: Date.parse(ts), errorClass, failures });
      else this.#opened.delete(key);
    }
    for (const key of this.#opened.keys()) this.#of(...partsOf(key));
  }

  /** Why a task has to wait, or null when it may begin. */
  mayBegin({
    workspace,
    tool,
  }: Pick<TaskRecord, 'workspace' | 'tool'>): { wait: Omit<Wait, 'since'>; reason: string } | null {
    const breaker = this.#breakers.get(keyOf(workspace, tool));
    if (breaker === undefined || breaker.isClosed) return null;
    const { kind, count } = breaker.failures;
    const why = `${tool} failed ${count} times in a row in ${workspace} (${kind})`;
    const wait = { kind: 'breaker' as const, on: [workspace, tool] };
    if (breaker.probe !== null) return { wait, reason: `${why}; ${breaker.probe} tries whether it goes again` };
    if (Date.now() >= breaker.until.getTime()) return null;
    return { wait, reason: `${why}; one task may try again at ${breaker.until.toISOString()}` };
  }

  /** A task begins; where the breaker is open it is the one that tries. */
  begins({ id, workspace, tool }: TaskRecord): void {
    const breaker = this.#breakers.get(keyOf(workspace, tool));
    if (breaker === undefined || breaker.isClosed || breaker.probe !== null) return;
    breaker.probe = id;
    if (breaker.toldProbe === id) this.#tell(null);
    else this.#say('breaker_probing', breaker, `${id} tries whether ${tool} goes again in ${workspace}`);
    breaker.toldProbe = id;
  }

  /** Nothing is at work on a task any more. One that still waits for its turn has tried nothing: it, or another one, may. */
  letGo(record: TaskRecord): void {
    if (takesTurns(record.state.status) && needsModel(record.state.status)) this.#forgetProbe(record);
  }

  /** Goes on counting where a runner before us was: from how the tasks that there are have ended. */
  resume(records: Iterable<TaskRecord>): void {
    const ended = [...records].flatMap((record) => {
      const outcome = outcomeOf(record);
      return typeof outcome === 'string' ? [] : [{ record, failure: outcome.failure }];
    });
    for (const { record, failure } of ended.sort((a, b) => a.record.state.since.localeCompare(b.record.state.since))) {
      const { workspace, tool } = record;
      if (!this.#opened.has(keyOf(workspace, tool))) this.#of(workspace, tool).remember(failure);
    }
  }

  /** Takes notice of a record that has changed; outcomes are counted in their order. */
  told(record: TaskRecord): void {
    const { id, state } = record;
    const before = this.#last.get(id);
    this.#last.set(id, state.status);
    if (before === undefined || before === state.status) return;
    if (!atWork.has(before)) {
      if (isFinal(state.status)) this.#forgetProbe(record);
      return;
    }
    const outcome = outcomeOf(record);
    if (outcome === 'goes on') return;
    this.#counting = this.#counting.then(() => this.#count(record, outcome));
  }

  /** Resolves when everything that was told is counted. */
  settled(): Promise<void> {
    return this.#counting;
  }

  /** Those that are not closed. */
  open(): OpenBreaker[] {
    return [...this.#breakers.values()].flatMap((breaker) => breaker.describe() ?? []);
  }

  #forgetProbe({ id, workspace, tool }: TaskRecord): void {
    const breaker = this.#breakers.get(keyOf(workspace, tool));
    if (breaker?.probe !== id) return;
    breaker.probe = null;
    this.#tell(null);
  }

  async #count(
    { id, workspace, tool }: TaskRecord,
    outcome: { failure: string | null } | 'says nothing',
  ): Promise<void> {
    const breaker = this.#of(workspace, tool);
    const wasProbe = breaker.probe === id;
    if (wasProbe) {
      breaker.probe = null;
      breaker.toldProbe = null;
    }
    if (outcome === 'says nothing') {
      if (wasProbe) this.#tell(null);
      return;
    }
    const { isClosed, openedAt, failures: before } = breaker;
    await breaker.count(outcome.failure);
    const { kind, count } = breaker.failures;
    if (!breaker.isClosed && (isClosed || breaker.openedAt !== openedAt))
      this.#say(
        'breaker_opened',
        breaker,
        `${tool} failed ${count} times in a row in ${workspace} (${kind}); its tasks there wait, and one may try again at ${breaker.until.toISOString()}`,
      );
    else if (breaker.isClosed && !isClosed)
      this.#say('breaker_closed', breaker, `${tool} goes again in ${workspace}`, before);
  }

  #say(event: BreakerNews['event'], breaker: Breaker, summary: string, { kind, count } = breaker.failures): void {
    const { workspace, tool } = breaker;
    this.#tell({
      event,
      summary,
      data: { workspace, tool, error_class: kind, failures: Math.max(1, count), until: breaker.until.toISOString() },
    });
  }

  #of(workspace: string, tool: string): Breaker {
    const key = keyOf(workspace, tool);
    let breaker = this.#breakers.get(key);
    if (breaker === undefined) {
      breaker = new Breaker(workspace, tool, this.#settings, this.#opened.get(key));
      this.#breakers.set(key, breaker);
    }
    return breaker;
  }
}

/** What a task that has moved on says of its tool. */
function outcomeOf({ state }: TaskRecord): { readonly failure: string | null } | 'says nothing' | 'goes on' {
  switch (state.status) {
    case 'failed':
      return counted.has(state.error_class) ? { failure: state.error_class } : 'says nothing';
    case 'review':
    case 'merging':
    case 'done':
      return { failure: null };
    case 'cancelled':
    case 'interrupted':
    case 'rejected':
    case 'expired':
    case 'invalid':
    case 'queued':
      return 'says nothing';
    case 'pending':
      return 'says nothing';
    case 'approved':
    case 'planning':
    case 'running':
    case 'verifying':
    case 'rebasing':
      return 'goes on';
  }
}

function keyOf(workspace: string, tool: string): string {
  return `${workspace} ${tool}`;
}

/** Neither has a space in its name. */
function partsOf(key: string): [string, string] {
  const [workspace = '', tool = ''] = key.split(' ');
  return [workspace, tool];
}
