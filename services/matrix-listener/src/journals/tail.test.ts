import { appendFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Journal } from '@countersign/kit/journal.ts';
import { expect, test } from 'vitest';
import { listenerLimits } from '../limits.ts';
import { TestJournals } from '../testing/journals.ts';
import { scratchFolder } from '../testing/scratch.ts';
import { readPiece } from './tail.ts';

function begin() {
  const volumes = scratchFolder();
  const journals = new TestJournals(volumes);
  const path = journals.pathOf(null);
  return { path, say: (summary: string) => journals.append(null, { event: 'message', summary }) };
}

/** What the lines from a position on say, and where the next ones begin. */
async function read(path: string, position = 0) {
  const { lines, end } = await readPiece(path, position);
  return [lines.map(({ event }) => event?.summary ?? null), end] as const;
}

test('lines are read from where reading ended', async () => {
  const { path, say } = begin();
  await say('one');
  const [first, end] = await read(path);
  expect(first).toEqual(['one']);
  expect(await read(path, end)).toEqual([[], end]);
  await say('two');
  await say('drei – 🙂');
  const [next] = await read(path, end);
  expect(next).toEqual(['two', 'drei – 🙂']);
});

test('a line that is still being written is left for later, at whatever byte it is cut', async () => {
  const { path, say } = begin();
  await say('one');
  const [, end] = await read(path);
  const line = Buffer.from('{"text":"zwölf – 🙂"}\n');
  for (let length = 1; length < line.length; length += 1) {
    truncateSync(path, end);
    appendFileSync(path, line.subarray(0, length));
    expect(await read(path, end)).toEqual([[], end]);
  }
  appendFileSync(path, line.subarray(-1));
  expect(await read(path, end)).toEqual([[null], end + line.length]);
});

test('a torn line that the writer cuts and writes anew is read as it was written then', async () => {
  const { path, say } = begin();
  await say('one');
  const [, end] = await read(path);
  appendFileSync(path, '{"ts":"half of a li');
  expect(await read(path, end)).toEqual([[], end]);
  const journal = await Journal.open(path);
  await journal.append({ phase: 'gate', agent_role: 'runner', event: 'message', summary: 'two' });
  await journal.close();
  expect((await read(path, end))[0]).toEqual(['two']);
});

test('a last line that lost its beginning is what the writer cuts, and is not read', async () => {
  const { path, say } = begin();
  await say('one');
  const [, end] = await read(path);
  appendFileSync(path, Buffer.concat([Buffer.alloc(40), Buffer.from('"summary":"two"}\n')]));
  expect(await read(path, end)).toEqual([[], end]);
  const journal = await Journal.open(path);
  await journal.append({ phase: 'gate', agent_role: 'runner', event: 'message', summary: 'a longer line than before' });
  await journal.close();
  expect((await read(path, end))[0]).toEqual(['a longer line than before']);
});

test('a line feed alone that lost its line is not read, a line that is none is told as such', async () => {
  const path = join(scratchFolder(), 'telemetry.jsonl');
  writeFileSync(path, '\0\n');
  expect(await read(path)).toEqual([[], 0]);
  writeFileSync(path, '\n{"seq":1}\nnull\n[]\n{\0}\n\n');
  expect(await read(path)).toEqual([[null, null, null, null, null, null], 24]);
});

test('a long journal is read in pieces of whole lines', async () => {
  const path = join(scratchFolder(), 'telemetry.jsonl');
  const line = `${JSON.stringify('x'.repeat(200_000))}\n`;
  writeFileSync(path, line.repeat(12));
  const seen: number[] = [];
  for (let position = 0; ; ) {
    const { lines, end } = await readPiece(path, position);
    if (end === position) break;
    seen.push(lines.length);
    expect((end - position) % line.length).toBe(0);
    position = end;
  }
  expect(seen).toEqual([5, 5, 2]);
});

test('a spoilt line with others behind it is gone past: nobody will cut it', async () => {
  const path = join(scratchFolder(), 'telemetry.jsonl');
  const half = 'x'.repeat(600_000);
  writeFileSync(path, `${half}\0\n${half}\n`);
  expect(await read(path)).toEqual([[null], 600_002]);
  expect(await read(path, 600_002)).toEqual([[null], 1_200_003]);
});

test('a line that is longer than any can be is an error and not more and more memory', async () => {
  const path = join(scratchFolder(), 'telemetry.jsonl');
  writeFileSync(path, 'x'.repeat(listenerLimits.pieceBytes * 3));
  await expect(readPiece(path, 0)).rejects.toThrow('a line behind byte 0 is longer than any can be');
});

test('a journal that is not there is an error', async () => {
  await expect(readPiece(join(scratchFolder(), 'telemetry.jsonl'), 0)).rejects.toThrow('ENOENT');
});
