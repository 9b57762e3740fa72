import type { DiffFlag } from '@countersign/contracts/diff-index.ts';

/** Line, isolate and embedding controls, marks, and the Arabic one. */
const bidi = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

/**
 * Characters that show as nothing: zero-width ones, fillers, tags, separators, variation selectors. What emoji are joined of is
 * taken out first.
 */
const invisible =
  /(?![\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069])[\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}\u2800\ufff9-\ufffb]/u;
const emoji =
  /\p{Emoji}\ufe0f?\u20e3?\p{Emoji_Modifier}?(?:\u200d\p{Extended_Pictographic}\ufe0f?\p{Emoji_Modifier}?)*/gu;

/** C0 without tab and form feed, DEL, and C1. A carriage return counts where it does not end the line. */
const control = /[^\P{Cc}\t\f]/u;

/**
 * Letters that can be taken for Latin ones. Of Greek only those that look the same: µ, Δ or π beside Latin letters is how units
 * and formulas are written. Mathematical letters count by themselves, for compilers read some of them as plain ones.
 */
const mathematical = /[\u{1d400}-\u{1d7cb}]/u;
const lookalike = /[\u0370-\u052f\u0531-\u0587\u13a0-\u13ff\uab70-\uabbf\uff21-\uff5a]/u;
const word = /[\p{L}\p{M}\p{N}_]+/gu;
const latin = /[A-Za-z\u00c0-\u024f]/u;
const foreign =
  /[\p{Script=Cyrillic}\p{Script=Armenian}\p{Script=Cherokee}\uff21-\uff5a\u0391\u0392\u0395-\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u03b1\u03b9\u03ba\u03bd\u03bf\u03c1\u03c5\u03f2\u03f3]/u;

/**
 * Pure: what a piece of text brings that a reader does not see as it is. Words wholly of one foreign script are never flagged,
 * though some of them look Latin.
 */
export function textFlags(text: string): DiffFlag[] {
  const flags: DiffFlag[] = [];
  if (control.test(text)) flags.push('control-character');
  if (bidi.test(text)) flags.push('bidi-control');
  if (invisible.test(text) && invisible.test(text.replaceAll(emoji, ''))) flags.push('invisible-character');
  if (mathematical.test(text) || (lookalike.test(text) && hasMixedWord(text))) flags.push('homoglyph');
  return flags;
}

function hasMixedWord(text: string): boolean {
  return (text.match(word) ?? []).some((found) => latin.test(found) && foreign.test(found));
}
