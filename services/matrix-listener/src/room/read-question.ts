import { TaskId } from '@countersign/contracts/names.ts';
import { closestWord } from '@countersign/kit/closest-word.ts';
import { listenerLimits } from '../limits.ts';
import { hideCodes } from './one-time-code.ts';

/** `name` as it was typed: a task's id or file; empty for the task of the message that is answered. */
export type TaskQuestion = { readonly kind: 'show' | 'log' | 'diff'; readonly name: string };

/** What a person wants to know. Nothing is done for it but to answer. */
export type Question =
  | { readonly kind: 'pending' | 'status' | 'help' }
  | TaskQuestion
  /** Mistyped: the command that was probably meant, whole. */
  | { readonly kind: 'mistyped'; readonly meant: string };

const general: readonly string[] = ['pending', 'status', 'help'];
const onTask: readonly string[] = ['show', 'log', 'diff'];
/** What may stand alone, and what stands before a task's name, of all that can be said. */
const alone: readonly string[] = [...general, 'pause', 'resume'];
const beforeTask: readonly string[] = [...onTask, 'approve', 'reject', 'merge', 'rebase', 'cancel', 'retry', 'answer'];

/**
 * Reads words that are no command as a question, or as a slip in one; null for talk. Pure. Words of people among themselves are to
 * be left alone: a slip counts only in plain letters, and only where a command could stand.
 * @param names what tasks can be called by, as far as they are known
 * @param isAnswer whether the words answer a message about a task, so that a name may be missing
 */
export function readQuestion(body: string, names: readonly string[], isAnswer: boolean): Question | null {
  const text = body.trim().normalize('NFC');
  if (text.length > listenerLimits.answerCharacters || /[\r\n]/.test(text)) return null;
  const [, typed = '', words = ''] = /^([a-z]+)(?:\s+(.+))?$/i.exec(text) ?? [];
  const verb = typed.toLowerCase();
  if (isGeneral(verb)) return words === '' ? { kind: verb } : null;
  if (isOnTask(verb)) return canName(words, names) ? { kind: verb, name: words } : null;
  const meant = closestWord(verb, [...alone, ...beforeTask, 'run']);
  if (meant === null || meant === verb) return null;
  const whole = meantWith(meant, words, names, isAnswer);
  return whole === null ? null : { kind: 'mistyped', meant: hideCodes(whole) };
}

/** One word is a name, known or not; of more words only those that are known to be one, or end as a file does. */
function canName(words: string, names: readonly string[]): boolean {
  return !/\s/.test(words) || names.includes(words) || words.endsWith('.md');
}

/** The command that was meant, with a mistyped name of a task mended as well; null where the words are talk. */
function meantWith(meant: string, words: string, names: readonly string[], isAnswer: boolean): string | null {
  if (meant === 'run') return /^[^\s:]+(?:\s+[^\s:]+)?\s*:\s*\S/.test(words) ? `${meant} ${words}` : null;
  if (words === '') return alone.includes(meant) || isAnswer ? meant : null;
  if (!beforeTask.includes(meant)) return null;
  const known = names.find((name) => words === name || words.startsWith(`${name} `));
  if (known !== undefined) return `${meant} ${words}`;
  const [first = ''] = words.split(/\s/, 1);
  const near = closestWord(first, names);
  if (near !== null) return `${meant} ${near}${words.slice(first.length)}`;
  // A word with a digit in it is no word of talk.
  const isName = first.endsWith('.md') || (/\d/.test(first) && TaskId.safeParse(first.toLowerCase()).success);
  return isName ? `${meant} ${words}` : null;
}

function isGeneral(verb: string): verb is 'pending' | 'status' | 'help' {
  return general.includes(verb);
}

function isOnTask(verb: string): verb is 'show' | 'log' | 'diff' {
  return onTask.includes(verb);
}
