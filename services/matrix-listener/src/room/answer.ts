import { listenerLimits } from '../limits.ts';
import { type Run, runIn } from './read-run.ts';

/** What a person can decide in the room, on what it was shown. */
export type Decision = 'approve' | 'reject' | 'merge' | 'rebase';
/** What a person can order whatever was shown: it names no digest. */
export type Order = 'cancel' | 'retry' | 'pause' | 'resume';

/** What a person's words come to, before anybody knows what they are about. `words` is what stands behind the verb. */
export type Answer =
  | { readonly kind: 'talk' }
  | { readonly kind: 'unclear'; readonly reason: string }
  | { readonly kind: 'decision'; readonly decision: Decision; readonly words: string }
  | { readonly kind: 'order'; readonly order: Order; readonly words: string }
  /** A task to be dropped. */
  | { readonly kind: 'run'; readonly run: Run };

const command = /^(approve|reject|merge|rebase|cancel|retry|pause|resume)(?:\s|$)/i;
const decisions: readonly string[] = ['approve', 'reject', 'merge', 'rebase'] satisfies Decision[];
const orders: readonly string[] = ['cancel', 'retry', 'pause', 'resume'] satisfies Order[];
/** Controls, and what is not to be seen: two names that look alike must not be two names. */
const invisible = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}]/u;
const otherSpaces = /[^\S ]/u;

/** Reads a message as a command, if it is meant as one. A phone begins a message with a capital letter. Pure. */
export function readAnswer(body: string): Answer {
  const text = body.trim();
  const verb = command.exec(text)?.[1]?.toLowerCase();
  const run = runIn(text);
  if (verb === undefined && run === null) return { kind: 'talk' };
  if (/[\r\n]/.test(text)) return { kind: 'unclear', reason: 'one command a message, on one line' };
  if (text.length > listenerLimits.answerCharacters)
    return { kind: 'unclear', reason: `a command has at most ${listenerLimits.answerCharacters} characters` };
  if (invisible.test(text) || otherSpaces.test(text))
    return { kind: 'unclear', reason: 'the command holds invisible characters; type it anew' };
  if (run !== null) return { kind: 'run', run };
  if (verb === undefined) return { kind: 'talk' };
  const words = text.slice(verb.length).trim();
  if (isDecision(verb)) return { kind: 'decision', decision: verb, words };
  return isOrder(verb) ? { kind: 'order', order: verb, words } : { kind: 'talk' };
}

/**
 * What a reply to a message that asks says in everyday words: `no` with a reason behind a comma, a colon or `because`, or `yes`, alone
 * or with a one-time code. Everywhere else these are talk. Pure.
 */
export function readReply(body: string): Answer {
  const text = body.trim();
  const yes = /^yes(?:[.!]?|[,:]? +(?<code>[0-9]{6}))$/i.exec(text);
  if (yes !== null) return { kind: 'decision', decision: 'approve', words: yes.groups?.['code'] ?? '' };
  const reason = /^no(?:[.!]?$|[,:;.]\s*(?=\S)|\s+(?=because\b))(?<reason>.*)$/isu.exec(text)?.groups?.['reason'];
  return reason === undefined ? readAnswer(body) : readAnswer(`reject ${reason}`);
}

function isDecision(verb: string): verb is Decision {
  return decisions.includes(verb);
}

function isOrder(verb: string): verb is Order {
  return orders.includes(verb);
}

/** What a reaction says; a phone may add the selector that makes a sign colourful. */
export function readReaction(key: string): 'approve' | 'reject' | 'merge' | null {
  switch (key.replaceAll('\u{fe0f}', '')) {
    case '✅':
      return 'approve';
    case '❌':
      return 'reject';
    case '🔀':
      return 'merge';
    default:
      return null;
  }
}

/**
 * A reply's own words. Older clients put a quote of what is answered before them, as lines that begin with `>`; nobody vouches
 * for that quote, and nothing in it counts.
 */
export function withoutQuote(body: string): string {
  const lines = body.split('\n');
  const first = lines.findIndex((line) => !line.startsWith('>'));
  return first <= 0 ? (first === 0 ? body : '') : lines.slice(first).join('\n');
}
