import { strict as assert } from 'node:assert';
import { closestWord } from '@countersign/kit/closest-word.ts';
import type { Gate } from '../state/listener-state.ts';
import type { Decision, Order } from './answer.ts';
import { hideCodes } from './one-time-code.ts';

type Found =
  | { readonly ok: true; readonly gate: Gate; readonly rest: string }
  | { readonly ok: false; readonly reason: string };

/**
 * The gate message that a person's words are about. A name that was typed means the newest message before it that asked for
 * that task, and for what the verb decides; only messages that the room has shown before the answer are in `gates`. Names that
 * look the same, because they differ in how Unicode puts their characters together, are the same. Pure.
 * @param typed what stands behind the verb: a task's id or file; with `reject` a reason may follow, with `merge` the word
 * `unverified`, and with `approve` and `merge` a one-time code. A task's name is never a code
 * @param about the gate message that the words reply to, or whose thread they stand in
 */
export function findGate(decision: Decision, typed: string, gates: readonly Gate[], about: Gate | null): Found {
  const words = typed.normalize('NFC');
  const named = longestName(decision, words, about === null ? gates : [...gates, about]);
  const isNameless = words === '' || (named === null && mayFollow(decision, words));
  if (about !== null) {
    const isNamed = named !== null && namesOf(about).includes(named.name);
    if (!isNamed && !isNameless)
      return refuse(`the message that you answer is about ${about.task} (${about.file}), and you name ${quote(words)}`);
    if (!decides(decision, about)) return refuse(otherWay(decision, about));
    return { ok: true, gate: about, rest: isNamed ? named.rest : words };
  }
  if (isNameless && decision !== 'reject')
    return refuse(`say which: ${decision} <file or id>, or reply to the message that asks`);
  if (words === '') return refuse(`say which: ${decision} <file or id>, or reply to the message that asks`);
  if (named === null)
    return refuse(`nothing that was asked for in this room is called ${quote(words)}${orMeant(words, gates)}`);
  const called = gates.filter((gate) => namesOf(gate).includes(named.name));
  const matching = called.filter((gate) => decides(decision, gate));
  const waiting = matching.filter((gate) => !gate.closed);
  const candidates = waiting.length > 0 ? waiting : matching;
  const tasks = [...new Set(candidates.map((gate) => gate.task))];
  // An id belongs to one task for ever; a file's name may be used again and again.
  const task = tasks.find((id) => id === named.name) ?? (waiting.length > 0 ? only(tasks) : newest(candidates)?.task);
  if (task === undefined) {
    const other = newest(called);
    if (matching.length === 0 && other !== undefined) return refuse(otherWay(decision, other));
    return refuse(`${quote(named.name)} is ${tasks.join(' and ')}; name the id`);
  }
  const gate = newest(candidates.filter((candidate) => candidate.task === task));
  assert(gate, 'the task was found among these messages');
  return { ok: true, gate, rest: named.rest };
}

function orMeant(words: string, gates: readonly Gate[]): string {
  const [first = ''] = words.split(' ', 1);
  const near = closestWord(first, [...new Set(gates.filter(({ closed }) => !closed).flatMap(namesOf))]);
  return near === null ? '' : `; did you mean ${near}?`;
}

/**
 * In a thread that tells of a task, what is said without being a reply means the newest message there that the verb can be about,
 * as a typed name means the newest one in the room. Pure.
 */
export function newestInThread(decision: Decision | Order, thread: string | null, gates: readonly Gate[]): Gate | null {
  if (thread === null) return null;
  const there = gates.filter((gate) => gate.event === thread || gate.thread === thread);
  return newest(there.filter((gate) => decides(decision, gate))) ?? null;
}

/** Whether a decision can be one on what a message asked for. */
function decides(decision: Decision | Order, { asks }: Gate): boolean {
  switch (decision) {
    case 'approve':
      return asks === 'approval';
    case 'merge':
    case 'rebase':
      return asks === 'review';
    case 'reject':
      return asks !== 'answer';
    case 'cancel':
    case 'retry':
    case 'pause':
    case 'resume':
      return true;
  }
}

function otherWay(decision: Decision, { task, asks }: Gate): string {
  if (asks === 'answer') return `${task} asks something, which is answered in reply to its message: answer ${task} …`;
  return asks === 'review'
    ? `${task} is past its approval; what waits is the merge of its result: merge ${task}`
    : `${task} has no result in this room that you could ${decision}`;
}

/** Whether words can stand behind the name, or alone in answer to a message. */
function mayFollow(decision: Decision, words: string): boolean {
  switch (decision) {
    case 'reject':
      return true;
    case 'merge':
      return /^(?:unverified|(?:unverified +)?[0-9]{6})$/i.test(words);
    case 'approve':
      return /^[0-9]{6}$/.test(words);
    case 'rebase':
      return false;
  }
}

/** Names may hold spaces, and words may follow one: the longest known name that the words begin with. */
function longestName(decision: Decision, words: string, gates: readonly Gate[]) {
  let name: string | null = null;
  for (const candidate of gates.flatMap(namesOf)) {
    const follows = words.startsWith(`${candidate} `) && mayFollow(decision, words.slice(candidate.length).trim());
    if ((words === candidate || follows) && candidate.length > (name?.length ?? 0)) name = candidate;
  }
  return name === null ? null : { name, rest: words.slice(name.length).trim() };
}

/** What a task can be called by. */
export function namesOf({ task, file, droppedAs }: Pick<Gate, 'task' | 'file' | 'droppedAs'>): string[] {
  return [task, file.normalize('NFC'), droppedAs.normalize('NFC')];
}

function only(tasks: readonly string[]): string | undefined {
  return tasks.length === 1 ? tasks[0] : undefined;
}

function newest(gates: readonly Gate[]): Gate | undefined {
  return gates.reduce<Gate | undefined>(
    (best, gate) => ((gate.seen ?? 0) > (best?.seen ?? -1) ? gate : best),
    undefined,
  );
}

/** Somebody's words in an answer, cut, and without a code that was mistaken for them. */
export function quote(words: string): string {
  const shown = hideCodes(words);
  return JSON.stringify(shown.length > 80 ? `${shown.slice(0, 80)}…` : shown);
}

function refuse(reason: string): Found {
  return { ok: false, reason };
}
