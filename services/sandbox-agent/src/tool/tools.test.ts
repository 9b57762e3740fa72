import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { executeCall } from './execute-call.ts';

let workspace = '';
beforeEach(() => {
  workspace = mkdtempSync(join(tmpdir(), 'tools-'));
  mkdirSync(join(workspace, 'src'));
  mkdirSync(join(workspace, '.git'));
  writeFileSync(
    join(workspace, 'src/a.txt'),
    Array.from({ length: 500 }, (_, index) => `line ${index + 1}`).join('\n'),
  );
  writeFileSync(join(workspace, 'src/b.bin'), Buffer.from([1, 0, 2]));
  writeFileSync(join(workspace, '.git/config'), 'line 7');
});
afterEach(() => rmSync(workspace, { recursive: true, force: true }));

async function call(name: string, given: unknown, resultBytes = 1_000, stop = new AbortController().signal) {
  const executed = await executeCall({ name, arguments: given }, 'run', { workspace, resultBytes }, stop);
  if (executed.kind !== 'result') throw new Error('not a result');
  return executed.result;
}

it('lists files without git’s own', async () => {
  expect(await call('list_files', {})).toEqual({ ok: true, text: '.git/\nsrc/\nsrc/a.txt\nsrc/b.bin' });
});

it('reads a file in parts', async () => {
  const first = await call('read_file', { path: 'src/a.txt' });
  const next = /from_line (\d+)\]$/.exec(first.text)?.[1];
  expect(first.text).toMatch(/^line 1\nline 2\n/);
  expect((await call('read_file', { path: 'src/a.txt', from_line: next })).text).toMatch(new RegExp(`^line ${next}\n`));
  expect((await call('read_file', { path: 'src/a.txt', from_line: 500 })).text).toBe('line 500');
  expect(await call('read_file', { path: 'src/b.bin' })).toMatchObject({ ok: false });
});

it('searches, but not in git’s own files', async () => {
  expect(await call('search_files', { pattern: '^line (7|8)$' })).toEqual({
    ok: true,
    text: 'src/a.txt:7:line 7\nsrc/a.txt:8:line 8\n',
  });
  expect((await call('search_files', { pattern: 'nothing like it' })).text).toBe('nothing was found');
  expect(await call('search_files', { pattern: '(' })).toMatchObject({
    ok: false,
    text: expect.stringContaining('grep'),
  });
  expect((await call('search_files', { pattern: '--help' })).text).toBe('nothing was found');
});

it('edits only what is unambiguous', async () => {
  expect(await call('edit_file', { path: 'src/a.txt', old_text: 'line 3', new_text: 'x' })).toMatchObject({
    ok: false,
  });
  expect(await call('edit_file', { path: 'src/a.txt', old_text: 'line 499\n', new_text: '$&\n' })).toMatchObject({
    ok: true,
  });
  expect(readFileSync(join(workspace, 'src/a.txt'), 'utf8')).toContain('line 498\n$&\nline 500');
});

describe('a command', () => {
  it('shows the head and the tail of a long output', async () => {
    const { text } = await call('run_command', {
      command: 'echo first; head -c 100000 /dev/zero | tr "\\0" x; echo last >&2',
    });
    expect(text).toMatch(/^exit code 0\nfirst\nxxx/);
    expect(text).toMatch(/xxx\n?last\n$/);
    expect(text).toContain('bytes left out');
    expect(text.length).toBeLessThan(1_100);
  });

  it('takes everything with it that it has started', async () => {
    const { text } = await call('run_command', { command: 'sleep 300 & echo $!' });
    const pid = Number(text.split('\n')[1]);
    const state = () => {
      try {
        return /\) (\w)/.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.[1] ?? 'gone';
      } catch {
        return 'gone';
      }
    };
    expect(pid).toBeGreaterThan(1);
    await expect.poll(state).toMatch(/gone|Z|X/);
  });

  it('is ended by a stop', async () => {
    const stop = new AbortController();
    const running = call('run_command', { command: 'sleep 300' }, 1_000, stop.signal);
    setTimeout(() => stop.abort(new Error('enough')), 50);
    await expect(running).rejects.toThrow('enough');
  });
});
