import { open } from 'node:fs/promises';
import type { TaskId } from '@countersign/contracts/names.ts';
import { TaskRecord } from '@countersign/contracts/task-record.ts';
import type { TaskStatus } from '@countersign/contracts/task-state.ts';
import { JournalError } from '@countersign/kit/chain-scan.ts';
import { z } from 'zod';

const chunkBytes = 1024 * 1024;
const recordKey = Buffer.from('"record":');

/** As much of a record as tells where its file lay. */
const Place = z.object({ id: z.string(), file: z.string(), state: z.object({ status: z.string() }) });

/** What a journal says of one task in the end, and where its file was before it came to where that record has it. */
export type Told = {
  readonly record: TaskRecord;
  readonly before: { readonly status: TaskStatus; readonly file: string } | null;
};

type Raw = { value: unknown; line: number; status: string; file: string; before: Told['before'] };

/**
 * The last record of every task in a journal, in the order in which the tasks were accepted. Its chain was checked when it was
 * opened; here it is read piece by piece, and of each task the last record alone is checked: what it said before counts no more.
 * @throws JournalError where a record cannot be read: passed over, its task would be lost
 */
export async function lastRecords(path: string): Promise<Map<TaskId, Told>> {
  const raw = new Map<string, Raw>();
  let number = 0;
  for await (const line of linesOf(path)) {
    number += 1;
    if (!line.includes(recordKey)) continue;
    const value = recordIn(path, number, line);
    if (value === undefined) continue;
    const place = Place.safeParse(value);
    if (!place.success) throw new JournalError(path, number, `its record: ${place.error.message}`);
    const { id, file, state } = place.data;
    const last = raw.get(id);
    const moved = last !== undefined && (last.status !== state.status || last.file !== file);
    const before = moved ? { status: last.status as TaskStatus, file: last.file } : (last?.before ?? null);
    raw.set(id, { value, line: number, status: state.status, file, before });
  }
  const told = new Map<TaskId, Told>();
  for (const { value, line, before } of raw.values()) {
    const record = TaskRecord.safeParse(value);
    if (!record.success) throw new JournalError(path, line, `its record: ${record.error.message}`);
    told.set(record.data.id, { record: record.data, before });
  }
  return told;
}

/**
 * All of several journals together: of one run in the order of its events, among runs by when the tasks were accepted. A clock that
 * was set back changes nothing within a run.
 */
export function inOrderOfAcceptance(told: readonly Told[]): Told[] {
  const latest = new Map<string, string>();
  const ranked = told.map((one) => {
    const { run, accepted_at } = one.record;
    const before = latest.get(run) ?? '';
    const rank = accepted_at > before ? accepted_at : before;
    latest.set(run, rank);
    return { one, rank };
  });
  return ranked.sort((a, b) => (a.rank < b.rank ? -1 : a.rank > b.rank ? 1 : 0)).map(({ one }) => one);
}

function recordIn(path: string, number: number, line: Buffer): unknown {
  try {
    const event: { data?: { record?: unknown } } = JSON.parse(line.toString('utf8'));
    return event.data?.record;
  } catch {
    throw new JournalError(path, number, 'not JSON');
  }
}

/** Lines without their line feeds; what follows the last line feed was not wholly written and is left out. */
async function* linesOf(path: string): AsyncGenerator<Buffer> {
  await using file = await open(path, 'r');
  let rest = Buffer.alloc(0);
  for (;;) {
    const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(chunkBytes), 0, chunkBytes, null);
    if (bytesRead === 0) return;
    const bytes = Buffer.concat([rest, buffer.subarray(0, bytesRead)]);
    let start = 0;
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
      yield bytes.subarray(start, end);
      start = end + 1;
    }
    rest = bytes.subarray(start);
  }
}
