import type { StreamBatch } from '@countersign/contracts/page-api.ts';
import { type Signal, signal } from '@preact/signals';

type Piece = StreamBatch['output'][number];

/** The end of what a task at work has written. */
export type Output = {
  readonly attempt: number;
  readonly text: string;
  /** Of each of its files, by part and stream, in bytes from its beginning: how far it is here. */
  readonly ends: ReadonlyMap<string, number>;
};

/** More is on the task's page, from its file. */
export const keptCharacters = 64 * 1024;
export const noOutput: Output = { attempt: 0, text: '', ends: new Map() };
const outputs = new Map<string, Signal<Output>>();
const outputsMost = 50;

/** A task's live output, empty until there is some. */
export function outputOf(task: string): Signal<Output> {
  const known = outputs.get(task);
  if (known !== undefined) return known;
  const made = signal(noOutput);
  outputs.set(task, made);
  const [oldest] = outputs.keys();
  if (outputs.size > outputsMost && oldest !== undefined) outputs.delete(oldest);
  return made;
}

/** Puts pieces of a batch in their places. */
export function takeOutput(pieces: readonly Piece[]): void {
  for (const piece of pieces) {
    const output = outputOf(piece.task);
    output.value = withPiece(output.value, piece);
  }
}

/** The output with one piece more. A piece that is there already changes nothing; one that begins there comes in from where it is new. Pure. */
export function withPiece(output: Output, piece: Omit<Piece, 'task'>): Output {
  if (piece.attempt < output.attempt) return output;
  const before = piece.attempt > output.attempt ? { ...noOutput, attempt: piece.attempt } : output;
  const file = `${piece.part} ${piece.stream}`;
  const known = before.ends.get(file) ?? 0;
  const bytes = new TextEncoder().encode(piece.text);
  const end = piece.at + bytes.length;
  if (end <= known) return before;
  const text = piece.at >= known ? piece.text : new TextDecoder().decode(bytes.subarray(known - piece.at));
  return {
    attempt: before.attempt,
    text: tail(before.text + text),
    ends: new Map(before.ends).set(file, end),
  };
}

/** From the beginning of a line where there is one. */
function tail(text: string): string {
  if (text.length <= keptCharacters) return text;
  const cut = text.slice(-keptCharacters);
  const line = cut.indexOf('\n');
  return line === -1 ? cut : cut.slice(line + 1);
}
