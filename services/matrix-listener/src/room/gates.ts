import { strict as assert } from 'node:assert';
import type { Gate } from '../state/listener-state.ts';

type Found =
  | { readonly ok: true; readonly gate: Gate; readonly rest: string }
  | { readonly ok: false; readonly reason: string };

/**
 * The gate message that a person's words are about. A name that was typed means the newest message before it that asked for
 * that task; only messages that the room has shown before the answer are in `gates`. Names that look the same, because they
 * differ in how Unicode puts their characters together, are the same. Pure.
 * @param typed what stands behind the verb: a task's id or file; with `reject` a reason may follow
 * @param about the gate message that the words reply to, or whose thread they stand in
 */
export function findGate(
  decision: 'approve' | 'reject',
  typed: string,
  gates: readonly Gate[],
  about: Gate | null,
): Found {
  const words = typed.normalize('NFC');
  if (words === '')
    return about === null
      ? refuse(`say which: ${decision} <file or id>, or reply to the message that asks`)
      : { ok: true, gate: about, rest: '' };
  const named = longestName(decision, words, about === null ? gates : [...gates, about]);
  if (about !== null) {
    if (named !== null && namesOf(about).includes(named.name)) return { ok: true, gate: about, rest: named.rest };
    if (named === null && decision === 'reject') return { ok: true, gate: about, rest: words };
    return refuse(`the message that you answer is about ${about.task} (${about.file}), and you name ${quote(words)}`);
  }
  if (named === null) return refuse(`nothing that was asked for in this room is called ${quote(words)}`);
  const matching = gates.filter((gate) => namesOf(gate).includes(named.name));
  const waiting = matching.filter((gate) => !gate.closed);
  const candidates = waiting.length > 0 ? waiting : matching;
  const tasks = [...new Set(candidates.map((gate) => gate.task))];
  // An id belongs to one task for ever; a file's name may be used again and again.
  const task = tasks.find((id) => id === named.name) ?? (waiting.length > 0 ? only(tasks) : newest(candidates)?.task);
  if (task === undefined) return refuse(`${quote(named.name)} is ${tasks.join(' and ')}; name the id`);
  const gate = newest(candidates.filter((candidate) => candidate.task === task));
  assert(gate, 'the task was found among these messages');
  return { ok: true, gate, rest: named.rest };
}

/** Names may hold spaces, and a reason follows one: the longest known name that the words begin with. */
function longestName(decision: 'approve' | 'reject', words: string, gates: readonly Gate[]) {
  let name: string | null = null;
  for (const candidate of gates.flatMap(namesOf)) {
    const fits = words === candidate || (decision === 'reject' && words.startsWith(`${candidate} `));
    if (fits && candidate.length > (name?.length ?? 0)) name = candidate;
  }
  return name === null ? null : { name, rest: words.slice(name.length).trim() };
}

function namesOf({ task, file, droppedAs }: Gate): string[] {
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

function quote(words: string): string {
  return JSON.stringify(words.length > 80 ? `${words.slice(0, 80)}…` : words);
}

function refuse(reason: string): Found {
  return { ok: false, reason };
}
