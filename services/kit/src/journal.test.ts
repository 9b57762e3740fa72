import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { EventBody } from '@countersign/contracts/event.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { JournalError } from './chain-scan.ts';
import { Journal, parseJournal, readJournal } from './journal.ts';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'countersign-journal-'));
  path = join(folder, 'telemetry.jsonl');
});
afterEach(() => rm(folder, { recursive: true }));

const event = (summary: string): EventBody => ({ phase: 'service', agent_role: 'runner', event: 'message', summary });

async function write(...summaries: string[]): Promise<Buffer> {
  const journal = await Journal.open(path);
  for (const summary of summaries) await journal.append(event(summary));
  await journal.close();
  return await readFile(path);
}

const summariesIn = (bytes: Uint8Array) => parseJournal(path, bytes).map(({ summary }) => summary);

test('events are numbered, chained and read back, over restarts too', async () => {
  await write('ü🙂 one', 'two\nlines');
  const bytes = await write('three');
  const events = parseJournal(path, bytes);
  expect(events.map(({ seq, summary }) => [seq, summary])).toEqual([
    [1, 'ü🙂 one'],
    [2, 'two\nlines'],
    [3, 'three'],
  ]);
  expect(events[0]?.prev).toBe('0'.repeat(64));
  expect(parseJournal(path, bytes.toString('utf8'))).toEqual(events);
});

test('appends that are made at once keep their order, and one that is refused leaves no gap', async () => {
  const journal = await Journal.open(path);
  const bad = { ...event('x'), event: 'nonsense' } as unknown as EventBody;
  const outcomes = await Promise.allSettled(
    Array.from({ length: 50 }, (_, index) => journal.append(index % 10 === 9 ? bad : event(String(index)))),
  );
  await journal.close();
  expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(5);
  const expected = Array.from({ length: 50 }, (_, index) => String(index)).filter((_, index) => index % 10 !== 9);
  expect(summariesIn(await readFile(path))).toEqual(expected);
});

test('an event that is too large is refused, and the next one succeeds', async () => {
  const journal = await Journal.open(path);
  await expect(journal.append({ ...event('x'), data: { text: 'x'.repeat(300_000) } })).rejects.toThrow(RangeError);
  await journal.append(event('small'));
  await journal.close();
  expect(summariesIn(await readFile(path))).toEqual(['small']);
});

describe('what was not wholly written', () => {
  test('is cut, wherever the last line was torn, and the journal goes on', async () => {
    const bytes = await write('one', 'zwei ü🙂');
    const firstEnd = bytes.indexOf('\n') + 1;
    for (let length = firstEnd; length < bytes.length; length += 1) {
      await writeFile(path, bytes.subarray(0, length));
      expect(summariesIn(await readFile(path))).toEqual(['one']);
      expect(summariesIn(await write('next'))).toEqual(['one', 'next']);
    }
  });

  const tails: [string, Buffer][] = [
    ['512 NUL bytes', Buffer.alloc(512)],
    ['64 KiB of NUL bytes', Buffer.alloc(65_536)],
    ['NUL bytes and a line feed', Buffer.from('\0\0\0\n')],
    ['NUL bytes before the end of a line', Buffer.concat([Buffer.alloc(512), Buffer.from('"x"}\n')])],
    ['broken UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0xc3])],
    ['half a character', Buffer.from('{"summary":"🙂').subarray(0, -2)],
    ['half an object', Buffer.from('{"ts":"2026')],
  ];
  test.each(tails)('%s: exactly that is cut', async (_name, tail) => {
    const whole = await write('ü one', '🙂 two');
    await appendFile(path, tail);
    expect(summariesIn(await readFile(path))).toEqual(['ü one', '🙂 two']);
    await (await Journal.open(path)).close();
    expect((await readFile(path)).equals(whole)).toBe(true);
    expect(summariesIn(await write('three'))).toEqual(['ü one', '🙂 two', 'three']);
  });

  test('is the whole file, when nothing else is there', async () => {
    await writeFile(path, Buffer.alloc(4_096));
    expect(summariesIn(await write('one'))).toEqual(['one']);
  });
});

describe('A27 a journal that was changed is refused, with the line', () => {
  async function changed(change: (lines: string[]) => string[]): Promise<number> {
    const lines = (await write('one', 'two', 'three', 'four')).toString('utf8').trimEnd().split('\n');
    await writeFile(path, `${change(lines).join('\n')}\n`);
    const before = await readFile(path);
    const error = await Journal.open(path).catch((reason: unknown) => reason);
    expect(await readFile(path)).toEqual(before);
    if (!(error instanceof JournalError)) throw new Error('it was accepted');
    expect(error.message).toContain(`${path}:${error.line}:`);
    return error.line;
  }

  test('a letter', async () => {
    expect(await changed((lines) => lines.map((line) => line.replace('two', 'twO')))).toBe(3);
  });
  test('a line removed', async () => {
    expect(await changed((lines) => lines.filter((_, index) => index !== 1))).toBe(2);
  });
  test('two lines exchanged', async () => {
    expect(await changed(([a = '', b = '', c = '', d = '']) => [a, c, b, d])).toBe(2);
  });
  test('a line twice', async () => {
    expect(await changed(([a = '', ...rest]) => [a, a, ...rest])).toBe(2);
  });
  test('a line of something else', async () => {
    expect(await changed(([a = '', ...rest]) => [a, 'hello', ...rest])).toBe(2);
  });
  test('a blank line', async () => {
    expect(await changed(([a = '', ...rest]) => [a, '', ...rest])).toBe(2);
  });
  test('an unknown member', async () => {
    expect(
      await changed((lines) => lines.map((line) => line.replace('"summary":"two"', '"summary":"two","x":1'))),
    ).toBe(2);
  });

  test('any byte of any line but the last is found', async () => {
    const bytes = await write('one', 'two', 'three');
    const end = bytes.lastIndexOf('\n', -2);
    for (let position = 0; position < end; position += 1)
      for (const mask of [0x01, 0x80]) {
        const flipped = Buffer.from(bytes);
        flipped[position] = (flipped[position] ?? 0) ^ mask;
        expect(() => parseJournal(path, flipped)).toThrow(JournalError);
      }
  });
});

test('a journal that is read event by event says what it says as a whole, without what was not wholly written', async () => {
  const bytes = await write('one', 'two', 'three');
  await appendFile(path, '{"ts":"2026');
  const heard: unknown[] = [];
  await readJournal(path, (event) => heard.push(event));
  expect(heard).toEqual(parseJournal(path, bytes));
  await writeFile(path, bytes.toString('utf8').replace('two', 'six'));
  await expect(readJournal(path, () => undefined)).rejects.toThrow(JournalError);
});
