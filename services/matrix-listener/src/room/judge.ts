import type { MatrixEventId, MatrixRoomId, MatrixUserId } from '@countersign/contracts/matrix-names.ts';
import type { TaskId } from '@countersign/contracts/names.ts';
import type { AskedCommand } from '@countersign/kit/command-spool.ts';
import { listenerLimits } from '../limits.ts';
import type { Gate, OpenTask } from '../state/listener-state.ts';
import { type Answer, type Decision, type Order, readAnswer, readReaction, readReply, withoutQuote } from './answer.ts';
import { commandIdOf } from './command-id.ts';
import { saysTheSame } from './formatted.ts';
import { findGate, namesOf, newestInThread } from './gates.ts';
import type { ObservedEvent } from './observed.ts';
import { codeOver, codeWanted, isCodeOver, isWithCode, splitCode } from './one-time-code.ts';
import { type Attached, attachedAt, isTaskFile } from './read-file.ts';
import { readOrder } from './read-order.ts';
import { type Question, readQuestion } from './read-question.ts';
import { readRun, runIn } from './read-run.ts';
import { type Asking, isAsking, readToolAnswer, readToolSign } from './read-tool-answer.ts';
import { type Relation, readRelation, threadRootOf } from './relation.ts';

const edited = 'what is edited does not count; send it as a new message';

/** What the room was like when an event was said. */
export type Surroundings = {
  readonly room: MatrixRoomId;
  readonly bot: MatrixUserId;
  /** Who may decide on anything at all; whether on this task is for the runner to judge. */
  readonly approvers: ReadonlySet<string>;
  /** Those of them who may decide with a one-time code where one is needed. */
  readonly codeGivers: ReadonlySet<string>;
  /** Gate messages that the bot sent before this event; those that the room has shown before it are `seen`. */
  readonly gates: readonly Gate[];
  /** Tasks that have not ended, as far as they are known. */
  readonly tasks: readonly OpenTask[];
  /** Events that are known to have been taken back. */
  readonly redacted: ReadonlySet<string>;
  /** Events that are known to have been edited, each as `<sender> <event>`: only who wrote a message can edit it. */
  readonly edited: ReadonlySet<string>;
  readonly now: number;
};

/** Words that hold whatever the room was shown, as a command; or why they are none. */
type Read =
  | { readonly ok: true; readonly asked: AskedCommand & { kind: Order | 'submit' | 'answer' } }
  | { readonly ok: false; readonly reason: string };

export type Judgement =
  | { readonly kind: 'ignore'; readonly why: string }
  /** Meant as a decision, and none. */
  | { readonly kind: 'refuse'; readonly reason: string; readonly answerTo: MatrixEventId; readonly isStranger: boolean }
  /** The same, said by somebody who may, too long ago. `words` are its own. */
  | { readonly kind: 'late'; readonly words: string; readonly answerTo: MatrixEventId }
  | {
      readonly kind: 'decide';
      readonly decision: Decision;
      readonly gate: Gate;
      /** What stands behind the name: why it is rejected, or `unverified` of a merge. */
      readonly reason: string;
      /** The one-time code, where what is decided needs one. It is to be kept and logged nowhere. */
      readonly code?: string;
      readonly answerTo: MatrixEventId;
    }
  /** What holds whatever the room was shown: a task to end or to try once more, the queue to stop or to go on. */
  | {
      readonly kind: 'order';
      readonly asked: AskedCommand & { kind: Order | 'submit' | 'answer' };
      readonly answerTo: MatrixEventId;
    }
  /** A task file is to be fetched and dropped. */
  | { readonly kind: 'fetch'; readonly attached: Attached; readonly answerTo: MatrixEventId }
  /** Something is to be told, and nothing done. */
  | {
      readonly kind: 'ask';
      readonly question: Question;
      /** The task of the message that the question answers; null where it answers none. */
      readonly about: TaskId | null;
      readonly answerTo: MatrixEventId;
      /** The first message of the thread that the question stands in. */
      readonly root: MatrixEventId | null;
    };

/**
 * Whether an event is a decision, and on what. Pure. Refuses by default: only an unchanged message or reaction that the room
 * shows, of an allow-listed person, in the pinned room, about what the bot itself has asked, becomes one.
 */
