import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { RotatingFile } from './rotating-file.ts';

const limits = { fileBytes: 100, oldFiles: 3 };

function begin() {
  const folder = mkdtempSync(join(tmpdir(), 'countersign-rotate-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'x.jsonl');
  const lines = () =>
    [3, 2, 1, 0]
      .map((number) => (number === 0 ? path : `${path}.${number}`))
      .flatMap((name) =>
        existsSync(name) && statSync(name).isFile() ? readFileSync(name, 'utf8').split('\n').filter(Boolean) : [],
      );
  return { folder, path, lines };
}

const line = (number: number) => `line ${String(number).padStart(4, '0')} ${'x'.repeat(10)}\n`;

test('what is written stays within its bounds, and the newest lines are there in their order', () => {
  const { folder, path, lines } = begin();
  const file = new RotatingFile(path, limits);
  for (let number = 0; number < 100; number += 1) file.write(line(number));
  expect(readdirSync(folder).sort()).toEqual(['x.jsonl', 'x.jsonl.1', 'x.jsonl.2', 'x.jsonl.3']);
  for (const name of readdirSync(folder))
    expect(statSync(join(folder, name)).size).toBeLessThanOrEqual(limits.fileBytes);
  const kept = lines();
  expect(kept).toEqual(Array.from({ length: 100 }, (_, number) => line(number).trimEnd()).slice(-kept.length));
  expect(kept.length).toBeGreaterThan(12);
});

test('a restarted service goes on with the file, and a line longer than a file has one of its own', () => {
  const { path, lines } = begin();
  new RotatingFile(path, limits).write(line(1));
  const file = new RotatingFile(path, limits);
  file.write(line(2));
  file.write(`${'y'.repeat(300)}\n`);
  file.write(line(3));
  expect(lines()).toEqual([line(1).trimEnd(), line(2).trimEnd(), 'y'.repeat(300), line(3).trimEnd()]);
});

// The renames of one rotation, in their order; a death may come behind any of them.
test.each([0, 1, 2, 3])('F28 a death after %i renames of a rotation takes no line away', (renames) => {
  const { path, lines } = begin();
  writeFileSync(path, line(4).repeat(4));
  for (const number of [1, 2]) writeFileSync(`${path}.${number}`, line(4 - number));
  const before = lines();
  const steps: [string, string][] = [
    [`${path}.2`, `${path}.3`],
    [`${path}.1`, `${path}.2`],
    [path, `${path}.1`],
  ];
  for (const [from, to] of steps.slice(0, renames)) renameSync(from, to);
  const file = new RotatingFile(path, limits);
  expect(lines()).toEqual(before);
  file.write(line(5));
  expect(lines().slice(-before.length - 1)).toEqual([...before, line(5).trimEnd()]);
});

test('F21 lines that cannot be written are dropped and stop nobody, and later ones are written again', () => {
  const { folder, path, lines } = begin();
  const file = new RotatingFile(path, limits);
  for (let number = 0; number < 4; number += 1) file.write(line(number));
  // Rotating fails: there is a folder where the oldest goes to, and it is not empty.
  for (const number of [1, 2]) writeFileSync(`${path}.${number}`, '');
  mkdirSync(`${path}.3/x`, { recursive: true });
  file.write(line(4));
  expect(lines().at(-1)).toBe(line(3).trimEnd());
  rmSync(`${path}.3`, { recursive: true });
  file.write(line(5));
  expect(lines().at(-1)).toBe(line(5).trimEnd());
  expect(readdirSync(folder).sort()).toEqual(['x.jsonl', 'x.jsonl.1', 'x.jsonl.2', 'x.jsonl.3']);
});
