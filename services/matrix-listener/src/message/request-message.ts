import { strict as assert } from 'node:assert';
import { escapeHtml, jsonBytes, type MessageContent } from './content.ts';
import { messageLimits } from './message-limits.ts';
import { describeLeft, excerptOf, withCountedSpaces } from './plan-excerpt.ts';
import { inertFact, type Sentence, toHtml, toText } from './sentence.ts';

export type Fact = readonly [name: string, value: string];

/** What the room is asked with, or answered. Values and lines may be anybody's text; names, title and step are ours. */
export type RequestParts = {
  readonly title: string;
  /** Of the task that it is about; null when it is about no single one. */
  readonly file: string | null;
  readonly facts: readonly Fact[];
  readonly step: Sentence;
  /** Somebody else's words, each line of which is marked; null when there are none. */
  readonly words: { readonly heading: string; readonly lines: readonly string[] } | null;
  /** The command that shows the words whole. */
  readonly whole: string;
};

/** Shares of the room for lists and words that are tried one after the other, when all else is unusually long. */
const shares = [1, 0.5, 0.25, 0];

/**
 * A message that asks or answers: facts that we state, then what can be done, then somebody else's words, each line marked so that none of
 * them can pass for ours. It fits into one event. Pure.
 * @param partsOf the parts with so much of their lists: from 1 for as much as ever is shown, to 0 for none
 */
export function requestMessage(partsOf: (share: number) => RequestParts): MessageContent {
  for (const share of shares) {
    const content = render(partsOf(share), share);
    if (jsonBytes(content) <= messageLimits.contentBytes) return content;
  }
  assert.fail('the facts of a request have bounds that leave room for all of them');
}

/** Whether a message leaves out some of the words that it is to show. Nobody else's words stand so near its end. @param whole as in its parts */
export function leavesOut({ formatted_body }: MessageContent, whole: string): boolean {
  return formatted_body?.endsWith(` characters: ${escapeHtml(whole)}</p>`) ?? false;
}

function render({ title, file, facts: all, step, words, whole }: RequestParts, share: number): MessageContent {
  const name = file === null ? '' : inertFact(file);
  const facts = all.map(([fact, value]): Fact => [fact, inertFact(value)]);
  const shown = words === null ? { text: [], html: [] } : renderWords(words, whole, share);
  return {
    msgtype: 'm.text',
    body: [
      file === null ? title : `${title}: ${name}`,
      ...facts.map(([fact, value]) => `${fact}: ${value}`),
      '',
      toText(step),
      ...shown.text,
    ].join('\n'),
    format: 'org.matrix.custom.html',
    formatted_body: [
      `<p><strong>${escapeHtml(title)}${file === null ? '' : `: <code>${escapeHtml(name)}</code>`}</strong></p>`,
      `<ul>${facts.map(([fact, value]) => `<li>${escapeHtml(fact)}: <code>${escapeHtml(value)}</code></li>`).join('')}</ul>`,
      `<p>${toHtml(step)}</p>`,
      ...shown.html,
    ].join(''),
    'm.mentions': {},
  };
}

function renderWords({ heading, lines: raw }: NonNullable<RequestParts['words']>, whole: string, share: number) {
  const lines = raw.map(withCountedSpaces);
  const plain = excerptOf(lines, messageLimits.planBodyBytes * share, (line) => line);
  const html = excerptOf(lines, messageLimits.planHtmlBytes * share, escapeHtml);
  const plainLeft = describeLeft(plain, whole);
  const htmlLeft = describeLeft(html, whole);
  const code = html.lines.length === 0 ? '' : `<pre><code>${html.lines.join('\n')}</code></pre>`;
  const characters = raw.reduce((sum, line) => sum + line.length, 0);
  const isLong = lines.length > messageLimits.unfoldedLines || characters > messageLimits.unfoldedCharacters;
  return {
    text: ['', `${heading}:`, ...plain.lines, ...(plainLeft === null ? [] : [plainLeft])],
    html: [
      isLong
        ? `<details><summary>${escapeHtml(heading)}</summary>${code}</details>`
        : `<p>${escapeHtml(heading)}:</p>${code}`,
      htmlLeft === null ? '' : `<p>${escapeHtml(htmlLeft)}</p>`,
    ],
  };
}