export function judge(event: ObservedEvent, around: Surroundings): Judgement {
  if (event.room_id !== undefined && event.room_id !== around.room) return ignore('another room');
  if (event.sender === around.bot) return ignore('the bot itself');
  if (event.state_key !== undefined) return ignore('a state event');
  if (around.redacted.has(event.event_id) || event.unsigned?.redacted_because !== undefined)
    return ignore('taken back');
  if (event.type === 'm.reaction' && wasEdited(event, around)) return ignore('edited');
  if (event.type === 'm.reaction') return judgeReaction(event, around);
  if (event.type === 'm.room.message') return judgeMessage(event, around);
  return ignore('neither a message nor a reaction');
}

function judgeReaction(event: ObservedEvent, around: Surroundings): Judgement {
  const relation = readRelation(event.content);
  if (relation.kind !== 'reaction') return ignore('not a reaction');
  const gate = around.gates.find((candidate) => candidate.event === relation.event);
  if (gate !== undefined && isAsking(gate)) return judgeToolSign(event, relation.key, gate, around);
  const decision = readReaction(relation.key);
  if (decision === null) return ignore('another sign');
  if (gate === undefined) return ignore('on something else than a gate message of the bot');
  // Each sign is for one question: a slip of a thumb must not throw finished work away, nor merge what only waits to begin.
  if ((decision === 'merge') !== (gate.asks === 'review')) return ignore('a sign for something else');
  const problem = problemOfSender(event, around);
  if (problem === 'late') return { kind: 'late', words: relation.key, answerTo: gate.event };
  if (problem !== null) return refuseSign(gate, problem, true);
  if (decision !== 'reject' && asksForCode(gate, event, around))
    return refuseSign(gate, codeWanted(`${decision} ${gate.task}`));
  return { kind: 'decide', decision, gate, reason: '', answerTo: gate.event };
}

/** Who may decide on nothing learns nothing by trying to drop work. */
function judgeFile(event: ObservedEvent, around: Surroundings): Judgement {
  if (!around.approvers.has(event.sender)) return ignore('a task of somebody who is not listed');
  if (readRelation(event.content).kind === 'edit' || wasEdited(event, around)) return ignore('an edited file');
  if (problemOfSender(event, around) !== null) return { kind: 'late', words: 'a task file', answerTo: event.event_id };
  const attached = attachedAt(event.content, around.bot);
  if (attached === null) return refuse(event, 'the file does not lie on this homeserver, or is encrypted');
  return { kind: 'fetch', attached, answerTo: event.event_id };
}

/** Whether somebody's word lets this through only together with a code. Who is not to give one here learns so from the runner. */
function asksForCode(gate: Gate, { sender }: ObservedEvent, { codeGivers }: Surroundings): boolean {
  return isWithCode(gate) && codeGivers.has(sender);
}

function judgeToolSign(event: ObservedEvent, key: string, gate: Asking, around: Surroundings): Judgement {
  const asked = readToolSign(key, gate);
  if (asked === null) return ignore('another sign');
  const problem = problemOfSender(event, around);
  if (problem === 'late') return { kind: 'late', words: key, answerTo: gate.event };
  if (problem !== null) return refuseSign(gate, problem, true);
  if (asksForCode(gate, event, around)) return refuseSign(gate, codeWanted(`answer ${gate.task} <words>`));
  return { kind: 'order', asked, answerTo: gate.event };
}

