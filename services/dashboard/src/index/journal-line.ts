import { ErrorClass, EventBody, TokenCount } from '@countersign/contracts/event.ts';
import { RunId, TaskId, Timestamp } from '@countersign/contracts/names.ts';
import { TaskRecord } from '@countersign/contracts/task-record.ts';
import { TaskStatus } from '@countersign/contracts/task-state.ts';
import { z } from 'zod';

/** What the index takes from an event beside the record that it may carry. */
const Head = z.object({
  ts: Timestamp,
  seq: z.int().positive(),
  run_id: RunId.optional(),
  task_id: TaskId.optional(),
  attempt: z.int().positive().optional(),
  phase: EventBody.shape.phase,
  agent_role: EventBody.shape.agent_role,
  event: EventBody.shape.event,
  status: TaskStatus.optional(),
  summary: z.string().max(4_000),
  duration_ms: z.int().nonnegative().optional(),
  error_class: ErrorClass.optional(),
  tokens: TokenCount.optional(),
});
export type Head = z.infer<typeof Head>;

const dataKey = Buffer.from(',"data":{');
const acceptedKey = Buffer.from('"accepted_at":"');
const recordKey = Buffer.from('"record":{');

/** What a line says of itself, without its `data`, which is most of it and seldom needed; null for a line that is no event. */
export function headOf(line: Buffer): Head | null {
  // As the writer spells it: a quotation mark inside of a text would have a backslash before it.
  const data = line.indexOf(dataKey);
  if (data >= 0) {
    const head = Head.safeParse(parse(`${line.toString('utf8', 0, data)}}`));
    if (head.success) return head.data;
  }
  const head = Head.safeParse(parse(line.toString('utf8')));
  return head.success ? head.data : null;
}

/** Whether it carries a task's record, as far as can be told without parsing it. */
export function carriesRecord(line: Buffer): boolean {
  return line.includes(recordKey);
}

/** When the task was accepted whose record a line carries, without parsing it; null where that does not stand there. */
export function acceptedAtOf(line: Buffer): string | null {
  const start = line.indexOf(acceptedKey);
  if (start < 0) return null;
  const text = line.toString('latin1', start + acceptedKey.length, start + acceptedKey.length + 24);
  return Timestamp.safeParse(text).success ? text : null;
}

/** The record that a line carries; null for one that is none. */
export function recordOf(line: Buffer): TaskRecord | null {
  const event = parse(line.toString('utf8'));
  const record = TaskRecord.safeParse((event as { data?: { record?: unknown } } | undefined)?.data?.record);
  return record.success ? record.data : null;
}

const Verdict = z.object({
  summary: z.string(),
  /** `kind` is there where the command was its channel's own: anybody can bring about a verdict on an unsigned one. */
  data: z.object({ command: z.string().max(64), kind: z.string() }),
});

/** What the runner said of a command; null for a line that says nothing of one, or of one that nobody signed. */
export function verdictOf(line: Buffer): { readonly command: string; readonly summary: string } | null {
  const verdict = Verdict.safeParse(parse(line.toString('utf8')));
  return verdict.success ? { command: verdict.data.data.command, summary: verdict.data.summary } : null;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
