import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { scratchFolder } from '../testing/scratch.ts';
import { eachLine } from './diff-text-lines.ts';

async function piecesOf(content: string | Buffer) {
  const path = join(scratchFolder(), 'file');
  writeFileSync(path, content);
  const pieces: { text: string; begins: boolean; ends: boolean }[] = [];
  await eachLine(path, ({ bytes, begins, ends }) => pieces.push({ text: bytes.toString('utf8'), begins, ends }));
  return pieces;
}

/** The lines that pieces make, each whole. */
function linesOf(pieces: Awaited<ReturnType<typeof piecesOf>>): string[] {
  const lines: string[] = [];
  for (const { text, begins } of pieces) begins ? lines.push(text) : lines.push(`${lines.pop()}${text}`);
  return lines;
}

test('lines come whole, with and without a line feed at the end', async () => {
  expect(linesOf(await piecesOf('a\n\nb\r\n'))).toEqual(['a', '', 'b\r']);
  expect(linesOf(await piecesOf('a\nb'))).toEqual(['a', 'b']);
  expect(await piecesOf('')).toEqual([]);
});

test.each([0, 1, 2, 3])(
  'a line of megabytes comes in small pieces, and no character is cut (offset %i)',
  async (offset) => {
    const line = `${'x'.repeat(offset)}${'🙂é漢'.repeat(300_000)}`;
    const pieces = await piecesOf(`first\n${line}\nlast`);
    expect(linesOf(pieces)).toEqual(['first', line, 'last']);
    expect(pieces.length).toBeGreaterThan(20);
    expect(pieces.every(({ text }) => !text.includes('\ufffd') && text.length < 1_200_000)).toBe(true);
  },
);

test('lines that lie across two reads come whole', async () => {
  const lines = Array.from({ length: 60_000 }, (_, index) => `line ${index} ${'é'.repeat(index % 50)}`);
  expect(linesOf(await piecesOf(`${lines.join('\n')}\n`))).toEqual(lines);
});

test('bytes that are no UTF-8 are given as they are', async () => {
  const path = join(scratchFolder(), 'file');
  writeFileSync(path, Buffer.alloc(200_000, 0x80));
  let bytes = 0;
  await eachLine(path, (piece) => {
    bytes += piece.bytes.length;
  });
  expect(bytes).toBe(200_000);
});
