import { inertLine, inertLines } from '@countersign/contracts/inert-text.ts';
import { commandLimits } from '@countersign/contracts/limits.ts';
import type { Result, TaskRecord, TaskState } from '@countersign/contracts/task-record.ts';
import type { TaskStatus } from '@countersign/contracts/task-state.ts';
import type { Pending } from '@countersign/kit/approval-view.ts';
import type { Review } from '@countersign/kit/review-view.ts';
import { describeCheck } from '@countersign/kit/verification-words.ts';
import type { ListenerState } from '../state/listener-state.ts';
import { cut, type MessageContent } from './content.ts';
import { messageLimits } from './message-limits.ts';
import { inertFact } from './sentence.ts';

/** What the runner said on a decision, to whoever made it. @param answerTo the event that is answered */
export function verdictMessage(
  { accepted, reason }: { readonly accepted: boolean; readonly reason: string },
  answerTo: string,
): MessageContent {
  return reply(`${accepted ? 'Accepted' : 'Refused'}: ${shortLine(reason)}`, answerTo);
}

/** The command lies in the spool, and the runner has said nothing yet. @param hasCode it holds a one-time code, which does not last */
export function waitingMessage(answerTo: string, hasCode = false): MessageContent {
  if (hasCode)
    return reply(
      'The runner has not answered yet. A one-time code lasts for a moment: when the runner is back after that it refuses this, and you send it anew with another code.',
      answerTo,
    );
  const hours = commandLimits.lifetimeMs / 3_600_000;
  return reply(
    `Kept: the runner has not answered yet. It carries the decision out when it is back, within ${hours} hours.`,
    answerTo,
  );
}

/** What was said so long ago that it does not count; one of it alone is answered where it stands. */
export function lateMessage({ count, first }: ListenerState['late']): MessageContent {
  const [only] = first;
  if (count === 1 && only !== undefined)
    return reply('Refused: this was said more than a day ago; look at it again and answer anew', only.answerTo);
  const left = count - first.length;
  const body = [
    `Nothing was done about ${count.toLocaleString('en-US')} answers that are more than a day old. Look at them again and answer anew:`,
    ...first.map(({ words }) => `| ${inertLine(words)}`),
    ...(left > 0 ? [`and ${left.toLocaleString('en-US')} more`] : []),
  ].join('\n');
  return { msgtype: 'm.notice', body, 'm.mentions': {} };
}

/** A line of the operator's own, sent from the machine. */
export function lineMessage(text: string): MessageContent {
  return { msgtype: 'm.text', body: inertLines(text).join('\n') || '(an empty line)', 'm.mentions': {} };
}

/** What became of a task that the room was asked about. */
export function endMessage({ id, dropped_as, state }: TaskRecord): MessageContent {
  const results = 'result' in state && state.result !== null ? state.result.repositories.map(describeResult) : [];
  const wasMerged = state.status === 'done' && state.merged !== null;
  const outcome = wasMerged ? 'Merged' : outcomes[state.status];
  const lines = [
    `${outcome}: ${inertLine(dropped_as)} (${id}). ${shortLine(state.reason)}`,
    ...results,
    ...(hasFailedChecks(state) ? checkLines(id, state.result.verification) : []),
  ];
  return { msgtype: rings(state) ? 'm.text' : 'm.notice', body: lines.join('\n'), 'm.mentions': {} };
}

/** Whether a phone is to ring for an end: not for one that a person has just decided on. */
function rings(state: TaskState): boolean {
  return state.status === 'failed' || state.status === 'expired' || (state.status === 'done' && state.merged === null);
}

/** What an approval would bind is not what was asked for, or is gone: nothing of it is shown. */
export function tamperedMessage({ id, dropped_as, state }: Pending): MessageContent {
  const body = [
    `DO NOT APPROVE ${inertLine(dropped_as)} (${id}), digest ${state.digest.slice(0, 8)}.`,
    'What an approval would bind cannot be shown: its bundle or its plan was changed after the approval was asked for, or cannot be read.',
    `At the machine: scripts/countersign show ${id} says what is wrong. Then scripts/countersign reject ${id}, and drop the file again.`,
  ].join('\n');
  return { msgtype: 'm.text', body, 'm.mentions': {} };
}

/** A result that would be merged is not the one that was saved, or is gone: nothing of it is shown. */
export function tamperedDiffMessage({ id, dropped_as, state }: Review): MessageContent {
  const body = [
    `DO NOT MERGE ${inertLine(dropped_as)} (${id}), digest ${state.result.digest.slice(0, 8)}.`,
    'What a merge would bring cannot be shown: its saved diff was changed after it was saved, or cannot be read.',
    `At the machine: scripts/countersign show ${id} says what is wrong. Then scripts/countersign reject ${id}, and drop the file again.`,
  ].join('\n');
  return { msgtype: 'm.text', body, 'm.mentions': {} };
}

type Unfit = TaskState & { status: 'failed'; result: Result };

/** Work that was done and whose postconditions do not hold. */
export function hasFailedChecks(state: TaskState): state is Unfit {
  return state.status === 'failed' && state.error_class === 'postcondition_failed' && state.result !== null;
}

function checkLines(task: string, verification: Result['verification']): string[] {
  const checks = verification.status === 'unverified' ? [] : verification.checks;
  const shown = checks.slice(0, messageLimits.conditions);
  const left = checks.length - shown.length;
  return [
    ...shown.map((check) => cut(inertLine(describeCheck(check)), messageLimits.entryCharacters)),
    ...(left > 0 ? [`and ${left} more conditions`] : []),
    `Nothing was merged; diff, output and handoff are kept: scripts/countersign show ${task}`,
  ];
}

const outcomes: Readonly<Record<TaskStatus, string>> = {
  queued: 'Queued anew',
  planning: 'Being planned',
  pending: 'Waits for approval',
  approved: 'Approved',
  running: 'Running',
  verifying: 'Being verified',
  interrupted: 'Interrupted',
  review: 'Finished, with a result to look at',
  rebasing: 'Being carried over',
  merging: 'Being merged',
  done: 'Done',
  failed: 'Failed',
  cancelled: 'Cancelled',
  invalid: 'Refused as invalid',
  rejected: 'Rejected',
  expired: 'Expired',
};

function describeResult({ name, files, insertions, deletions, ref }: Result['repositories'][number]): string {
  const changed = files === 1 ? '1 file' : `${files} files`;
  return `${name}: ${changed}, +${insertions} -${deletions}, ${shortLine(ref)}`;
}

function reply(body: string, answerTo: string): MessageContent {
  return answering({ msgtype: 'm.notice', body, 'm.mentions': {} }, answerTo);
}

/** The message as a reply to another one. */
export function answering(content: MessageContent, answerTo: string): MessageContent {
  return { ...content, 'm.relates_to': { 'm.in_reply_to': { event_id: answerTo } } };
}

/** A reason may quote what others wrote. */
function shortLine(text: string): string {
  return inertFact(text, messageLimits.reasonCharacters);
}
