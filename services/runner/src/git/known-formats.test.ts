import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, test, vi } from 'vitest';
import { KnownFormats } from './known-formats.ts';

let folder = '';
/** Of what decides whether times have settled. */
let now = 0;
const later = () => {
  now = Date.now() + 10_000;
};
const ask = vi.fn(async () => ({ ok: true as const, value: 'sha1' }));
const put = (name: string, text: string) => writeFileSync(join(folder, '.git', name), text);

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'countersign-'));
  for (const name of ['objects', 'refs']) mkdirSync(join(folder, '.git', name), { recursive: true });
  put('HEAD', 'ref: refs/heads/main\n');
  put('config', '[core]\n');
  later();
  ask.mockClear();
});

test('git is asked once of a repository that stays as it is', async () => {
  const known = new KnownFormats(() => now);
  for (let time = 0; time < 3; time += 1) expect(await known.of(folder, ask)).toEqual({ ok: true, value: 'sha1' });
  put('refs/heads', '');
  mkdirSync(join(folder, '.git/objects/ab'));
  put('index', 'x');
  expect(await known.of(folder, ask)).toEqual({ ok: true, value: 'sha1' });
  expect(ask).toHaveBeenCalledTimes(1);
});

test.each([
  ['its configuration', () => put('config', '[core]\nworktree = /\n')],
  ['the same length of configuration', () => put('config', '[main]\n')],
  ['a configuration of the worktree', () => put('config.worktree', '')],
  ['what makes it another repository', () => put('commondir', '../other')],
  ['its HEAD', () => put('HEAD', 'x')],
  ['no HEAD', () => rmSync(join(folder, '.git/HEAD'))],
  ['no objects', () => rmSync(join(folder, '.git/objects'), { recursive: true })],
  ['other rights of its refs', () => chmodSync(join(folder, '.git/refs'), 0o711)],
  [
    'another repository in its place',
    () => {
      renameSync(join(folder, '.git'), join(folder, 'old'));
      for (const name of ['objects', 'refs']) mkdirSync(join(folder, '.git', name), { recursive: true });
      for (const name of ['HEAD', 'config']) renameSync(join(folder, 'old', name), join(folder, '.git', name));
    },
  ],
])('git is asked anew after a change: %s', async (_, change) => {
  const known = new KnownFormats(() => now);
  await known.of(folder, ask);
  change();
  later();
  await known.of(folder, ask);
  expect(ask).toHaveBeenCalledTimes(2);
});

test('what was changed a moment ago could be changed once more without a trace: git is asked again', async () => {
  now = Date.now();
  const known = new KnownFormats(() => now);
  for (let time = 0; time < 2; time += 1) await known.of(folder, ask);
  expect(ask).toHaveBeenCalledTimes(2);
});

test('what changes while git is asked is not remembered', async () => {
  const known = new KnownFormats(() => now);
  ask.mockImplementationOnce(async () => {
    put('config', '[other]\n');
    later();
    return { ok: true, value: 'sha1' };
  });
  for (let time = 0; time < 2; time += 1) await known.of(folder, ask);
  expect(ask).toHaveBeenCalledTimes(2);
});

test('a refusal is said anew each time', async () => {
  const known = new KnownFormats(() => now);
  const refuse = vi.fn(async () => ({ ok: false as const, reason: 'no repository' }));
  for (let time = 0; time < 2; time += 1)
    expect(await known.of(folder, refuse)).toEqual({ ok: false, reason: 'no repository' });
  expect(refuse).toHaveBeenCalledTimes(2);
});
