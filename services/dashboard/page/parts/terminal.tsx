import Anser from 'anser';
import type { JSX } from 'preact';
import { inertBlock, spelt } from './foreign.tsx';

const colours = new Set(['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white']);
const decorations = new Set(['bold', 'dim', 'italic', 'underline']);

/**
 * What a program wrote, with the colours that it asked for out of our own, and nothing else that it asked for: the parser gives
 * data, the cursor stays where it is, and what would act is spelt out. Of a line that was written over, the last writing counts.
 */
export function AnsiText({ text }: { readonly text: string }): JSX.Element {
  return (
    <>
      {Anser.ansiToJson(overwritten(text), { json: true, remove_empty: true, use_classes: true }).map(
        (piece, index) => {
          const content = spelt(inertBlock(piece.content));
          const classes = classesOf(piece);
          return classes === '' ? (
            content
          ) : (
            <span key={index} class={classes}>
              {content}
            </span>
          );
        },
      )}
    </>
  );
}

function classesOf({ fg, decorations: asked }: { fg: string | null; decorations: readonly string[] }): string {
  const colour = (fg ?? '').replace(/^ansi-(?:bright-)?/, '');
  return [
    ...(colours.has(colour) ? [`ansi-${colour}`] : []),
    ...asked.filter((name) => decorations.has(name)).map((name) => `ansi-${name}`),
  ].join(' ');
}

/** Progress is written over itself with carriage returns. */
function overwritten(text: string): string {
  return text.includes('\r') ? text.replaceAll(/[^\n]*\r(?!\n|$)/g, '').replaceAll('\r', '') : text;
}
