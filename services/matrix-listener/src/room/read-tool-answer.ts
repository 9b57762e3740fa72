import { questionLimits } from '@countersign/contracts/limits.ts';
import { meantAnswer } from '@countersign/contracts/question.ts';
import type { AskedCommand } from '@countersign/kit/command-spool.ts';
import { optionOf } from '../message/keycaps.ts';
import type { Gate } from '../state/listener-state.ts';
import { namesOf, quote } from './gates.ts';
import { codeWanted, isWithCode, splitCode } from './one-time-code.ts';
import type { Relation } from './relation.ts';

/** A message of a task's tool that asks something. */
export type Asking = Gate & { readonly question: NonNullable<Gate['question']> };

type Answered = AskedCommand & { kind: 'answer' };
type Read =
  | { readonly ok: true; readonly asked: Answered; readonly gate: Asking }
  | { readonly ok: false; readonly reason: string };

const typed = /^answer\s+(?:(\S+)\s+)?(\S.*)$/isu;

/**
 * What words tell a task's tool that asked something: in reply to its message any words, in the thread without being a reply one of
 * the options, and anywhere `answer <task> <words>`. An option that is spelt like a command is one in reply to the message that
 * offers it. Where answers need a one-time code, it is the last word. Pure.
 * @param gates that the room has shown
 * @param isCommand whether the words are a command, which then they stay unless they are an option
 * @param givesCode whether the person is one of those who decide, with a code, where one is needed
 * @returns null for words that answer nothing; where nothing was ever asked, all do
 */
export function readToolAnswer(
  text: string,
  relation: Relation,
  gates: readonly Gate[],
  isCommand: boolean,
  givesCode = false,
): Read | null {
  const words = text.trim();
  const asking = gates.filter(isAsking);
  const replied = repliedTo(relation, asking);
  if (replied?.question.options.includes(words) === true) return readWords(replied, words, givesCode);
  const about = replied ?? inThreadOf(relation, asking);
  const named = asking.length === 0 ? null : typed.exec(words);
  if (named !== null) return readTyped(named[1], named[2] ?? '', about, asking, givesCode);
  if (isCommand || about === null || words === '') return null;
  if (replied !== null) return readWords(replied, words, givesCode);
  return about.question.options.length > 0 && meantAnswer(about.question, partsOf(about, words).words) !== null
    ? readWords(about, words, givesCode)
    : null;
}

/** What a reaction on a question tells its tool; null where it tells nothing. Pure. */
export function readToolSign(key: string, gate: Asking): Answered | null {
  const index = optionOf(key);
  const option = index === null ? undefined : gate.question.options[index];
  return option === undefined ? null : askedOf(gate, option);
}

export function isAsking(gate: Gate): gate is Asking {
  return gate.question !== null;
}

function readTyped(
  name: string | undefined,
  rest: string,
  about: Asking | null,
  asking: readonly Asking[],
  givesCode: boolean,
): Read {
  const wanted = name?.normalize('NFC');
  const called = asking.filter((gate) => wanted !== undefined && namesOf(gate).includes(wanted));
  if (name !== undefined && called.length > 0) {
    if (about === null) return readNamed(name, called, rest, givesCode);
    const same = called.findLast(({ task }) => task === about.task);
    if (same !== undefined) return readWords(same, rest, givesCode);
    return refuse(`the message that you answer is about ${about.task}, and you name ${quote(name)}`);
  }
  if (about !== null) return readWords(about, name === undefined ? rest : `${name} ${rest}`, givesCode);
  return refuse(
    name === undefined ? 'say which: answer <task> <words>' : `nothing that asks in this room is called ${quote(name)}`,
  );
}

/** An id belongs to one task for ever; a file's name may be used again and again, and means what still asks. */
function readNamed(name: string, called: readonly Asking[], rest: string, givesCode: boolean): Read {
  const byId = called.findLast(({ task }) => task === name);
  if (byId !== undefined) return readWords(byId, rest, givesCode);
  const open = called.filter(({ closed }) => !closed);
  const tasks = [...new Set(open.map(({ task }) => task))];
  if (tasks.length > 1) return refuse(`${quote(name)} is ${tasks.join(' and ')}; name the id`);
  const newest = open.at(-1);
  if (newest === undefined) return refuse(`nothing that is called ${quote(name)} asks in this room any more`);
  return readWords(newest, rest, givesCode);
}

function readWords(gate: Asking, said: string, givesCode: boolean): Read {
  const { words, code } = partsOf(gate, said);
  if (words === '') return refuse(`say what: answer ${gate.task} <words>`);
  const meant = meantAnswer(gate.question, words);
  if (meant !== null && givesCode && isWithCode(gate) && code === null)
    return refuse(codeWanted(`answer ${gate.task} <words>`));
  if (meant !== null) return { ok: true, asked: askedOf(gate, meant, givesCode ? code : null), gate };
  if (gate.question.options.length === 0)
    return refuse(`an answer has at most ${questionLimits.answerCharacters} characters`);
  const options = gate.question.options.map((option, index) => `${index + 1}. ${option}`).join(', ');
  return refuse(`${quote(words)} is none of what ${gate.task} offers: ${options}`);
}

/** An option is one also where it ends as a code does. */
function partsOf(gate: Asking, said: string): ReturnType<typeof splitCode> {
  return isWithCode(gate) && !gate.question.options.includes(said) ? splitCode(said) : { words: said, code: null };
}

/** The question that a message is a reply to, and not only said in the thread of. */
function repliedTo(relation: Relation, asking: readonly Asking[]): Asking | null {
  if (relation.kind !== 'answer' || relation.thread !== null) return null;
  return asking.find(({ event }) => event === relation.about.at(-1)) ?? null;
}

/** The newest question in the thread that a message stands in. */
function inThreadOf(relation: Relation, asking: readonly Asking[]): Asking | null {
  if (relation.kind !== 'answer') return null;
  return asking.findLast(({ event, thread }) => relation.about.some((each) => each === (thread ?? event))) ?? null;
}

function askedOf({ task, question }: Asking, answer: string, code: string | null = null): Answered {
  return { kind: 'answer', subject: { task, question: question.id, answer }, ...(code === null ? {} : { code }) };
}

function refuse(reason: string): Read {
  return { ok: false, reason };
}
