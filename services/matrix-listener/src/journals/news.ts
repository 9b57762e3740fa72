import type { JournalEvent } from '@countersign/contracts/event.ts';
import { MatrixEventId } from '@countersign/contracts/matrix-names.ts';
import type { Question } from '@countersign/contracts/question.ts';
import { openQuestion, TaskRecord } from '@countersign/contracts/task-record.ts';
import { isPending, type Pending } from '@countersign/kit/approval-view.ts';
import { isReview, type Review } from '@countersign/kit/review-view.ts';
import { z } from 'zod';
import type { Return } from '../message/review-message.ts';
import { messageKey } from '../state/key.ts';

/** What of the journals concerns the room. `key` is that of the message which tells it. */
export type News =
  /** A task waits for an approval. */
  | { readonly kind: 'request'; readonly key: string; readonly record: Pending }
  /** A result waits to be merged: a new one, or one that a merge or a rebase left as it was. */
  | { readonly kind: 'review'; readonly key: string; readonly record: Review; readonly back: Return }
  /** A task's tool asks something. */
  | { readonly kind: 'question'; readonly key: string; readonly record: TaskRecord; readonly question: Question }
  /** A task is in another state than waiting for a decision. */
  | {
      readonly kind: 'moved';
      readonly key: string;
      readonly record: TaskRecord;
      /** Nothing more is done on it by itself. */
      readonly hasEnded: boolean;
      /** The command that moved it. */
      readonly command: string | null;
    }
  | {
      readonly kind: 'verdict';
      readonly key: string;
      readonly command: string;
      readonly accepted: boolean;
      readonly reason: string;
      readonly at: string;
      /** What was commanded, as the runner names it, and of which task; null where it named none. */
      readonly what: string | null;
      readonly task: string | null;
      /** The event that is the command's evidence; null when the runner found no signature of this channel on the command. */
      readonly evidence: MatrixEventId | null;
    }
  | { readonly kind: 'line'; readonly key: string; readonly text: string }
  /** Something about a task that is worth a line where the room was asked about it, and moves it nowhere by itself. */
  | {
      readonly kind: 'note';
      readonly key: string;
      readonly task: string;
      readonly what: Note;
      readonly text: string;
      /** The command that brought it about. */
      readonly command: string | null;
    }
  /** The whole queue stands still, or goes on. */
  | { readonly kind: 'queue'; readonly key: string; readonly text: string; readonly command: string | null }
  | {
      readonly kind: 'breaker';
      readonly key: string;
      /** Of the breaker: its workspace and tool. */
      readonly name: string;
      readonly isOpen: boolean;
      readonly text: string;
    };

export type Note = 'task_retried' | 'approval_revoked' | 'budget_exceeded';
const notes: readonly string[] = ['task_retried', 'approval_revoked', 'budget_exceeded'] satisfies Note[];

const VerdictData = z.object({ command: z.string(), kind: z.string().optional() });
/** The runner names these only of a command that is signed with its channel's key and lay in its channel's spool. */
const EvidenceData = z.object({ channel: z.literal('matrix'), evidence: MatrixEventId });
const TaskData = z.object({ record: TaskRecord, command_id: z.string().optional() });
const CommandData = z.object({ command_id: z.string() });
const BreakerData = z.object({ workspace: z.string(), tool: z.string() });
const ends: readonly JournalEvent['event'][] = ['merge_ended', 'task_ended', 'task_expired', 'task_rejected'];

/** Reads an event for what the room is to know of it; null where that is nothing. Pure. */
export function newsOf(event: JournalEvent): News | null {
  // The hash of the line before it makes this event's key its own among all journals.
  const key = messageKey(event.event, event.prev, String(event.seq));
  switch (event.event) {
    case 'command_accepted':
    case 'command_refused': {
      const data = VerdictData.safeParse(event.data);
      if (!data.success) return null;
      const { command, kind } = data.data;
      const evidence = EvidenceData.safeParse(event.data).data?.evidence ?? null;
      return {
        kind: 'verdict',
        // What anybody can bring about with an unsigned file must not take the place of the verdict.
        key: messageKey(evidence === null ? 'unsigned' : 'verdict', command),
        command,
        accepted: event.event === 'command_accepted',
        reason: event.summary,
        at: event.ts,
        what: kind ?? null,
        task: event.task_id ?? null,
        evidence,
      };
    }
    case 'message':
      return { kind: 'line', key, text: event.summary };
    case 'queue_paused':
    case 'queue_resumed':
      return { kind: 'queue', key, text: event.summary, command: commandOf(event) };
    case 'breaker_opened':
    case 'breaker_closed': {
      const { workspace, tool } = BreakerData.safeParse(event.data).data ?? {};
      const name = messageKey('breaker', workspace ?? event.summary, tool ?? '');
      return { kind: 'breaker', key, name, isOpen: event.event === 'breaker_opened', text: event.summary };
    }
    default: {
      const data = TaskData.safeParse(event.data);
      if (!data.success) return null;
      const { record, command_id: command } = data.data;
      if (isPending(record)) return { kind: 'request', key: messageKey('request', record.state.digest), record };
      if (isReview(record)) return { kind: 'review', key, record, back: returnOf(event.event) };
      const question = openQuestion(record);
      if (question !== null) return { kind: 'question', key: messageKey('question', question.id), record, question };
      return { kind: 'moved', key, record, hasEnded: ends.includes(event.event), command: command ?? null };
    }
  }
}

/** What an event says of a task beside where it stands now; null for most. Pure. */
export function noteOf(event: JournalEvent): News | null {
  if (!isNote(event.event) || event.task_id === undefined) return null;
  return {
    kind: 'note',
    key: messageKey('note', event.event, event.prev, String(event.seq)),
    task: event.task_id,
    what: event.event,
    text: event.summary,
    command: commandOf(event),
  };
}

function isNote(name: string): name is Note {
  return notes.includes(name);
}

function commandOf({ data }: JournalEvent): string | null {
  return CommandData.safeParse(data).data?.command_id ?? null;
}

function returnOf(event: JournalEvent['event']): Return {
  if (event === 'merge_refused') return 'merge';
  return event === 'rebase_ended' ? 'rebase' : null;
}
