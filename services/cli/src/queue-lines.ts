import { confinementWords } from '@countersign/contracts/confinement-words.ts';
import { inertLine } from '@countersign/contracts/inert-text.ts';
import type { QueueState } from '@countersign/contracts/queue-state.ts';
import { queueWords } from '@countersign/contracts/queue-words.ts';
import { readQueueState } from '@countersign/kit/queue-state.ts';
import { CliError } from './failure.ts';

/** Longer ones would be broken into lines by a terminal. */
const lineCharacters = 400;

/** What holds up the queue, in one line each; none when nothing does. */
export function queueLines(queue: QueueState): string[] {
  return queueWords(queue).map((words) => capital(inertLine(words).slice(0, lineCharacters)));
}

/** Which sandboxes nothing got out of when that was tried last, in one line each. */
export function confinedLines({ sandboxes = [] }: QueueState): string[] {
  return sandboxes
    .filter(({ status }) => status === 'confined')
    .map((proof) => capital(inertLine(confinementWords(proof)).slice(0, lineCharacters)));
}

/** @throws CliError when it cannot be read */
export async function readQueue(volumes: string): Promise<QueueState> {
  return await readQueueState(volumes).catch((cause: unknown) => {
    throw new CliError('refused', cause instanceof Error ? cause.message : String(cause), { cause });
  });
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
