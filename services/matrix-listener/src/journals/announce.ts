import { ApprovalViewError, readApprovalView } from '@countersign/kit/approval-view.ts';
import { DiffViewError } from '@countersign/kit/diff-view.ts';
import { readReviewView } from '@countersign/kit/review-view.ts';
import {
  answering,
  endMessage,
  hasFailedChecks,
  lineMessage,
  tamperedDiffMessage,
  tamperedMessage,
  verdictMessage,
} from '../message/answers.ts';
import type { MessageContent } from '../message/content.ts';
import { gateMessage } from '../message/gate-message.ts';
import { inThread } from '../message/in-thread.ts';
import { breakerMessage, noteMessage, queueMessage } from '../message/notices.ts';
import { leavesOut } from '../message/request-message.ts';
import { returnMessage, reviewMessage } from '../message/review-message.ts';
import { toolQuestionMessage } from '../message/tool-question-message.ts';
import { enqueue, signCounted } from '../outbox/enqueue.ts';
import { enqueueFiles } from '../outbox/enqueue-files.ts';
import { submittedName } from '../room/read-run.ts';
import type { ListenerState } from '../state/listener-state.ts';
import { drop, questionOf, reopen, requestOf, threadOf } from './asked.ts';
import { patchesOf, planOf } from './attached.ts';
import type { News } from './news.ts';
import { keepTask, wasAsked } from './open-tasks.ts';
import { stand } from './stand.ts';

/** A change of the listener's state; none where nobody is to be told anything. */
export type Change = (state: ListenerState) => void;

export type Announcing = {
  /** The folder that holds `runs/`. */
  readonly volumes: string;
  /** Whether anybody may decide through the room about a stage's tasks. */
  readonly mayDecide: (stage: string) => boolean;
  /** Whether a phone may ring for a stage at a time, in ms since 1970. */
  readonly mayRing: (stage: string, now: number) => boolean;
  /** Milliseconds since 1970. */
  readonly now: () => number;
};

/**
 * What a piece of news changes: which tasks are known to be open, and what the room is told.
 * @throws as `tell` does
 */
export async function announce(announcing: Announcing, news: News, isFinal: boolean): Promise<Change> {
  const change = await tell(announcing, news, isFinal);
  return (state) => {
    change(state);
    if (!('record' in news)) return;
    keepTask(state, news.record);
    stand(state, news.record);
  };
}

/**
 * What of a piece of news is told. A message is queued under its key, so that the same news, read again, changes nothing.
 * @throws ApprovalViewError, DiffViewError when what a request would show is not what it asks for, unless `isFinal`: then the room
 * is warned
 */
async function tell(announcing: Announcing, news: News, isFinal: boolean): Promise<Change> {
  switch (news.kind) {
    case 'request': {
      const { record } = news;
      const request = requestOf(announcing, record, 'approval');
      const { content, isShown, files } = await requestContent(announcing, news, isFinal);
      return (state) => {
        // Asked for again under the digest that was shown: its approval was taken back.
        if (state.gates.some(({ digest }) => digest === request.digest)) return reopen(state, request);
        drop(state, record.id, request.digest);
        enqueue(state, news.key, isShown ? hushed(content, request) : content, isShown ? request : null);
        enqueueFiles(state, news.key, request.digest, files);
      };
    }
    case 'review': {
      const { record } = news;
      const asked = requestOf(announcing, record, 'review');
      const { content, isShown, short, files } = await reviewContent(announcing, news, isFinal);
      return (state) => {
        const isKnown = state.gates.some(({ asks, digest }) => asks === 'review' && digest === asked.digest);
        const isQueued = state.outgoing.some(
          ({ request }) => request?.asks === 'review' && request.digest === asked.digest,
        );
        // Said again without anything new in it: it waits, and that is known.
        if (news.back === null && (isKnown || isQueued)) return reopen(state, asked);
        const thread = threadOf(state, record.id);
        drop(state, record.id, asked.digest);
        const told = inThread(isKnown ? short : content, thread);
        enqueue(state, news.key, isShown ? hushed(told, asked) : told, isShown ? { ...asked, thread } : null);
        if (!isKnown) enqueueFiles(state, news.key, asked.digest, files);
      };
    }
    case 'question': {
      const { record, question } = news;
      const asked = questionOf(announcing, record, question);
      const content = toolQuestionMessage(record, question, { decide: announcing.mayDecide(record.stage) });
      return (state) => {
        if (state.gates.some(({ digest }) => digest === asked.digest)) return;
        const thread = threadOf(state, record.id);
        drop(state, record.id, asked.digest);
        enqueue(state, news.key, inThread(hushed(content, asked), thread), { ...asked, thread });
      };
    }
    case 'moved':
      return (state) => moved(state, news, announcing);
    case 'verdict':
      return (state) => {
        const { command, evidence, at } = news;
        const issued = state.issued.find((known) => known.command === command);
        const answerTo = issued?.answerTo ?? evidence;
        if (answerTo === null || (evidence === null && issued?.stands === 'answered')) return;
        const stands = evidence === null ? 'late' : 'answered';
        // What was not approved cannot be taken back.
        if (evidence !== null && !news.accepted)
          state.approvals = state.approvals.filter((given) => given.command !== command);
        const isSigned = isShownInPlace(news) && state.gates.some(({ task }) => task === news.task);
        // The runner may be quicker than our own note of the command, which is then not waited on.
        if (issued === undefined) state.issued.push({ command, answerTo, at, stands, owesSign: isSigned });
        else issued.stands = stands;
        if (!isSigned) enqueue(state, news.key, verdictMessage(news, answerTo));
        else if (issued !== undefined) signCounted(state, command, answerTo);
      };
    case 'line':
      return (state) => enqueue(state, news.key, lineMessage(news.text));
    case 'note':
      return (state) => {
        const gate = state.gates.findLast(({ task }) => task === news.task);
        if (gate === undefined || isAnswered(state, news.command)) return;
        const content = noteMessage(news.what, gate.task, gate.droppedAs, news.text);
        enqueue(state, news.key, inThread(content, threadOf(state, gate.task)));
      };
    case 'queue':
      return (state) => {
        if (!isAnswered(state, news.command)) enqueue(state, news.key, queueMessage(news.text));
      };
    case 'breaker':
      return (state) => {
        const isKnown = state.breakers.includes(news.name);
        // One that a probe finds as it was opens again and again: that is no news.
        if (isKnown === news.isOpen) return;
        state.breakers = news.isOpen
          ? [...state.breakers, news.name]
          : state.breakers.filter((name) => name !== news.name);
        enqueue(state, news.key, breakerMessage(news.isOpen, news.text));
      };
  }
}