function judgeMessage(event: ObservedEvent, around: Surroundings): Judgement {
  const { content } = event;
  const { body, msgtype } = content;
  if (isTaskFile(content)) return judgeFile(event, around);
  if (msgtype !== 'm.text' || typeof body !== 'string') return ignore('not a text');
  const relation = readRelation(content);
  const isReply = relation.kind === 'answer' && relation.isReply;
  const plain = isReply ? withoutQuote(body) : body;
  const answer = repliesToGate(relation, around) ? readReply(plain) : readAnswer(plain);
  const isEdit = relation.kind === 'edit' || wasEdited(event, around);
  const isListed = around.approvers.has(event.sender);
  // Who may decide on nothing learns nothing by trying to drop work.
  if (!isListed && runIn(plain.trim()) !== null) return ignore('a task of somebody who is not listed');
  const givesCode = around.codeGivers.has(event.sender);
  // Whose words an edit replaces it does not say: only a name tells then that they are an answer.
  const [words, about] =
    relation.kind === 'edit' ? [replacementOf(content) ?? '', { kind: 'none' } as const] : [plain, relation];
  const told = readToolAnswer(words, about, shownOf(around), answer.kind !== 'talk', givesCode);
  if (told !== null && (isListed || !isEdit)) return judgeToolAnswer(event, words, told, isReply, isEdit, around);
  if (answer.kind === 'talk' && !(isEdit && wasCommand(content, isListed)))
    return isEdit ? ignore('talk') : judgeQuestion(event, plain, relation, around);
  const problem = problemOfSender(event, around);
  if (problem === 'late') return { kind: 'late', words: plain, answerTo: event.event_id };
  if (problem !== null) return refuse(event, problem, true);
  if (isEdit) return refuse(event, edited);
  if (relation.kind === 'unusable' || relation.kind === 'reaction')
    return refuse(event, 'the message refers to another one in a way that is not understood; send it on its own');
  if (answer.kind === 'talk' || answer.kind === 'unclear')
    return refuse(event, answer.kind === 'unclear' ? answer.reason : 'not understood');
  if (!saysTheSame(plain, content['formatted_body'], isReply))
    return refuse(event, 'what the message shows is not what its plain text says; send it as plain text');
  return judgeCommand(answer, event, relation, around);
}

/** What words come to that are meant for a task's tool. */
function judgeToolAnswer(
  event: ObservedEvent,
  plain: string,
  told: NonNullable<ReturnType<typeof readToolAnswer>>,
  isReply: boolean,
  isEdit: boolean,
  around: Surroundings,
): Judgement {
  const problem = problemOfSender(event, around);
  if (problem === 'late') return { kind: 'late', words: plain, answerTo: event.event_id };
  if (problem !== null) return refuse(event, problem, true);
  if (isEdit) return refuse(event, edited);
  if (!told.ok) return refuse(event, told.reason);
  if (!saysTheSame(plain, event.content['formatted_body'], isReply))
    return refuse(event, 'what the message shows is not what its plain text says; send it as plain text');
  if (told.asked.code !== undefined && isCodeOver(event, around)) return refuse(event, codeOver);
  return { kind: 'order', asked: told.asked, answerTo: event.event_id };
}

/** What words come to that are a command, said plainly by somebody who may give one. */
function judgeCommand(
  answer: Exclude<Answer, { kind: 'talk' | 'unclear' }>,
  event: ObservedEvent,
  relation: Relation,
  around: Surroundings,
): Judgement {
  const { event_id: answerTo } = event;
  const order = (read: Read) =>
    read.ok ? ({ kind: 'order', asked: read.asked, answerTo } as const) : refuse(event, read.reason);
  if (answer.kind === 'run') return order(readRun(answer.run, commandIdOf(answerTo)));
  const answered = relation.kind === 'answer' ? gatesAmong(relation.about, around.gates) : [];
  if (new Set(answered.map((gate) => gate.task)).size > 1)
    return refuse(event, 'the message stands in the thread of one task and answers another; send it on its own');
  // Who answers a message has seen it; a name can only mean what stood in the room by then.
  const shown = shownOf(around);
  const thread = threadMeant(event, relation, around);
  const verb = answer.kind === 'order' ? answer.order : answer.decision;
  const about = newestInThread(verb, thread, shown) ?? answered.at(-1) ?? null;
  if (answer.kind === 'order') return order(readOrder(answer.order, answer.words, shown, around.tasks, about));
  const found = findGate(answer.decision, answer.words, shown, about);
  if (!found.ok) return refuse(event, found.reason);
  return judgeDecision(answer.decision, found.gate, found.rest, event, around);
}

/** Words on what a message asked for. A code that nothing asks for is let go: nobody is told whether it is right. */
function judgeDecision(
  decision: Decision,
  gate: Gate,
  rest: string,
  event: ObservedEvent,
  around: Surroundings,
): Judgement {
  const decided = { kind: 'decide', decision, gate, answerTo: event.event_id } as const;
  if (decision !== 'approve' && decision !== 'merge') return { ...decided, reason: rest };
  const { words, code } = splitCode(rest);
  if (!asksForCode(gate, event, around)) return { ...decided, reason: words };
  if (code === null) return refuse(event, codeWanted([decision, gate.task, words].join(' ').trim()));
  if (isCodeOver(event, around)) return refuse(event, codeOver);
  return { ...decided, reason: words, code };
}

