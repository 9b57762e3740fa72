import { jsonBytes } from './content.ts';

/** Where every line of the model's stands behind, so that none of its words begins a line. */
const mark = '| ';
const ellipsis = '…';

/** The beginning of a text. `left` is what of it is not shown; `isCut`: the rest of the last line that is. */
export type Excerpt = {
  readonly lines: readonly string[];
  readonly left: { readonly isCut: boolean; readonly lines: number; readonly characters: number } | null;
};

/**
 * As many lines as fit, each marked; of the first that does not fit, what fits of it.
 * @param lines inert, without line breaks
 * @param bytes of JSON that the marked lines may have together
 * @param encode how a line is written into the message; its bytes count
 */
export function excerptOf(lines: readonly string[], bytes: number, encode: (line: string) => string): Excerpt {
  const costOf = (line: string) => jsonBytes(`${mark}${encode(line)}\n`) - 2;
  const shown: string[] = [];
  let room = bytes;
  for (const [index, line] of lines.entries()) {
    const cost = costOf(line);
    if (cost <= room) {
      shown.push(mark + encode(line));
      room -= cost;
      continue;
    }
    const beginning = beginningOf(line, room - costOf(ellipsis), encode);
    if (beginning !== '') shown.push(mark + encode(beginning + ellipsis));
    const rest = lines.slice(index + 1);
    const characters = [line.slice(beginning.length), ...rest].reduce((sum, text) => sum + [...text].length, 0);
    const isCut = beginning !== '';
    return { lines: shown, left: { isCut, lines: rest.length + (isCut ? 0 : 1), characters } };
  }
  return { lines: shown, left: null };
}

/**
 * The last lines of a text that fit into so many bytes of JSON when each is marked; of a last line that does not fit, its end.
 * @param lines inert, without line breaks
 */
export function endOf(lines: readonly string[], bytes: number): string[] {
  const costOf = (line: string) => jsonBytes(`${mark}${withCountedSpaces(line)}\n`) - 2;
  const shown: string[] = [];
  let room = bytes;
  for (const line of lines.toReversed()) {
    room -= costOf(line);
    if (room < 0) break;
    shown.unshift(line);
  }
  const last = lines.at(-1);
  if (shown.length > 0 || last === undefined) return shown;
  // A character takes six bytes at most.
  return [`${ellipsis}${[...last].slice(-Math.floor(bytes / 8)).join('')}`];
}

/** What of a line fits into so many bytes, between characters. */
function beginningOf(line: string, bytes: number, encode: (line: string) => string): string {
  let room = bytes;
  let length = 0;
  for (const character of line) {
    room -= jsonBytes(encode(character)) - 2;
    if (room < 0) break;
    length += character.length;
  }
  return line.slice(0, length);
}

/** Says what an excerpt leaves out, and the command that shows all of it; null when it leaves out nothing. */
export function describeLeft({ left }: Excerpt, whole: string): string | null {
  if (left === null) return null;
  const parts = [
    ...(left.isCut ? ['the rest of this line'] : []),
    ...(left.lines > 0 ? [`${count(left.lines)} more ${left.lines === 1 ? 'line' : 'lines'}`] : []),
  ];
  return `… ${parts.join(' and ')}, ${count(left.characters)} characters: ${whole}`;
}

function count(number: number): string {
  return number.toLocaleString('en-US');
}

/** What stands behind many spaces would begin a line of its own on a small screen, unmarked. */
export function withCountedSpaces(line: string): string {
  return line.replace(/(?<=\S)\s{9,}(?=\S)/g, (spaces) => ` [${spaces.length} spaces] `);
}