function moved(
  state: ListenerState,
  { key, record, hasEnded, command }: News & { kind: 'moved' },
  { now, mayRing }: Announcing,
): void {
  const { cancellation } = record;
  const canceller = state.issued.find((known) => known.command === cancellation?.command);
  // Who waits for a result to be shown here is told as well when there is one that is not fit to be, and who cancelled it here.
  // Whoever dropped it by words here waits for what comes of it.
  const submitter = hasEnded
    ? state.issued.find((known) => submittedName(known.command) === record.dropped_as)
    : undefined;
  const asker = canceller ?? submitter;
  const isAwaited = wasAsked(state, record.id) || hasFailedChecks(record.state) || asker !== undefined;
  const thread = threadOf(state, record.id);
  drop(state, record.id, null);
  // Of a cancellation the verdict is that it begins; all other commands have had their effect with it.
  const wasSaid = command !== cancellation?.command && isAnswered(state, command);
  if (!hasEnded || !isAwaited || wasSaid) return;
  const content = hushed(endMessage(record), { isSilent: !mayRing(record.stage, now()) });
  const isHere = thread === null && asker !== undefined;
  enqueue(state, key, isHere ? answering(content, asker.answerTo) : inThread(content, thread));
}

const shownInPlace: ReadonlySet<string> = new Set([
  'approve',
  'reject',
  'merge',
  'rebase',
  'cancel',
  'retry',
  'answer',
]);

/** Whether what a command brought about is told by the messages that asked about its task, edited in place. */
function isShownInPlace({ accepted, evidence, what }: News & { kind: 'verdict' }): boolean {
  return accepted && evidence !== null && what !== null && shownInPlace.has(what);
}

/** Whether a command came from this room, which has its verdict, or gets it, in answer to what was said. */
function isAnswered({ issued }: ListenerState, command: string | null): boolean {
  return issued.some((known) => known.command === command);
}

async function requestContent(
  { volumes, mayDecide }: Announcing,
  { record }: News & { kind: 'request' },
  isFinal: boolean,
): Promise<{ readonly content: MessageContent; readonly isShown: boolean; readonly files: Files }> {
  try {
    const view = await readApprovalView(volumes, record);
    const content = gateMessage(view, record, { decide: mayDecide(record.stage) });
    const isCut = leavesOut(content, `scripts/countersign show ${record.id}`);
    return { content, isShown: true, files: isCut ? [planOf(record, view)] : [] };
  } catch (error) {
    if (!(error instanceof ApprovalViewError) || !isFinal) throw error;
    // Nobody can approve through the room what the room was not shown.
    return { content: tamperedMessage(record), isShown: false, files: [] };
  }
}

type Files = Parameters<typeof enqueueFiles>[3];
type ReviewContent = {
  readonly content: MessageContent;
  readonly isShown: boolean;
  readonly short: MessageContent;
  readonly files: Files;
};

async function reviewContent(
  { volumes, mayDecide }: Announcing,
  { record, back }: News & { kind: 'review' },
  isFinal: boolean,
): Promise<ReviewContent> {
  const may = { decide: mayDecide(record.stage) };
  try {
    const view = await readReviewView(volumes, record, record.state.result);
    return {
      content: reviewMessage(view, record, may, back),
      isShown: true,
      short: returnMessage(record, may, back),
      files: patchesOf(record, view),
    };
  } catch (error) {
    if (!(error instanceof DiffViewError) || !isFinal) throw error;
    const warning = tamperedDiffMessage(record);
    return { content: warning, isShown: false, short: warning, files: [] };
  }
}

/** What is told in quiet hours is posted without a ring. */
function hushed(content: MessageContent, { isSilent }: { readonly isSilent: boolean }): MessageContent {
  return isSilent ? { ...content, msgtype: 'm.notice' } : content;
}
