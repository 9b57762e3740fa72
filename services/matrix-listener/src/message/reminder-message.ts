import type { MatrixUserId } from '@countersign/contracts/matrix-names.ts';
import type { Gate } from '../state/listener-state.ts';
import { ageOf } from './age.ts';
import { escapeHtml, type MessageContent } from './content.ts';
import { messageLimits } from './message-limits.ts';
import { inertFact } from './sentence.ts';

/** That decisions still wait, each with its task and since when. Pure. @param now milliseconds since 1970 */
export function reminderMessage(gates: readonly Gate[], now: number): MessageContent {
  const title = gates.length === 1 ? 'A decision still waits for you' : `${gates.length} decisions wait for you`;
  const shown = gates.slice(0, messageLimits.tasks);
  const left = gates.length - shown.length;
  const lines = [
    ...shown.map((gate) => lineOf(gate, now)),
    ...(left > 0 ? [`and ${left.toLocaleString('en-US')} more: \`pending\` lists them`] : []),
  ];
  return {
    msgtype: 'm.text',
    body: [`${title}:`, ...lines].join('\n'),
    format: 'org.matrix.custom.html',
    formatted_body: `<p><strong>${title}:</strong></p><ul>${lines.map((line) => `<li>${escapeHtml(line)}</li>`).join('')}</ul>`,
    'm.mentions': {},
  };
}

/** The same, with the names of those who may decide: that rings in a room that is muted, too. Pure. */
export function escalationMessage(
  gates: readonly Gate[],
  persons: readonly MatrixUserId[],
  now: number,
): MessageContent {
  const { body, formatted_body: html, ...message } = reminderMessage(gates, now);
  const called = persons.slice(0, messageLimits.persons);
  const names = called.join(', ');
  return {
    ...message,
    body: `${names}: ${body}`,
    formatted_body: `<p>${escapeHtml(names)}:</p>${html}`,
    'm.mentions': { user_ids: [...called] },
  };
}

function lineOf({ task, droppedAs, stage, asks, askedAt, expiresAt }: Gate, now: number): string {
  const what = { approval: 'approval', review: 'merge', answer: 'answer' }[asks];
  const since = askedAt === null ? '' : `, for ${ageOf(askedAt, now)}`;
  const until = expiresAt === null ? '' : `; expires in ${ageOf(new Date(now).toISOString(), Date.parse(expiresAt))}`;
  return `${task}: ${what} of ${inertFact(stage)}${since}${until}; ${inertFact(droppedAs)}`;
}
