import { appendFileSync, mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { makeNamedPipe } from '../testing/named-pipe.ts';
import { scratchFolder } from '../testing/scratch.ts';
import { FileObserver, readIfPresent, readRegularFile } from './observe.ts';

function begin() {
  let now = 1_000_000;
  return {
    path: join(scratchFolder(), 'x.md'),
    observer: new FileObserver(2_000, () => now),
    pass: (ms: number) => {
      now += ms;
    },
  };
}

/** Writes as `cp` and `scp` do: in place, so that the file's status is as old as its content. */
function writeInPlace(path: string, text: string): void {
  writeFileSync(path, text);
}

test('a file that is written in place is whole when it stood still', async () => {
  const { path, observer, pass } = begin();
  writeInPlace(path, 'workspace: pro');
  expect(await observer.observe(path)).toMatchObject({ kind: 'file', settled: false });
  pass(1_999);
  expect(await observer.observe(path)).toMatchObject({ settled: false });
  pass(1);
  expect(await observer.observe(path)).toMatchObject({ settled: true });
});

test('F30 a file that grows is not whole until it stopped', async () => {
  const { path, observer, pass } = begin();
  writeInPlace(path, 'w');
  for (let count = 0; count < 5; count += 1) {
    expect(await observer.observe(path)).toMatchObject({ settled: false });
    pass(1_500);
    appendFileSync(path, 'o');
  }
  expect(await observer.observe(path)).toMatchObject({ settled: false });
  pass(2_000);
  expect(await observer.observe(path)).toMatchObject({ settled: true });
});

test('a file that was renamed into place is whole at once', async () => {
  const { path, observer } = begin();
  const temporary = `${path}.tmp`;
  writeInPlace(temporary, 'workspace: project\n');
  utimesSync(temporary, new Date(Date.now() - 1_000), new Date(Date.now() - 1_000));
  renameSync(temporary, path);
  expect(await observer.observe(path)).toMatchObject({ settled: true });
});

test('an empty file is given its time, for content may follow', async () => {
  const { path, observer, pass } = begin();
  writeInPlace(path, '');
  utimesSync(path, new Date(1), new Date(1));
  expect(await observer.observe(path)).toMatchObject({ settled: false });
  pass(2_000);
  expect(await observer.observe(path)).toMatchObject({ settled: true });
});

test('a file that was removed and written again starts anew', async () => {
  const { path, observer, pass } = begin();
  writeInPlace(path, 'x');
  await observer.observe(path);
  pass(2_000);
  rmSync(path);
  expect(await observer.observe(path)).toEqual({ kind: 'missing' });
  writeInPlace(path, 'x');
  expect(await observer.observe(path)).toMatchObject({ settled: false });
});

test.each<[string, (path: string) => void]>([
  ['a folder', (path) => mkdirSync(path)],
  ['a symbolic link', (path) => symlinkSync('/etc/passwd', path)],
  ['a named pipe', (path) => makeNamedPipe(path)],
])('%s is told without being opened', async (what, make) => {
  const { path, observer } = begin();
  make(path);
  expect(await observer.observe(path)).toEqual({ kind: 'special', what });
});

test('a regular file is read, up to its limit', async () => {
  const { path } = begin();
  writeFileSync(path, 'x'.repeat(10));
  expect(await readRegularFile(path, 10)).toEqual({ ok: true, bytes: Buffer.from('x'.repeat(10)) });
  expect(await readRegularFile(path, 9)).toEqual({ ok: false, reason: '10 bytes; at most 9 are read' });
});

test.each<[string, (path: string) => void | Promise<void>, RegExp]>([
  ['a link', (path) => symlinkSync('/etc/passwd', path), /symbolic link/],
  ['a dangling link', (path) => symlinkSync('nowhere', path), /symbolic link/],
  ['a pipe that nobody writes to', (path) => makeNamedPipe(path), /not a regular file/],
  ['a folder', (path) => mkdirSync(path), /not a regular file/],
  ['a device', (path) => symlinkSync('/dev/zero', path), /symbolic link/],
  ['10 MB', (path) => writeFileSync(path, Buffer.alloc(10_000_000)), /10000000 bytes/],
  [
    'a socket',
    async (path) => {
      const server = createServer().listen(path);
      onTestFinished(() => void server.close());
      await new Promise((resolve) => server.once('listening', resolve));
    },
    /socket/,
  ],
])('F37 %s is not read, and nothing waits for it', async (_name, make, reason) => {
  const { path } = begin();
  await make(path);
  expect(await readRegularFile(path)).toEqual({ ok: false, reason: expect.stringMatching(reason) });
});

test('a device file is not read', async () => {
  expect(await readRegularFile('/dev/zero')).toEqual({ ok: false, reason: 'not a regular file' });
});

test('a file that is gone is null to those who expect that, and an error to the others', async () => {
  const { path } = begin();
  expect(await readIfPresent(path)).toBeNull();
  await expect(readRegularFile(path)).rejects.toMatchObject({ code: 'ENOENT' });
});
