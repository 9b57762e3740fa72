import { MatrixEventId } from '@countersign/contracts/matrix-names.ts';
import type { Logger } from '@countersign/kit/logger.ts';
import type { RateBudget } from '@countersign/kit/rate-budget.ts';
import { listenerLimits } from '../limits.ts';
import { lateMessage, verdictMessage } from '../message/answers.ts';
import { answeringInThread } from '../message/in-thread.ts';
import { markOf } from '../message/mark.ts';
import { enqueue, signCounted } from '../outbox/enqueue.ts';
import { recordSent } from '../outbox/send-loop.ts';
import type { Patience } from '../patience.ts';
import { type Answering, answerQuestion } from '../questions/answer-question.ts';
import { Draft } from '../state/draft.ts';
import { messageKey } from '../state/key.ts';
import type { Gate, GivenApproval, Issued, ListenerState } from '../state/listener-state.ts';
import type { StateFile } from '../state/state-file.ts';
import { commandIdOf } from './command-id.ts';
import type { CommandWriter } from './command-writer.ts';
import { type Judgement, judge, type Surroundings } from './judge.ts';
import { ObservedEvent } from './observed.ts';
import { hideCodes } from './one-time-code.ts';
import { type Attached, readFile } from './read-file.ts';
import { editedBy } from './relation.ts';

type Parts = {
  readonly state: StateFile;
  readonly commands: CommandWriter;
  /** For answers to people who may not decide, so that they cannot make the bot flood the room. */
  readonly strangers: RateBudget;
  /** For what others can make us write to the log, again and again. */
  readonly lines: RateBudget;
  /** For answers to questions, so that another program's answers to them do not go on for ever. */
  readonly questions: RateBudget;
  readonly answering: Answering;
  /** Gives the bytes of a file in the room. */
  readonly download: (attached: Attached) => Promise<Uint8Array>;
  readonly patience: Patience;
  readonly surroundings: Pick<Surroundings, 'room' | 'bot' | 'approvers' | 'codeGivers'>;
  readonly logger: Logger;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Milliseconds of a clock that does not go back. */
  readonly clock?: () => number;
};

function clockOf({ clock }: Parts): number {
  return clock?.() ?? performance.now();
}

/** What the room was read up to with some events: a whole sync, or a part of the gap before one. */
export type Reached = { readonly since: string } | { readonly gap: string | null };

/** What others do in the room is told, as far as it does not fill the disk. */
function say(parts: Parts, fields: object, text: string): void {
  const unwritten = parts.lines.take(clockOf(parts));
  if (unwritten !== null) parts.logger.warn({ ...fields, ...(unwritten > 0 ? { unwritten } : {}) }, text);
}

/**
 * Deals with events of the room in their order. Invariants: what the room has shown is kept before a command about it is in the spool,
 * so that its verdict, however quick, finds what was asked; a command is there before the event that it comes from counts as handled;
 * a command's id is made from that event's, so that one that is written again is the same one. An approval is known as given before
 * its command is in the spool: what withdraws its event, whenever that comes, takes it back. What fails is dealt with again, and
 * nothing that was dealt with before it.
 */
export async function takeIn(parts: Parts, raw: readonly unknown[], reached: Reached): Promise<void> {
  const { state } = parts;
  const events = raw.flatMap((value) => ObservedEvent.safeParse(value).data ?? []);
  if (events.length < raw.length)
    say(parts, { ignored: raw.length - events.length }, 'events are not what the Matrix specification says');
  const withdrawn = { redacted: new Set(events.flatMap(redactedBy)), edited: new Set(events.flatMap(editOf)) };
  const handled = new Set(state.now.handled);
  const draft = new Draft(state);
  try {
    for (const event of events) {
      if (handled.has(event.event_id)) continue;
      for (const change of await revoke(parts, event, draft)) draft.apply(change);
      const change =
        event.sender === parts.surroundings.bot ? ownEvent(event) : await dealWith(parts, event, draft, withdrawn);
      if (change !== null) draft.apply(change);
      // What was taken back before it came is not to count when it comes.
      const done = [event.event_id, ...redactedBy(event).filter((id) => !handled.has(id))];
      for (const id of done) handled.add(id);
      draft.apply((next) => void next.handled.push(...done));
    }
  } catch (error) {
    // When that cannot be kept, it is done again in the same way.
    await draft.keep().catch(() => undefined);
    throw error;
  }
  const { since, gap } = state.now;
  if ('since' in reached ? reached.since !== since || gap !== null : reached.gap !== gap)
    draft.apply((next) => void Object.assign(next, 'since' in reached ? { since: reached.since, gap: null } : reached));
  // What came too late is told when the room was read to its end: one message, however long nobody listened.
  if ('since' in reached && draft.now.late.count > 0) draft.apply(tellOfLate);
  await draft.keep();
}

