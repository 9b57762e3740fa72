import { headField } from '@countersign/contracts/journal-head.ts';
import type { Answer } from '@countersign/contracts/question.ts';
import type { Result, TaskRecord, TaskState } from '@countersign/contracts/task-record.ts';
import { waitWords } from '@countersign/contracts/wait-words.ts';
import type { Gate, Standing } from '../state/listener-state.ts';
import { type EditContent, escapeHtml } from './content.ts';
import { messageLimits } from './message-limits.ts';
import { inertFact } from './sentence.ts';

/** Minutes of work after which the room is told anew how long it takes; later on, every hour. */
const milestones = [1, 2, 5, 10, 20, 30, 45, 60];
const minuteMs = 60_000;

/** Where a task stands, for a message that asked about it before. Pure. */
export function standingOf({ state }: TaskRecord): Standing {
  switch (state.status) {
    case 'queued':
      return stands('↪️ Back in the queue', waiting(state));
    case 'planning':
      return stands('↪️ Being planned anew', '');
    case 'pending':
      return stands('⏳ Waits for approval', waiting(state));
    case 'approved':
      return stands('✅ Approved', listed(`by ${state.approval.user}`, waiting(state)));
    case 'running':
      if (state.question?.answer === null) return stands('❓ Asks you something', 'its newest message tells what');
      return stands('▶️ Running', state.approval === null ? '' : `approved by ${state.approval.user}`, state.since);
    case 'verifying':
      return stands('🔎 Being verified', waiting(state));
    case 'interrupted':
      return stands('⏸️ Interrupted', waiting(state));
    case 'review':
      return reviewed(state.result);
    case 'rebasing':
      return stands('↪️ Being carried over', waiting(state));
    case 'merging':
      return stands('🔀 Being merged', listed(`as ${state.approval.user} decided`, waiting(state)));
    case 'done':
      return state.merged === null
        ? stands('✔️ Done', state.reason)
        : stands('🔀 Merged', listed(`as ${state.merged.user} decided`, state.reason));
    case 'failed':
      return stands('❌ Failed', state.reason);
    case 'cancelled':
      return stands('🛑 Cancelled', state.reason);
    case 'invalid':
      return stands('❌ Refused as invalid', state.reason);
    case 'rejected':
      return stands('🚫 Rejected', state.reason);
    case 'expired':
      return stands('⌛ Expired', state.reason);
  }
}

function reviewed({ repositories, verification }: Result): Standing {
  const title = verification.status === 'verified' ? '📋 Ready to merge' : '📋 Finished, and not verified';
  const sum = (key: 'files' | 'insertions' | 'deletions') => repositories.reduce((all, each) => all + each[key], 0);
  const files = sum('files') === 1 ? '1 file' : `${sum('files')} files`;
  return stands(
    title,
    `${files}, +${sum('insertions')} -${sum('deletions')}; the newest message about it asks for the merge`,
  );
}

/** How a tool's question came to its end. What was answered may be anybody's words. Pure. */
export function answeredStanding(answer: Answer): Standing {
  switch (answer.outcome) {
    case 'answered':
      return quoting(stands('💬 Answered', `by ${answer.user}:`), answer.text);
    case 'default':
      return quoting(stands('⏱️ Nobody answered in time', 'the tool goes on with:'), answer.text);
    case 'stopped':
      return stands('⏱️ Nobody answered in time', 'the attempt is stopped, and what it did is kept');
    case 'withdrawn':
      return withdrawn;
  }
}

/** Something newer stands in the room for the same task. */
export const superseded: Standing = stands('↪️ Asked anew', 'a newer message asks about it');

/** It was taken back before anybody could answer it. */
export const withdrawn: Standing = stands('↪️ Not asked any more', '');

/** What a message says now behind its title, on one line; it changes only when the message is to be edited. Pure. @param now in ms since 1970 */
export function standingWords({ words, since }: Standing, now: number): string {
  const minutes = since === null ? 0 : milestone((now - Date.parse(since)) / minuteMs);
  const long = minutes === 0 ? '' : `for ${minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h`}`;
  return listed(long, inertFact(words, messageLimits.reasonCharacters));
}

/** Somebody else's words that a message says now, on one line; null where there are none. Pure. */
export function quotedWords({ quote = '' }: Standing): string | null {
  return quote === '' ? null : inertFact(quote, messageLimits.reasonCharacters);
}

/** The milliseconds until a line may change by itself; null where it does not. Pure. */
export function changesIn({ since }: Standing, now: number): number | null {
  if (since === null) return null;
  const past = Math.max(0, now - Date.parse(since));
  const next = milestones.find((minutes) => minutes * minuteMs > past) ?? (Math.floor(past / (60 * minuteMs)) + 1) * 60;
  return next * minuteMs - past;
}

/**
 * The message of a gate as it is from now on: where its task stands, and how the rest is seen. Pure.
 * @param quote somebody else's words, which are marked as such
 */
export function editedMessage(gate: Gate, title: string, words: string, quote: string | null = null): EditContent {
  const name = inertFact(gate.droppedAs);
  const facts = [
    ['task', gate.task],
    ['stage', inertFact(gate.stage)],
    ['digest', gate.digest.slice(0, 8)],
  ] as const;
  const lines = words === '' ? [] : [words];
  // A client that writes the room to a file may leave out either the edit or what it took the place of.
  const head = gate.head === null ? {} : { [headField]: gate.head };
  return {
    msgtype: 'm.text',
    body: `* ${title}: ${name}`,
    'm.mentions': {},
    ...head,
    'm.new_content': {
      ...head,
      msgtype: 'm.text',
      body: [
        `${title}: ${name}`,
        ...lines,
        ...(quote === null ? [] : [`| ${quote}`]),
        ...facts.map(([fact, value]) => `${fact}: ${value}`),
        `\`show ${gate.task}\` tells all of it.`,
      ].join('\n'),
      format: 'org.matrix.custom.html',
      formatted_body: [
        `<p><strong>${escapeHtml(title)}: <code>${escapeHtml(name)}</code></strong></p>`,
        ...lines.map((line) => `<p>${escapeHtml(line)}</p>`),
        ...(quote === null ? [] : [`<p>| <code>${escapeHtml(quote)}</code></p>`]),
        `<p>${facts.map(([fact, value]) => `${fact} <code>${escapeHtml(value)}</code>`).join(' · ')}</p>`,
        `<p><code>show ${escapeHtml(gate.task)}</code> tells all of it.</p>`,
      ].join(''),
      'm.mentions': {},
    },
    'm.relates_to': { rel_type: 'm.replace', event_id: gate.event },
  };
}

function stands(title: string, words: string, since: string | null = null): Standing {
  return { title, words: words.slice(0, 2_000), since };
}

function quoting(standing: Standing, quote: string): Standing {
  return { ...standing, quote: quote.slice(0, 2_000) };
}

function waiting(
  state: TaskState & { readonly reason: string; readonly wait: Parameters<typeof waitWords>[0] | null },
): string {
  return state.wait === null ? state.reason : waitWords(state.wait, state.reason);
}

function listed(...parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join('; ');
}

function milestone(minutes: number): number {
  if (minutes >= 60) return Math.floor(minutes / 60) * 60;
  return milestones.findLast((one) => one <= minutes) ?? 0;
}