/** Only whoever may decide is answered; words that are not meant for the bot are left alone. */
function judgeQuestion(event: ObservedEvent, plain: string, relation: Relation, around: Surroundings): Judgement {
  const { content, origin_server_ts: sentAt } = event;
  if (!around.approvers.has(event.sender)) return ignore('talk');
  if (relation.kind !== 'none' && relation.kind !== 'answer') return ignore('refers to another one in an odd way');
  const isReply = relation.kind === 'answer' && relation.isReply;
  const root = threadRootOf(content);
  const answered = relation.kind === 'answer' ? gatesAmong(relation.about, around.gates) : [];
  const about =
    (answered.at(-1) ?? around.gates.findLast((gate) => root !== null && gate.thread === root))?.task ?? null;
  const names = [...around.tasks, ...around.gates].flatMap(namesOf);
  const question = readQuestion(plain, names, about !== null);
  if (question === null) return ignore('talk');
  if (sentAt !== undefined && around.now - sentAt > listenerLimits.questionAgeMs) return ignore('an old question');
  if (!saysTheSame(plain, content['formatted_body'], isReply)) return ignore('shows something else than it says');
  return { kind: 'ask', question, about, answerTo: event.event_id, root };
}

function wasEdited({ sender, event_id, unsigned }: ObservedEvent, { edited }: Surroundings): boolean {
  return unsigned?.['m.relations']?.['m.replace'] !== undefined || edited.has(`${sender} ${event_id}`);
}

/** An edit's text is marked as one with a star; what is to replace the message stands beside it. */
function wasCommand(content: ObservedEvent['content'], isListed: boolean): boolean {
  const words = replacementOf(content);
  if (words === null || (!isListed && runIn(words.trim()) !== null)) return false;
  return readAnswer(words).kind !== 'talk';
}

function replacementOf(content: ObservedEvent['content']): string | null {
  const replacement: unknown = content['m.new_content'];
  if (typeof replacement !== 'object' || replacement === null || !('body' in replacement)) return null;
  return typeof replacement.body === 'string' ? replacement.body : null;
}

function problemOfSender(
  { sender, origin_server_ts: sentAt }: ObservedEvent,
  { approvers, now }: Surroundings,
): 'late' | string | null {
  if (!approvers.has(sender)) return `${sender} may not decide here; configs/stages.yaml lists who may`;
  return sentAt !== undefined && now - sentAt > listenerLimits.answerAgeMs ? 'late' : null;
}

function shownOf({ gates }: Surroundings): Gate[] {
  return gates.filter(({ seen }) => seen !== null);
}

/** Whether a message is a reply to one that asks for a decision, and not only said in its thread. */
function repliesToGate(relation: Relation, { gates }: Surroundings): boolean {
  if (relation.kind !== 'answer' || relation.thread !== null) return false;
  return gates.some(({ event, asks }) => event === relation.about.at(-1) && asks !== 'answer');
}

/** The thread that words are said in without being a reply to a message that asks: a reminder in it, or what a person said there, asks nothing. */
function threadMeant({ content }: ObservedEvent, relation: Relation, { gates }: Surroundings): MatrixEventId | null {
  if (relation.kind !== 'answer') return null;
  const asks = gates.some(({ event }) => event === relation.about.at(-1));
  return relation.thread ?? (asks ? null : threadRootOf(content));
}

function gatesAmong(events: readonly MatrixEventId[], gates: readonly Gate[]): Gate[] {
  return events.flatMap((event) => gates.find((gate) => gate.event === event) ?? []);
}

function refuse({ event_id: answerTo }: ObservedEvent, reason: string, isStranger = false): Judgement {
  return { kind: 'refuse', reason, answerTo, isStranger };
}

/** Nothing can be an answer to a sign: it stands under the message that the sign is on. */
function refuseSign({ event: answerTo }: Gate, reason: string, isStranger = false): Judgement {
  return { kind: 'refuse', reason, answerTo, isStranger };
}

function ignore(why: string): Judgement {
  return { kind: 'ignore', why };
}
