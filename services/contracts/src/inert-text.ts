/**
 * Characters that make a terminal or a viewer do something instead of showing something: C0 and C1 controls (escape sequences
 * begin with one), DEL, zero-width and bidirectional controls, line separators, tags, and halves of surrogate pairs. Characters
 * that show as nothing or as an unusual space, with which one line can be made to look like several. And the marks of a
 * character beyond those that any script puts on one: a pile of them covers the lines above.
 */
const acting =
  /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\u115f\u1160\u1680\u2000-\u200a\u205f\u2800\u3164\uffa0]|\u034f|(?<=\p{M}{8})\p{M}/gu;

/**
 * A text of somebody else's on one line, with every acting character spelt out as `\u{1b}`, so that a terminal shows it
 * and does nothing.
 */
export function inertLine(text: string): string {
  return text.replaceAll(acting, spellOut);
}

/** The lines of a text of somebody else's, each inert; a tab becomes spaces. */
export function inertLines(text: string): string[] {
  return text
    .replace(/\r?\n$/, '')
    .split(/\r?\n/)
    .map((line) => inertLine(line.replaceAll('\t', '    ')));
}

/** JSON for a terminal: what acts stands as a JSON escape, so that the value stays the same for whoever parses it. */
export function inertJson(value: unknown): string {
  return JSON.stringify(value, null, 2).replaceAll(
    /[\u007f-\u009f]|[\p{Cf}\p{Zl}\p{Zp}\p{Cs}]|(?<=\p{M}{8})\p{M}/gu,
    (character) =>
      character
        .split('')
        .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
        .join(''),
  );
}

function spellOut(character: string): string {
  return `\\u{${character.codePointAt(0)?.toString(16)}}`;
}
