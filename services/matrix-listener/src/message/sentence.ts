import { inertLine } from '@countersign/contracts/inert-text.ts';
import { cut, escapeHtml } from './content.ts';
import { messageLimits } from './message-limits.ts';

/** A sentence of ours; what is to be typed is set apart. */
export type Sentence = readonly { readonly text: string; readonly isCode?: true }[];

export function toText(sentence: Sentence): string {
  return sentence.map(({ text, isCode }) => (isCode === true ? `\`${text}\`` : text)).join('');
}

export function toHtml(sentence: Sentence): string {
  return sentence
    .map(({ text, isCode }) => (isCode === true ? `<code>${escapeHtml(text)}</code>` : escapeHtml(text)))
    .join('');
}

/** On one line, with single spaces: many of them would be broken into lines on a small screen. */
export function inertFact(value: string, characters: number = messageLimits.factCharacters): string {
  return cut(inertLine(value).replace(/\s+/g, ' '), characters);
}
