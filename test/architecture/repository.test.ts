import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { beforeAll, expect, test } from 'vitest';
import { root } from '../support/stack.ts';

/** What begins so was made up for a test, or stands in a public specification. */
const madeUp = [
  '31hneApx',
  'ABCDEFGH',
  'AbCdEfGh',
  'acR1l0ra',
  'hBU6aPcw',
  'syt_Ym90_tokenOf',
  'syt_bm9ib2R5_unknown',
  'user:password@',
];
const knownForms = [
  /-----BEGIN [A-Z ]*PRIVATE KEY-----\s+([A-Za-z0-9+/=]{32,})/g,
  /\b((?:gh[pousr]_|github_pat_|npm_|hf_|dckr_pat_)\w{30,})/g,
  /\b((?:glpat-|xox[abeprs]-|sk-|tskey-[a-z]+-)[\w-]{20,})/g,
  /\b((?:AKIA[0-9A-Z]{16}|AIza[\w-]{35})\b)/g,
  /\b((?:syt_\w+_|mct_)\w{18,})/g,
  /\b(eyJ[\w-]{16,}\.[\w-]{16,}\.[\w-]{16,})/g,
  /:\/\/([^\s/:@"'`${}]+:[^\s/@"'`${}]{8,}@)/g,
];
const leastBits = 4.6;
let files: { readonly path: string; readonly text: string }[] = [];

beforeAll(async () => {
  const { stdout } = await execa('git', ['ls-files', '-z'], { cwd: root });
  files = stdout
    .split('\0')
    .filter((path) => path !== '')
    .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }))
    .filter(({ text }) => !text.includes('\0'));
});

const found = (matches: (text: string, path: string) => readonly string[]) =>
  files.flatMap(({ path, text }) =>
    matches(text, path)
      .filter((value) => !madeUp.some((beginning) => value.startsWith(beginning)))
      // Enough to find it, and no more of it in a report.
      .map((value) => `${path}: ${value.slice(0, 6)}…`),
  );

test('C12 no file of the repository holds a private key, a token of a known form, or a password in an address', () => {
  expect(files.length).toBeGreaterThan(1_000);
  const matches = (text: string) =>
    knownForms.flatMap((form) => [...text.matchAll(form)].map(([, value = '']) => value));
  expect(found(matches)).toEqual([]);
  // The forms do find one.
  const planted = ['ghp_', 'npm_', 'syt_Ym90_', 'https://somebody:'].map((begin) => `${begin}${'a1B2c3D4'.repeat(5)}@`);
  for (const one of [...planted, `-----BEGIN ${'PRIVATE'} KEY-----\n${'a1B2'.repeat(16)}`])
    expect(matches(one)).not.toEqual([]);
});

test('C12 no file holds a long text that only chance can have made', () => {
  const ofDigests = ['package-lock.json', 'test/fixtures/node-project/package-lock.json'];
  const mixed = (text: string, path: string) =>
    ofDigests.includes(path)
      ? []
      : (text.match(/(?<![\w+/=-])[A-Za-z0-9+/_-]{40,}={0,2}(?![\w+/=-])/g) ?? []).filter(
          (value) => /[a-z]/.test(value) && /[A-Z]/.test(value) && /\d/.test(value) && bitsOf(value) >= leastBits,
        );
  expect(found(mixed)).toEqual([]);
  // A digest in hexadecimal looks like a key: it has no place but in tests, and in the list that is made of digests.
  const isTest = /\.test\.ts$|\/testing\/|^test\/|^images\/base\/packages\.sha512$/;
  const hexadecimal = (text: string, path: string) =>
    isTest.test(path) ? [] : (text.match(/(?<![0-9a-z])[0-9a-f]{32,}(?![0-9a-z])/gi) ?? []);
  expect(found(hexadecimal)).toEqual([]);
  const planted = Buffer.from(Array.from({ length: 48 }, (_, index) => (index * 89 + 7) % 256)).toString('base64');
  expect(mixed(planted, '')).toEqual([planted]);
});

test('C12 folders of the operator’s are in the repository without what they hold', () => {
  const kept = files.filter(({ path }) => /^(?:secrets|volumes)\//.test(path)).map(({ path }) => path);
  expect(kept.filter((path) => !path.endsWith('/.gitkeep'))).toEqual([]);
  const telling = /(?:^|\/)(?:\.env\.local|\.netrc|id_(?:rsa|ed25519)|[^/]+\.(?:pem|key|p12|pfx|seed|sealed))$/;
  expect(files.filter(({ path }) => telling.test(path)).map(({ path }) => path)).toEqual([]);
});

test('C19 what runs on every change is the project’s own command, with nothing fetched by name and no workflow of a host', () => {
  const ci = files.filter(({ path }) =>
    /^\.(?:ci|github|gitlab|circleci|woodpecker)|^(?:Jenkinsfile|azure-)/.test(path),
  );
  expect(ci.map(({ path }) => path)).toEqual(['.ci/run']);
  const lines = ci.flatMap(({ text }) => text.trim().split('\n')).filter((line) => !line.startsWith('#'));
  expect(lines).toEqual(['set -eu', 'exec "$(dirname -- "$0")/../scripts/test" "$@"']);
});

/** How much chance a character of the text carries, by how often each is in it. */
function bitsOf(value: string): number {
  const counts = Map.groupBy(value, (character) => character);
  return -[...counts.values()]
    .map(({ length }) => length / value.length)
    .reduce((sum, share) => sum + share * Math.log2(share), 0);
}
