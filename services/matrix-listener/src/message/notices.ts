import { inertLine } from '@countersign/contracts/inert-text.ts';
import type { Note } from '../journals/news.ts';
import { cut, type MessageContent } from './content.ts';
import { messageLimits } from './message-limits.ts';

/** What holds up a task, in the words of `countersign status`, and since when. */
export function waitMessage(
  task: string,
  file: string,
  { words, since }: { readonly words: string; readonly since: string },
): MessageContent {
  return notice(`Waiting: ${inertLine(file)} (${task}) ${line(words)}, since ${since}`);
}

/** That more tasks wait than are told one by one. */
export function moreWaitMessage(count: number): MessageContent {
  const tasks = count === 1 ? 'One more task waits' : `${count.toLocaleString('en-US')} more tasks wait`;
  return notice(`${tasks}: scripts/countersign status says for what.`);
}

const beginnings: Readonly<Record<Note, string>> = {
  task_retried: 'Tried once more',
  approval_revoked: 'Approval taken back',
  budget_exceeded: 'Budget used up',
};

/** What happened to a task, in the runner's words. */
export function noteMessage(what: Note, task: string, file: string, text: string): MessageContent {
  return notice(`${beginnings[what]}: ${inertLine(file)} (${task}). ${line(text)}`);
}

/** The queue stands still, or goes on; who decided so and why is in the runner's words. */
export function queueMessage(text: string): MessageContent {
  return notice(line(text.charAt(0).toUpperCase() + text.slice(1)));
}

/** A breaker holds up a workspace's tasks with a tool, or does so no more. */
export function breakerMessage(isOpen: boolean, text: string): MessageContent {
  return notice(`${isOpen ? 'Breaker opened' : 'Breaker closed'}: ${line(text)}`);
}

function notice(body: string): MessageContent {
  return { msgtype: 'm.notice', body, 'm.mentions': {} };
}

/** A reason may quote what others wrote. */
function line(text: string): string {
  return cut(inertLine(text), messageLimits.reasonCharacters);
}
