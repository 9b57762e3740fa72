import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { codeSeedFile } from '@countersign/contracts/one-time-code.ts';
import { afterEach, beforeEach, expect, test } from 'vitest';

let secrets: string;
beforeEach(() => {
  secrets = mkdtempSync(join(tmpdir(), 'countersign-enrol-'));
});
afterEach(() => rmSync(secrets, { recursive: true }));

function enrol(...words: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const environment = { PATH: process.env['PATH'], CODE_SECRETS: secrets };
  return new Promise((resolve) => {
    execFile(
      'node',
      [join(import.meta.dirname, 'code-main.ts'), ...words],
      { env: environment },
      (error, stdout, stderr) => resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}
const seed = () => readFileSync(join(secrets, codeSeedFile), 'utf8').trim();

test('W15 the seed is made and shown once; another one only when it is asked for', async () => {
  const first = await enrol('--picture');
  expect(first).toMatchObject({ code: 0, stderr: '' });
  const before = seed();
  expect(first.stdout.replaceAll(' ', '')).toContain(before);
  expect(first.stdout).toContain('█');

  const second = await enrol();
  expect(second).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('--again') });
  expect(seed()).toBe(before);

  const again = await enrol('--again');
  expect(again.code).toBe(0);
  expect(again.stdout).toContain('count no more');
  expect(again.stdout).not.toContain('█');
  expect(seed()).not.toBe(before);
}, 20_000);

test('what cannot be done is said in one line', async () => {
  mkdirSync(join(secrets, codeSeedFile));
  expect(await enrol('--again')).toEqual({
    code: 1,
    stdout: '',
    stderr: `countersign: ${join(secrets, codeSeedFile)} is not a file. Move it away.\n`,
  });
}, 20_000);
