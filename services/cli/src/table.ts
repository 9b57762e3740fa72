import { inertLine } from '@countersign/contracts/inert-text.ts';

/** A column: its heading, and how many characters of a cell are shown at most. */
export type Column = { readonly heading: string; readonly width: number };

const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** Lines of aligned columns. Cells are made inert, and long ones cut; the last column is not padded. */
export function formatTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string[] {
  const cells = [
    columns.map(({ heading }) => heading),
    ...rows.map((row) => columns.map(({ width }, index) => cut(inertLine(row[index] ?? ''), width))),
  ];
  const widths = columns.map((_, index) => Math.max(...cells.map((row) => length(row[index] ?? ''))));
  return cells.map((row) =>
    row
      .map((cell, index) => cell + ' '.repeat((widths[index] ?? 0) - length(cell)))
      .join('  ')
      .trimEnd(),
  );
}

/** Cuts between characters as people see them, never inside one. */
function cut(text: string, width: number): string {
  const characters = Array.from(segmenter.segment(text), ({ segment }) => segment);
  return characters.length <= width ? text : `${characters.slice(0, width - 1).join('')}…`;
}

function length(text: string): number {
  return Array.from(segmenter.segment(text)).length;
}