function keepLate({ late }: ListenerState, { answerTo, words }: Judgement & { kind: 'late' }): void {
  late.count += 1;
  if (late.first.length < listenerLimits.lateShown)
    late.first.push({ answerTo, words: hideCodes(words.trim()).slice(0, listenerLimits.lateCharacters) });
}

function tellOfLate(next: ListenerState): void {
  const { count, first } = next.late;
  enqueue(
    next,
    messageKey('too-late', String(count), ...first.map(({ answerTo }) => answerTo)),
    lateMessage(next.late),
  );
  next.late = { count: 0, first: [] };
}

/** A message of the bot's own has its place in the room now, also when the answer to its sending was lost. */
function ownEvent(event: ObservedEvent): ((next: ListenerState) => void) | null {
  const mark = markOf(event.content);
  return (next) => {
    const waiting = [...next.outgoing, ...next.withdrawn].find(({ key }) => key === mark);
    const gate = next.gates.find((candidate) => candidate.event === event.event_id);
    if (waiting === undefined && gate === undefined) return;
    const isGate = (gate ?? waiting?.request ?? null) !== null;
    if (isGate) next.shown += 1;
    if (gate !== undefined) gate.seen ??= next.shown;
    if (waiting !== undefined) recordSent(next, waiting, event.event_id, isGate ? next.shown : null);
  };
}

async function dealWith(
  parts: Parts,
  event: ObservedEvent,
  draft: Draft,
  withdrawn: Pick<Surroundings, 'redacted' | 'edited'>,
): Promise<((next: ListenerState) => void) | null> {
  const { surroundings, strangers, logger, now } = parts;
  const judgement = judge(event, {
    ...surroundings,
    ...withdrawn,
    gates: draft.now.gates,
    tasks: draft.now.tasks,
    now: now(),
  });
  const about = { event: event.event_id, sender: event.sender };
  switch (judgement.kind) {
    case 'ignore':
      logger.debug({ ...about, why: judgement.why }, 'an event is no decision');
      return null;
    case 'refuse':
      say(parts, { ...about, reason: judgement.reason }, 'a decision was refused');
      if (judgement.isStranger && strangers.take(clockOf(parts)) === null) return null;
      return refusal(event, judgement);
    case 'late':
      say(parts, about, 'a decision came too late');
      return (next) => keepLate(next, judgement);
    case 'ask':
      return await answer(parts, event, judgement, draft);
    case 'fetch': {
      const read = await readFile(judgement.attached, parts.download, commandIdOf(event.event_id), parts.patience);
      return read.ok
        ? await pass(parts, event, { kind: 'order', asked: read.asked, answerTo: judgement.answerTo }, draft)
        : refusal(event, { ...judgement, reason: read.reason });
    }
    case 'decide':
    case 'order':
      return await pass(parts, event, judgement, draft);
  }
}

/** Signs what a person has decided, and waits for the verdict. */
async function pass(
  parts: Parts,
  event: ObservedEvent,
  judgement: Judgement & { kind: 'decide' | 'order' },
  draft: Draft,
): Promise<(next: ListenerState) => void> {
  const { commands, logger, now } = parts;
  const issued = commands.reserve();
  if (judgement.kind === 'decide' && judgement.decision === 'approve')
    draft.apply(remember(event, judgement.gate, issued));
  await draft.keep();
  const command = await commands.write(judgement, event, issued);
  const named =
    judgement.kind === 'order'
      ? { order: judgement.asked.kind, subject: namedIn(judgement.asked) }
      : { task: judgement.gate.task, decision: judgement.decision };
  logger.info({ event: event.event_id, sender: event.sender, command, ...named }, 'a decision was passed on');
  const code = judgement.kind === 'order' ? codeIn(judgement.asked) : judgement.code;
  return issue(command, judgement.answerTo, now(), code !== undefined);
}

