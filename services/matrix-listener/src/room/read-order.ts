import { commandLimits, taskFileLimits } from '@countersign/contracts/limits.ts';
import { TaskId } from '@countersign/contracts/names.ts';
import type { AskedCommand } from '@countersign/kit/command-spool.ts';
import type { Gate, OpenTask } from '../state/listener-state.ts';
import type { Order } from './answer.ts';
import { namesOf, quote } from './gates.ts';

type Ordered = AskedCommand & { kind: Order };
type Read = { readonly ok: true; readonly asked: Ordered } | { readonly ok: false; readonly reason: string };
type Named = Pick<Gate, 'task' | 'file' | 'droppedAs'>;

/**
 * What a person's words ask for that names no digest. A task is meant whatever it is at, so it may also be one that the room was
 * never asked about. A name that is not known here goes to the runner as it was typed: it knows every task. Pure.
 * @param typed what stands behind the verb: a task's id or file; with `cancel` and `pause` a reason may follow
 * @param gates gate messages that the room has shown
 * @param tasks those that have not ended, as far as they are known
 * @param about the gate message that the words reply to, or whose thread they stand in
 */
export function readOrder(
  order: Order,
  typed: string,
  gates: readonly Gate[],
  tasks: readonly OpenTask[],
  about: Gate | null,
): Read {
  const words = typed.normalize('NFC');
  switch (order) {
    case 'pause':
      return { ok: true, asked: { kind: order, subject: { reason: cut(words) } } };
    case 'resume':
      if (words !== '') return refuse('resume stands alone; nothing was done');
      return { ok: true, asked: { kind: order, subject: {} } };
    case 'cancel':
    case 'retry':
      return readTaskOrder(order, words, gates, tasks, about);
  }
}

function readTaskOrder(
  order: 'cancel' | 'retry',
  words: string,
  gates: readonly Gate[],
  tasks: readonly OpenTask[],
  about: Gate | null,
): Read {
  const named = longestName(order, words, [...tasks, ...gates, ...(about === null ? [] : [about])]);
  if (about !== null) {
    if (named !== null && namesOf(about).includes(named.name)) return ask(order, about.task, named.rest);
    const other = named?.name ?? startOf(order, words, /^\S+\.md(?= |$)/);
    if (other !== undefined || (order === 'retry' && words !== ''))
      return refuse(
        `the message that you answer is about ${about.task} (${about.file}), and you name ${quote(other ?? words)}`,
      );
    return ask(order, about.task, words);
  }
  if (words === '') return refuse(`say which: ${order} <file or id>, or reply to the message that asked for it`);
  if (named === null) return passOn(order, words);
  const task = choose(order, named.name, gates, tasks);
  return typeof task === 'string'
    ? ask(order, task, named.rest)
    : refuse(`${quote(named.name)} is ${task.join(' and ')}; name the id`);
}

/**
 * An id belongs to one task for ever; a file's name may be used again and again. One that is cancelled has not ended, and is known
 * here; of those that have, and of what is not known, the runner knows which one a name can mean.
 */
function choose(order: 'cancel' | 'retry', name: string, gates: readonly Gate[], tasks: readonly OpenTask[]) {
  if ([...tasks, ...gates].some(({ task }) => task === name)) return name;
  const [only, ...others] = order === 'cancel' ? idsCalled(name, tasks) : [];
  return only === undefined || others.length === 0 ? (only ?? name) : [only, ...others];
}

/** The runner knows every task: a name that can be one of a task or of its file is for it to judge. */
function passOn(order: 'cancel' | 'retry', words: string): Read {
  const name =
    startOf(order, words, /^.+?\.md(?= |$)/) ?? words.split(' ', 1).find((word) => TaskId.safeParse(word).success);
  if (name === undefined || Buffer.byteLength(name) > taskFileLimits.nameBytes || name.includes('/'))
    return refuse(`no task is called ${quote(words)}`);
  const rest = words.slice(name.length).trim();
  if (order === 'retry' && rest !== '') return refuse(`no task is called ${quote(words)}`);
  return ask(order, name, rest);
}

function startOf(order: 'cancel' | 'retry', words: string, pattern: RegExp): string | undefined {
  const start = pattern.exec(words)?.[0];
  return order === 'retry' && start !== words ? undefined : start;
}

function ask(order: 'cancel' | 'retry', task: string, rest: string): Read {
  if (order === 'retry') return { ok: true, asked: { kind: order, subject: { task } } };
  return { ok: true, asked: { kind: order, subject: { task, reason: cut(rest) } } };
}

/** Names may hold spaces, and a reason may follow one: the longest known name that the words begin with. */
function longestName(order: Order, words: string, known: readonly Named[]) {
  let name: string | null = null;
  for (const candidate of known.flatMap(namesOf)) {
    const follows = order === 'cancel' && words.startsWith(`${candidate} `);
    if ((words === candidate || follows) && candidate.length > (name?.length ?? 0)) name = candidate;
  }
  return name === null ? null : { name, rest: words.slice(name.length).trim() };
}

function idsCalled(name: string, known: readonly Named[]): string[] {
  return [...new Set(known.filter((each) => namesOf(each).includes(name)).map(({ task }) => task))];
}

function cut(reason: string): string {
  return reason.slice(0, commandLimits.reasonCharacters);
}

function refuse(reason: string): Read {
  return { ok: false, reason };
}
