import { mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { codeSeedFile } from '@countersign/contracts/one-time-code.ts';
import { URI } from 'otpauth';
import decodeQR from 'qr/decode.js';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { codeText } from './code-text.ts';
import { makeSeed } from './make-seed.ts';

let secrets: string;
beforeEach(() => {
  secrets = mkdtempSync(join(tmpdir(), 'countersign-code-'));
});
afterEach(() => rmSync(secrets, { recursive: true }));

const path = () => join(secrets, codeSeedFile);
async function made(again = false) {
  const seed = await makeSeed(secrets, again);
  if (!seed.made) throw new Error('nothing was made');
  return seed;
}

test('W15 a seed of 160 bits, which its owner alone can read', async () => {
  const { seed, replaced } = await made();
  expect(readFileSync(path(), 'utf8')).toBe(`${seed}\n`);
  expect(seed).toMatch(/^[A-Z2-7]{32}$/);
  expect(statSync(path()).mode & 0o777).toBe(0o400);
  expect(replaced).toBe(false);
});

test('its URI says what an authenticator has to know', async () => {
  const { uri, seed } = await made();
  expect(URI.parse(uri)).toMatchObject({
    issuer: 'Countersign',
    label: 'prod',
    algorithm: 'SHA1',
    digits: 6,
    period: 30,
  });
  expect(new URL(uri).searchParams.get('secret')).toBe(seed);
});

test('W15 one that is there is neither shown nor replaced, unless that is asked for', async () => {
  const first = await made();
  expect(await makeSeed(secrets, false)).toEqual({ made: false });
  expect(readFileSync(path(), 'utf8')).toBe(`${first.seed}\n`);
  const second = await made(true);
  expect(second.replaced).toBe(true);
  expect(second.seed).not.toBe(first.seed);
  expect(readFileSync(path(), 'utf8')).toBe(`${second.seed}\n`);
});

test('a link in its place is not followed', async () => {
  writeFileSync(join(secrets, 'elsewhere'), 'x');
  symlinkSync(join(secrets, 'elsewhere'), path());
  await expect(makeSeed(secrets, true)).rejects.toThrow('symbolic link');
});

test('it is shown as text, and drawn where there is a terminal', async () => {
  const seed = await made();
  const text = codeText(seed, false);
  expect(text.replaceAll(' ', '')).toContain(seed.seed);
  expect(text).not.toMatch(/[\p{Cc}--\n]/v);
  expect(text).not.toContain('count no more');
  expect(codeText(await made(true), false)).toContain('count no more');
  const drawn = codeText(seed, true)
    .split('\n')
    .filter((line) => line.startsWith('\u001b[30;107m'));
  // Square, two rows a line, with a quiet zone of four modules, and no wider than a terminal.
  const widths = new Set(drawn.map((line) => stripVTControlCharacters(line).length));
  expect(widths.size).toBe(1);
  const [width = 0] = widths;
  expect(drawn).toHaveLength(Math.ceil(width / 2));
  expect(width).toBeLessThanOrEqual(60);
  expect(drawn.slice(0, 2).join('')).not.toMatch(/[█▀▄]/);
  expect(scan(drawn)).toBe(seed.uri);
});

/** What a camera reads from the terminal. */
function scan(drawn: readonly string[]): string {
  const rows = drawn.flatMap((line) => {
    const cells = [...stripVTControlCharacters(line)];
    return ['█▀', '█▄'].map((dark) => cells.map((cell) => dark.includes(cell)));
  });
  const size = 4 * (rows[0]?.length ?? 0);
  const data = new Uint8Array(size * size * 4).map((_, index) => {
    const [x, y] = [Math.floor(((index >> 2) % size) / 4), Math.floor((index >> 2) / size / 4)];
    return index % 4 === 3 || rows[y]?.[x] !== true ? 255 : 0;
  });
  return decodeQR({ width: size, height: size, data });
}
