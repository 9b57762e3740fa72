import { linesOf } from './conversation.ts';
import { maximumChunkDelayMs, maximumFillerKilobytes, maximumPauseMs } from './limits.ts';

/** A line such as `rehearsal: slow 200ms`, also as an item of a list. */
export const directivePattern = /^\s*(?:[-*+>]\s+|\d{1,3}[.)]\s+)?rehearsal:\s*(\S.*?)\s*$/i;

/** How an answer is to go wrong, or slow, because the conversation's text asked for it. */
export type Behaviour = {
  pauseMs: number;
  chunkDelayMs: number;
  fillerKilobytes: number;
  /** The status of the refusal to answer with. */
  errorStatus: number | undefined;
  call: 'as-told' | 'loop' | 'garbage' | 'unknown-tool';
  delivery: 'complete' | 'cut' | 'mid-stream-error' | 'garbage-stream' | 'length';
  /** Directives that are none. The answer names them, so that a misspelt test does not pass by chance. */
  notUnderstood: string[];
};

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000 };

function apply(behaviour: Behaviour, directive: string): boolean {
  const [word = '', value = '', ...rest] = directive.toLowerCase().split(/\s+/);
  const [, digits, unit = ''] = /^(\d{1,6})(ms|s|m)?$/.exec(value) ?? [];
  const amount = digits === undefined ? undefined : Number(digits);
  const durationMs = amount === undefined || unitMs[unit] === undefined ? undefined : amount * unitMs[unit];
  if (rest.length > 0) return false;
  switch (word) {
    case 'slow':
      behaviour.chunkDelayMs = Math.min(durationMs ?? 0, maximumChunkDelayMs);
      return durationMs !== undefined;
    case 'pause':
      behaviour.pauseMs = Math.min(durationMs ?? 0, maximumPauseMs);
      return durationMs !== undefined;
    case 'long-output':
      behaviour.fillerKilobytes = Math.min(amount ?? 0, maximumFillerKilobytes);
      return amount !== undefined;
    case 'error':
      if (amount === undefined || amount < 400 || amount > 599) return false;
      behaviour.errorStatus = amount;
      return true;
    case 'loop':
    case 'garbage':
    case 'unknown-tool':
      if (value !== '') return false;
      behaviour.call = word;
      return true;
    case 'cut':
    case 'mid-stream-error':
    case 'garbage-stream':
    case 'length':
      if (value !== '') return false;
      behaviour.delivery = word;
      return true;
    default:
      return false;
  }
}

/**
 * Reads the test controls in a conversation's text. Each may end in `while planning` or `while executing`;
 * `loop` holds while executing unless it says otherwise, for a plan that never ends is never approved.
 */
export function readDirectives(text: string, mode: 'planning' | 'executing'): Behaviour {
  const behaviour: Behaviour = {
    pauseMs: 0,
    chunkDelayMs: 0,
    fillerKilobytes: 0,
    errorStatus: undefined,
    call: 'as-told',
    delivery: 'complete',
    notUnderstood: [],
  };
  for (const line of linesOf(text)) {
    const directive = directivePattern.exec(line)?.[1];
    if (directive === undefined) continue;
    const [, bare = '', wanted] = /^(.*?)(?:\s+while\s+(planning|executing))?$/i.exec(directive) ?? [];
    const scope = wanted?.toLowerCase() ?? (/^loop$/i.test(bare) ? 'executing' : mode);
    if (scope === mode && !apply(behaviour, bare)) behaviour.notUnderstood.push(`rehearsal: ${directive}`);
  }
  return behaviour;
}
