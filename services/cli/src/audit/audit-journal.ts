import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { JournalEvent } from '@countersign/contracts/event.ts';
import { JournalError, lineDigest, scanChain } from '@countersign/kit/chain-scan.ts';
import { isMissing } from '@countersign/kit/files.ts';
import { type Heads, headsFile, tornTail } from './audit-heads.ts';
import type { Finding, Findings } from './finding.ts';
import type { RoomHead, RoomHeads } from './room-heads.ts';

/** What a journal says of a task: its newest record, and the digest that an approval was last asked for. */
export type Told = { readonly record: unknown; readonly line: number; readonly digest: string | null };

export type AuditedJournal = {
  readonly events: number;
  readonly told: ReadonlyMap<string, Told>;
  /** Ends of `heads.jsonl` that the runner found when it started. */
  readonly anchors: readonly { readonly seq: number; readonly head: string; readonly line: number }[];
  /** Whether everything in it could be read. */
  readonly isWhole: boolean;
};

/** Reads a journal from its first line to its last, and compares it with what `heads.jsonl` and the room say. Null when there is none. */
export async function auditJournal(
  volumes: string,
  path: string,
  name: string,
  heads: Heads | null,
  room: RoomHeads,
  { findings, notes }: Findings,
): Promise<AuditedJournal | null> {
  const claim = heads?.claims.get(name);
  const told = new Map<string, Told>();
  const anchors: { seq: number; head: string; line: number }[] = [];
  let claimed: string | null = null;
  let events = 0;
  const posted = Map.groupBy(room.get(name) ?? [], (head) => head.events);
  let other: RoomHead | undefined;
  const see = (bytes: Buffer, line: number, event: JournalEvent | null) => {
    events = line;
    if (line === claim?.events) claimed = lineDigest(bytes);
    const said = posted.get(line);
    if (said !== undefined) other ??= said.find(({ head }) => head !== lineDigest(bytes));
    if (event !== null) hear(event, line, told, anchors);
  };
  const file = await open(join(volumes, path), 'r').catch((error: unknown) => {
    if (isMissing(error)) return null;
    throw error;
  });
  if (file === null) return null;
  let isWhole = false;
  try {
    const { torn, seq } = await scanChain(path, file, JournalEvent, { strict: true, see });
    isWhole = true;
    if (torn > 0) notes.push({ path, line: seq + 1, what: tornTail(torn) });
  } catch (error) {
    if (!(error instanceof JournalError)) throw error;
    findings.push({ path, line: error.line, what: error.what });
  } finally {
    await file.close();
  }
  if (isWhole && claim !== undefined && claimed !== claim.head) {
    const what =
      events < claim.events
        ? `it ends here, and had ${claim.events} lines (${headsFile}:${claim.line})`
        : `this is not the line that ${headsFile}:${claim.line} tells of`;
    findings.push({ path, line: Math.min(events + 1, claim.events), what });
  }
  if (isWhole) other ??= [...posted].find(([line]) => line > events)?.[1][0];
  if (other !== undefined) findings.push(unlike(path, other, events));
  return { events, told, anchors, isWhole };
}

function unlike(path: string, posted: RoomHead, events: number): Finding {
  const { said } = posted;
  return posted.events > events
    ? {
        path,
        line: events + 1,
        what: `it ends here, and had ${posted.events} lines when the room was told of it (${said})`,
      }
    : { path, line: posted.events, what: `this is not the line that the room was told of (${said})` };
}

function hear(
  { task_id, event, data }: JournalEvent,
  line: number,
  told: Map<string, Told>,
  anchors: { seq: number; head: string; line: number }[],
): void {
  const heads = data?.['heads'];
  if (event === 'runner_started' && typeof heads === 'object' && heads !== null && !Array.isArray(heads)) {
    const { seq, head } = heads;
    if (typeof seq === 'number' && typeof head === 'string') anchors.push({ seq, head, line });
  }
  if (task_id === undefined) return;
  const before = told.get(task_id);
  const asked = event === 'approval_requested' && typeof data?.['digest'] === 'string' ? data['digest'] : null;
  const record = data?.['record'];
  if (record === undefined && asked === null) return;
  told.set(task_id, {
    record: record ?? before?.record,
    line: record === undefined ? (before?.line ?? line) : line,
    digest: asked ?? before?.digest ?? null,
  });
}
