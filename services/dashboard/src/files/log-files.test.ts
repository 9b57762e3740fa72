import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { linesAfter, linesBefore, logEnd, logFiles, logReading } from './log-files.ts';
import { LogTail } from './log-tail.ts';

let volumes: string;
const path = (suffix = '') => join(volumes, 'logs/runner', `runner.jsonl${suffix}`);
beforeEach(() => {
  volumes = mkdtempSync(join(tmpdir(), 'countersign-logs-'));
  mkdirSync(join(volumes, 'logs/runner'), { recursive: true });
});
afterEach(() => rmSync(volumes, { recursive: true }));

const numbered = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => `{"line":${from + index}}\n`).join('');

async function before(place: number, limit: number) {
  return await linesBefore(volumes, await logFiles(volumes, 'runner'), place, limit);
}
async function after(place: number, limit: number) {
  return await linesAfter(volumes, await logFiles(volumes, 'runner'), place, limit);
}

test('all files of a log are one, read from the end and forwards, and every line once', async () => {
  writeFileSync(path('.2'), numbered(0, 100));
  writeFileSync(path('.1'), numbered(100, 5_000));
  writeFileSync(path(), numbered(5_000, 6_000));
  const files = await logFiles(volumes, 'runner');
  const backwards: string[] = [];
  for (let place = logEnd(files); place > 0; ) {
    const { lines } = await before(place, 700);
    backwards.unshift(...lines.map(({ text }) => text));
    place = lines[0]?.at ?? 0;
  }
  const forwards: string[] = [];
  for (let place = 0; place < logEnd(files); ) {
    const { lines, next } = await after(place, 700);
    forwards.push(...lines.map(({ text }) => text));
    place = next;
  }
  const all = numbered(0, 6_000).trimEnd().split('\n');
  expect(backwards).toEqual(all);
  expect(forwards).toEqual(all);
});

test('a line that is not whole yet is left for the next time, and a place within a line is its end', async () => {
  writeFileSync(path(), 'one\ntwo\nthr');
  expect(await before(100, 10)).toEqual({
    lines: [
      { at: 0, text: 'one' },
      { at: 4, text: 'two' },
    ],
    next: 8,
  });
  expect(await after(0, 10)).toMatchObject({ next: 8 });
  expect((await after(1, 10)).lines).toEqual([{ at: 4, text: 'two' }]);
  appendFileSync(path(), 'ee\n');
  expect((await after(8, 10)).lines).toEqual([{ at: 8, text: 'three' }]);
});

test('a line longer than is shown is cut, what is not UTF-8 is replaced, and what follows is whole', async () => {
  const long = 'y'.repeat(1_000_000);
  writeFileSync(path(), Buffer.concat([Buffer.from('a\n'), Buffer.from([0xff, 0x0a]), Buffer.from(`${long}\nend\n`)]));
  for (const { lines } of [await after(0, 10), await before(10_000_000, 10)]) {
    expect(lines.map(({ text }) => text.slice(0, 3))).toEqual(['a', '\ufffd', 'yyy', 'end']);
    expect(lines[2]?.text.length).toBe(logReading.lineBytes + 1);
  }
});

test('W22 links, pipes and other names are no logs', async () => {
  writeFileSync(join(volumes, 'secret'), 'secret\n');
  symlinkSync(join(volumes, 'secret'), path());
  expect(await logFiles(volumes, 'runner')).toEqual([]);
  rmSync(join(volumes, 'logs/runner'), { recursive: true });
  mkdirSync(join(volumes, 'elsewhere'));
  writeFileSync(join(volumes, 'elsewhere/runner.jsonl'), 'secret\n');
  symlinkSync(join(volumes, 'elsewhere'), join(volumes, 'logs/runner'));
  await expect(logFiles(volumes, 'runner')).resolves.toEqual([]);
});

test('a million lines cost no more than the ones that are asked for', async () => {
  const file = openSync(path(), 'w');
  for (let number = 0; number < 1_000_000; number += 10_000) writeSync(file, numbered(number, number + 10_000));
  const begin = performance.now();
  const { lines } = await before(Number.MAX_SAFE_INTEGER, 1_000);
  expect(lines.at(-1)?.text).toBe('{"line":999999}');
  expect(lines).toHaveLength(1_000);
  expect((await after(9_000_000, 1_000)).lines).toHaveLength(1_000);
  expect(performance.now() - begin).toBeLessThan(2_000);
});

test('W25 of a log of a gigabyte that is one line no more is read than one answer takes, and what follows it is found', async () => {
  writeFileSync(path(), 'first\n');
  truncateSync(path(), 1024 ** 3);
  appendFileSync(path(), '\nlast\n');
  const memory = process.memoryUsage().rss;
  expect((await before(Number.MAX_SAFE_INTEGER, 1)).lines.map(({ text }) => text)).toEqual(['last']);
  const { lines, next } = await after(0, 1_000);
  expect(lines[0]?.text).toBe('first');
  expect(lines[1]?.text.length).toBe(logReading.lineBytes + 1);
  expect(next).toBeLessThanOrEqual(logReading.answerBytes + logReading.pieceBytes);
  expect(process.memoryUsage().rss - memory).toBeLessThan(64 * 1024 ** 2);
});

test('a log is followed over the change of its files', async () => {
  writeFileSync(path(), 'old\n');
  const tail = new LogTail(volumes, 'runner');
  const read = async () => (await tail.read(100)).map(({ text }) => text);
  expect(await read()).toEqual([]);
  appendFileSync(path(), 'one\ntw');
  expect(await read()).toEqual(['one']);
  appendFileSync(path(), 'o\nthree\n');
  renameSync(path(), path('.1'));
  writeFileSync(path(), 'four\n');
  expect(await read()).toEqual(['two', 'three', 'four']);
  for (let number = 4; number >= 1; number -= 1) rmSync(path(`.${number}`), { force: true });
  appendFileSync(path(), 'five\n');
  expect(await read()).toEqual(['five']);
});
