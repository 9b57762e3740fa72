import type { RoomSettings } from '@countersign/contracts/config/room.ts';
import type { MatrixUserId } from '@countersign/contracts/matrix-names.ts';
import { threadOf } from '../journals/asked.ts';
import { inThread } from '../message/in-thread.ts';
import { escalationMessage, reminderMessage } from '../message/reminder-message.ts';
import { messageKey } from '../state/key.ts';
import type { Gate, ListenerState } from '../state/listener-state.ts';
import type { StateFile } from '../state/state-file.ts';
import { enqueue } from './enqueue.ts';

export type Calling = {
  readonly settings: RoomSettings;
  /** Whether a phone may ring for a stage at a time, in ms since 1970. */
  readonly mayRing: (stage: string, now: number) => boolean;
  /** Those who may decide on a stage in the room; of one that is not decided there, all who may on any. */
  readonly personsOf: (stage: string) => readonly MatrixUserId[];
};

/** What of a decision that waits is to be said now: how many calls are due in all by now, and whether its end is near. */
type Due = { readonly gate: Gate; readonly calls: number; readonly isNearEnd: boolean; readonly isEscalated: boolean };

const minuteMs = 60_000;

/**
 * Calls again for decisions that still wait: of each once for each time that is set, once before it expires, and once when quiet
 * hours end in which it was posted. What is due together is one message. After a time without the listener it is called for once.
 */
export async function remind(state: StateFile, calling: Calling, now: number): Promise<void> {
  if (dueAmong(state.now, calling, now).length === 0) return;
  await state.update((next) => {
    const due = dueAmong(next, calling, now);
    for (const { gate, calls, isNearEnd } of due)
      Object.assign(gate, { calls, isSilent: false, isNearEnd: gate.isNearEnd || isNearEnd });
    tell(next, due, calling, now);
  });
}

/** The state is changed already; a key holds what was said of each. */
function tell(state: ListenerState, due: readonly Due[], { personsOf }: Calling, now: number): void {
  const gates = due.map(({ gate }) => gate);
  const escalated = due.filter(({ isEscalated }) => isEscalated);
  const key = messageKey('call', ...gates.map(({ event, calls, isNearEnd }) => `${event} ${calls} ${isNearEnd}`));
  const [only, ...others] = gates;
  if (only === undefined) return;
  const persons = [...new Set(escalated.flatMap(({ gate }) => personsOf(gate.stage)))];
  if (persons.length > 0) enqueue(state, key, escalationMessage(gates, persons, now));
  else
    enqueue(state, key, inThread(reminderMessage(gates, now), others.length > 0 ? null : threadOf(state, only.task)));
}

function dueAmong({ gates }: Pick<ListenerState, 'gates'>, calling: Calling, now: number): Due[] {
  return gates
    .filter(({ closed }) => !closed)
    .flatMap((gate) => dueOf(gate, calling.settings, now))
    .filter(({ gate }) => gate === gates.findLast(({ task }) => task === gate.task))
    .filter(({ gate }) => calling.mayRing(gate.stage, now));
}

function dueOf(gate: Gate, settings: RoomSettings, now: number): Due[] {
  // What an earlier version asked is reminded of by nobody: it is not known since when it waits.
  if (gate.askedAt === null) return [];
  const { reminder_minutes: reminders, escalation_minutes: escalation, expiry_warning_minutes: warning } = settings;
  const times = [...reminders, ...(escalation === null ? [] : [escalation])].toSorted((one, other) => one - other);
  const waitedMs = now - Date.parse(gate.askedAt);
  const calls = Math.max(gate.calls, times.filter((minutes) => minutes * minuteMs <= waitedMs).length);
  const leftMs = gate.expiresAt === null ? Number.POSITIVE_INFINITY : Date.parse(gate.expiresAt) - now;
  // Of what was asked for shortly before its end, the asking has just said so.
  const isShort = waitedMs + leftMs < 2 * (warning ?? 0) * minuteMs;
  const isNearEnd = !gate.isNearEnd && !isShort && warning !== null && leftMs > 0 && leftMs <= warning * minuteMs;
  if (calls === gate.calls && !isNearEnd && !gate.isSilent) return [];
  const escalatedAt = escalation === null ? times.length : times.indexOf(escalation);
  return [{ gate, calls, isNearEnd, isEscalated: gate.calls <= escalatedAt && escalatedAt < calls }];
}
