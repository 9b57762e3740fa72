/** The known word that somebody meant who typed another one: at most two slips away, and fewer than half of it. Pure. */
export function closestWord(typed: string, known: readonly string[]): string | null {
  // What is longer or shorter than a word by more than two slips is not it, and is not to be measured.
  const measured = known
    .filter((word) => Math.abs(word.length - typed.length) <= 2)
    .map((word) => ({ word, slips: slipsBetween(typed.toLowerCase(), word) }))
    .filter(({ word, slips }) => slips <= 2 && slips * 2 < word.length)
    .sort((a, b) => a.slips - b.slips);
  return measured[0]?.word ?? null;
}

/** How often a letter was left out, put in, mistaken for another one, or typed before the one that it follows. */
function slipsBetween(typed: string, word: string): number {
  const rows: number[][] = [];
  for (let row = 0; row <= typed.length; row += 1) {
    const line: number[] = [];
    for (let column = 0; column <= word.length; column += 1)
      line.push(row === 0 ? column : column === 0 ? row : stepsTo(row, column, line));
    rows.push(line);
  }
  return rows.at(-1)?.at(-1) ?? 0;

  function stepsTo(row: number, column: number, line: readonly number[]): number {
    const above = rows[row - 1] ?? [];
    const isSame = typed[row - 1] === word[column - 1];
    const isSwapped =
      row > 1 && column > 1 && typed[row - 1] === word[column - 2] && typed[row - 2] === word[column - 1];
    return Math.min(
      (above[column] ?? 0) + 1,
      (line[column - 1] ?? 0) + 1,
      (above[column - 1] ?? 0) + (isSame ? 0 : 1),
      isSwapped ? (rows[row - 2]?.[column - 2] ?? 0) + 1 : Number.POSITIVE_INFINITY,
    );
  }
}
