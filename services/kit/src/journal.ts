import { open } from 'node:fs/promises';
import { type EventBody, JournalEvent } from '@countersign/contracts/event.ts';
import { ChainFile, type ChainOptions } from './chain-file.ts';
import { ChainCheck, scanChain, wholeLength } from './chain-scan.ts';

/** A `telemetry.jsonl`: the events of a run, or of what belongs to none. Its invariants are those of `ChainFile`. */
export type Journal = ChainFile<EventBody, JournalEvent>;
export const Journal = {
  /** Opens or makes the file. @throws JournalError when its chain is broken before the tail */
  open: (path: string, options: ChainOptions = {}): Promise<Journal> => ChainFile.open(path, JournalEvent, options),
};

/**
 * Tells of every event of a journal's whole lines, in order, and holds none of them: memory does not grow with the file. What the
 * writer would cut from the tail is not looked at.
 * @throws JournalError when a line is no event or the chain is broken
 */
export async function readJournal(path: string, hear: (event: JournalEvent) => void): Promise<void> {
  await using file = await open(path, 'r');
  await scanChain(path, file, JournalEvent, {
    strict: true,
    see: (_line, _seq, event) => {
      if (event !== null) hear(event);
    },
  });
}

/**
 * The events of a journal's whole lines, in order; what the writer would cut from the tail is not looked at.
 * @throws JournalError when a line is no event or the chain is broken
 */
export function parseJournal(path: string, content: string | Uint8Array): JournalEvent[] {
  const bytes = typeof content === 'string' ? Buffer.from(content) : asBuffer(content);
  const length = wholeLength(bytes);
  const check = new ChainCheck(path, JournalEvent, true);
  const events: JournalEvent[] = [];
  for (let start = 0; start < length; ) {
    const end = bytes.indexOf('\n', start);
    const event = check.take(bytes.subarray(start, end));
    if (event !== null) events.push(event);
    start = end + 1;
  }
  return events;
}

/** The same bytes, not a copy of them. */
function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