/** Why something does not count, in answer to it. */
function refusal(
  { event_id: event }: ObservedEvent,
  { reason, answerTo }: { readonly reason: string; readonly answerTo: MatrixEventId },
): (next: ListenerState) => void {
  return (next) => enqueue(next, messageKey('refusal', event), verdictMessage({ accepted: false, reason }, answerTo));
}

function codeIn(asked: (Judgement & { kind: 'order' })['asked']): string | undefined {
  return 'code' in asked ? asked.code : undefined;
}

/** Without the words of a task. */
function namedIn({ kind, subject }: (Judgement & { kind: 'order' })['asked']): object {
  return kind === 'submit' ? { file: subject.file } : kind === 'answer' ? { ...subject, answer: '…' } : subject;
}

/** One answer to a question, under a key of its own: an event that comes again is not answered again. */
async function answer(
  parts: Parts,
  { event_id: event, sender }: ObservedEvent,
  { question, about, answerTo, root }: Judgement & { kind: 'ask' },
  draft: Draft,
): Promise<((next: ListenerState) => void) | null> {
  if (parts.questions.take(clockOf(parts)) === null) {
    say(parts, { event, sender }, 'too many questions at once: one is not answered');
    return null;
  }
  const content = await answerQuestion(parts.answering, question, about, draft.now);
  parts.logger.info({ event, sender, question: question.kind }, 'a question is answered');
  return (next) => enqueue(next, messageKey('answer', event), answeringInThread(content, answerTo, root));
}

/** Keeps that an approval is given, before it is: a listener that dies in between knows what a withdrawal is about. */
function remember(
  event: ObservedEvent,
  { task, event: answerTo }: Gate,
  issued: number,
): (next: ListenerState) => void {
  const { event_id, sender } = event;
  const given: GivenApproval = { event: event_id, sender, task, command: commandIdOf(event_id), issued, answerTo };
  return (next) => {
    next.approvals = [...next.approvals.filter((known) => known.event !== event_id), given];
  };
}

/** Takes back what was approved by an event that this one takes back or, from the same sender, edits. */
async function revoke(
  { commands, logger, now, surroundings }: Parts,
  event: ObservedEvent,
  draft: Draft,
): Promise<((next: ListenerState) => void)[]> {
  if (event.room_id !== undefined && event.room_id !== surroundings.room) return [];
  const redacted = new Set<string>(redactedBy(event));
  const edits = new Set(editOf(event));
  const changes: ((next: ListenerState) => void)[] = [];
  for (const given of draft.now.approvals) {
    if (!redacted.has(given.event) && !edits.has(`${given.sender} ${given.event}`)) continue;
    const command = await commands.revoke(given, event.event_id);
    logger.info(
      { event: event.event_id, sender: event.sender, command, task: given.task },
      'an approval was taken back',
    );
    const told = issue(command, given.answerTo, now());
    changes.push((next) => {
      next.approvals = next.approvals.filter((known) => known.event !== given.event);
      told(next);
    });
  }
  return changes;
}

/** Waits for the verdict on a command, unless that was quicker. */
function issue(command: string, answerTo: MatrixEventId, now: number, hasCode = false): (next: ListenerState) => void {
  const at = new Date(now).toISOString();
  const kept = { command, answerTo, at, stands: 'waiting', owesSign: false } as const;
  const issued: Issued = hasCode ? { ...kept, hasCode } : kept;
  return (next) => {
    const known = next.issued.find((each) => each.command === command);
    if (known === undefined) next.issued.push(issued);
    else if (known.owesSign) {
      known.owesSign = false;
      signCounted(next, command, answerTo);
    }
  };
}

/** Up to room version 10 the event says it itself, since then its content does. */
function redactedBy({ type, redacts, content }: ObservedEvent): string[] {
  if (type !== 'm.room.redaction') return [];
  return [redacts, content['redacts']].flatMap((id) => MatrixEventId.safeParse(id).data ?? []);
}

function editOf({ sender, content }: ObservedEvent): string[] {
  const edited = editedBy(content);
  return edited === null ? [] : [`${sender} ${edited}`];
}

/** Marks gate messages as shown that were sent before the room was read and are not in what was read: they lie before it. */
export function markShown(state: ListenerState, sentBefore: ReadonlySet<MatrixEventId>): void {
  for (const gate of state.gates) {
    if (gate.seen !== null || !sentBefore.has(gate.event)) continue;
    state.shown += 1;
    gate.seen = state.shown;
  }
}
