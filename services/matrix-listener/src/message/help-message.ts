import { inertLine } from '@countersign/contracts/inert-text.ts';
import { cut, escapeHtml, type MessageContent } from './content.ts';
import { messageLimits } from './message-limits.ts';

/** Everything that can be said, and what it does. */
const sayings: readonly (readonly [said: string, does: string])[] = [
  ['pending', 'what waits for you'],
  ['status', 'what runs, what waits and why, and what is wrong'],
  ['show <task>', 'facts, state, reason and where it stands'],
  ['log <task>', 'the end of its output'],
  ['diff <task>', 'what it changed, what of it deserves eyes, and how the patch begins'],
  ['approve <task>', 'let it begin; or react ✅ to the message that asks, or reply yes'],
  ['reject <task> <reason>', 'refuse it; or react ❌ to the message that asks for an approval, or reply no, because …'],
  [
    'merge <task>',
    'merge the result that was shown; or react 🔀 to its message. With unverified behind it although nothing was checked',
  ],
  ['answer <task> <words>', 'tell its tool what it asked; or reply to the message that asks, or react with the number'],
  [
    'approve, merge or answer … CODE',
    'the same for a task of prod, where it is decided here: the last word is the one-time code, six digits; no reaction does',
  ],
  ['rebase <task>', 'carry the result over to where its branch is now'],
  ['cancel <task> <reason>', 'end it, whatever it is at'],
  ['retry <task>', 'one more attempt of what ended without success'],
  [
    'run <workspace> <stage>: <what is to be done>',
    'drop a task; without a stage its stage is dev. Or attach a file ….md',
  ],
  ['pause <reason>', 'begin nothing but merges from now on'],
  ['resume', 'go on'],
];

/** What can be said here. */
export function helpMessage(): MessageContent {
  const title =
    'What can be said here. A task is named by its id or its file; in answer to a message about it, by nothing.';
  return {
    msgtype: 'm.notice',
    body: [title, ...sayings.map(([said, does]) => `${said}: ${does}`)].join('\n'),
    format: 'org.matrix.custom.html',
    formatted_body: `<p>${escapeHtml(title)}</p><ul>${sayings
      .map(([said, does]) => `<li><code>${escapeHtml(said)}</code>: ${escapeHtml(does)}</li>`)
      .join('')}</ul>`,
    'm.mentions': {},
  };
}

/** A slip: nothing happened, and what was probably meant. @param meant holds the person's own words */
export function mistypedMessage(meant: string): MessageContent {
  return sorryMessage(`did you mean: ${meant}`);
}

/** Why there is no other answer. @param reason may quote what others wrote */
export function sorryMessage(reason: string): MessageContent {
  const body = `Nothing was done: ${cut(inertLine(reason), messageLimits.reasonCharacters)}`;
  return { msgtype: 'm.notice', body, 'm.mentions': {} };
}
