import { inertLine } from '@countersign/contracts/inert-text.ts';
import type { JSX } from 'preact';
import { Scrolls } from './scrolls.tsx';

/** Of one text; what is longer is a file's, and shown in pieces. */
const shownCharacters = 200_000;

/** A text of somebody else's on one line. What would act in it, or show as nothing, is spelt out. */
export function Foreign({ text }: { readonly text: string }): JSX.Element {
  return <bdi class="foreign">{spelt(inertLine(text.slice(0, shownCharacters)))}</bdi>;
}

/** The same of several lines. */
export function ForeignText({ text, label }: { readonly text: string; readonly label: string }): JSX.Element {
  return (
    <Scrolls class="foreign foreign-text" label={label}>
      <pre>{spelt(inertBlock(text.slice(0, shownCharacters)))}</pre>
    </Scrolls>
  );
}

/** Line feeds and tabs stay; everything else that acts is spelt out. Pure. */
export function inertBlock(text: string): string {
  return text
    .split(/\r?\n/)
    .map((line) => line.split('\t').map(inertLine).join('\t'))
    .join('\n');
}

/** The spelt characters stand out from the text around them. */
export function spelt(inert: string): (string | JSX.Element)[] | string {
  if (!inert.includes('\\u{')) return inert;
  return inert.split(/(\\u\{[0-9a-f]{1,6}\})/).map((piece, index) =>
    index % 2 === 1 ? (
      <span key={index} class="acting">
        {`U+${piece.slice(3, -1).toUpperCase().padStart(4, '0')}`}
      </span>
    ) : (
      piece
    ),
  );
}
