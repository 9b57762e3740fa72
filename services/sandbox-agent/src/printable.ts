/** One short line of a stranger's text, without what could steer a terminal. */
export function printableLine(text: string, maximumCharacters = 160): string {
  const line = text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}]+/gu, ' ').trim();
  return line.length > maximumCharacters ? `${line.slice(0, maximumCharacters - 1)}…` : line;
}
