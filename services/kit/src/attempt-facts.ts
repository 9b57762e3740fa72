import type { Handoff } from '@countersign/contracts/handoff.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { isFinal } from '@countersign/contracts/task-state.ts';
import type { Fact } from './approval-facts.ts';
import { readHandoff } from './review-view.ts';

/** The newest attempts that are told one by one. */
const toldAttempts = 20;

/** What is known of one attempt when it has ended: from its handoff, of which only what is ours is taken; null where it left none. */
export type Attempt = {
  readonly attempt: number;
  readonly handoff: Pick<Handoff, 'status' | 'error_class' | 'ended_at' | 'duration_ms' | 'tokens' | 'what'> | null;
};

/** The newest attempts of a task, oldest first. */
export async function readAttempts(volumes: string, record: TaskRecord): Promise<Attempt[]> {
  const first = Math.max(1, record.attempts - toldAttempts + 1);
  const numbers = Array.from({ length: record.attempts - first + 1 }, (_, index) => first + index);
  return await Promise.all(
    numbers.map(async (attempt) => {
      const found = await readHandoff(volumes, record, attempt).catch(() => null);
      if (found === null || found.parsed === null) return { attempt, handoff: null };
      const { status, error_class, ended_at, duration_ms, tokens, what } = found.parsed;
      return { attempt, handoff: { status, error_class, ended_at, duration_ms, tokens, what } };
    }),
  );
}

/** Each attempt in one line. */
export function attemptFacts({ attempts: count, state }: TaskRecord, attempts: readonly Attempt[]): Fact[] {
  const left = count - attempts.length;
  return [
    ['attempts', left > 0 ? `${count}, the newest ${attempts.length} of which are` : String(count)],
    ...attempts.map(({ attempt, handoff }): Fact => {
      const name = `attempt ${attempt}`;
      if (handoff === null)
        return [name, attempt === count && !isFinal(state.status) ? 'has not ended yet' : 'left no handoff'];
      const { status, error_class, ended_at, duration_ms, tokens, what } = handoff;
      const used =
        tokens === null ? '' : `, ${tokens.prompt + tokens.completion} tokens in ${tokens.requests} requests`;
      const error = error_class === null ? '' : ` (${error_class})`;
      return [name, `led to ${status}${error} at ${ended_at}, ${(duration_ms / 1_000).toFixed(1)} s${used}. ${what}`];
    }),
  ];
}
