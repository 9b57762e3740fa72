import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { makeRepository, operatorGit } from '../testing/repository.ts';
import { checkOut, unpack } from './checkout.ts';
import { collectWithoutRoom } from './collect-without-room.ts';

let folder = '';
let work = '';
let origin: ReturnType<typeof makeRepository>;
const options = { stop: new AbortController().signal };

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'without-room-'));
  origin = makeRepository(join(folder, 'origin'), 'demo');
  work = join(folder, 'work');
  const pack = join(folder, 'base.pack');
  writeFileSync(pack, origin.pack);
  await unpack(work, origin.baseHead, pack, options);
  await checkOut(work, options);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const write = (name: string, content: string | Buffer) => {
  mkdirSync(join(work, name, '..'), { recursive: true });
  writeFileSync(join(work, name), content);
};
const collect = () =>
  collectWithoutRoom(work, origin.baseHead, join(folder, 'bundle'), join(folder, 'scratch'), options);
/** The files of the collected commit, as somebody with the base has them. */
function arrived(head: string | undefined): string[] {
  operatorGit(origin.folder, ['fetch', '-q', join(folder, 'bundle'), 'refs/heads/agent']);
  return operatorGit(origin.folder, ['ls-tree', '-r', '--name-only', head ?? ''])
    .toString()
    .trim()
    .split('\n');
}
/** Everything below a folder, with sizes and times. */
function state(path: string): string {
  return execFileSync('find', [path, '-printf', '%P %s %T@ %m\n']).toString().split('\n').sort().join('\n');
}

test('commits and files come back, and nothing is written where there is no room', async () => {
  write('committed.txt', 'one\n');
  operatorGit(work, ['add', '-A']);
  operatorGit(work, ['commit', '-qm', 'by the tool']);
  write('readme.md', 'changed\n');
  write('deep/new.txt', 'new\n');
  write('-odd\n"name', 'odd\n');
  const before = state(work);
  const collected = await collect();
  expect(collected).toMatchObject({ problem: undefined, note: undefined });
  expect(state(work)).toBe(before);
  expect(arrived(collected.head)).toEqual(['"-odd\\n\\"name"', 'committed.txt', 'deep/new.txt', 'readme.md']);
  const subjects = operatorGit(origin.folder, ['log', '--format=%s', `${origin.baseHead}..${collected.head}`]);
  expect(subjects.toString().trim().split('\n')).toEqual(['Work left uncommitted by the agent', 'by the tool']);
  // The bundle alone stays in memory.
  expect(readdirSync(join(folder, 'scratch', '.git'))).not.toContain('objects');
});

test('S066, S067 removed and ignored files, repositories within and what is no file', async () => {
  rmSync(join(work, 'readme.md'));
  write('.gitignore', 'ignored\n');
  write('ignored', 'x');
  write('unreadable', 'x');
  chmodSync(join(work, 'unreadable'), 0o000);
  operatorGit(work, ['init', '-q', 'inner']);
  execFileSync('mkfifo', [join(work, 'pipe')]);
  const collected = await collect();
  expect(collected.problem).toBeUndefined();
  expect(arrived(collected.head)).toEqual(['.gitignore']);
});

test.each([
  ['a broken index', () => writeFileSync(join(work, '.git/index'), 'garbage')],
  [
    'an index that is a pipe',
    () => {
      rmSync(join(work, '.git/index'));
      execFileSync('mkfifo', [join(work, '.git/index')]);
    },
  ],
  [
    'a filter that would run',
    () => {
      operatorGit(work, ['config', 'filter.f.clean', `touch ${folder}/ran; cat`]);
      write('.gitattributes', '* filter=f\n');
    },
  ],
])('%s has no say', async (_what, prepare) => {
  write('work.txt', 'kept\n');
  prepare();
  const collected = await collect();
  expect(arrived(collected.head)).toContain('work.txt');
  expect(readdirSync(folder)).not.toContain('ran');
});

test('a file larger than any that is taken is left out and named, and the work is there all the same', async () => {
  write('work.txt', 'kept\n');
  write('fill\n.bin', '');
  truncateSync(join(work, 'fill\n.bin'), 300 * 1024 * 1024);
  const collected = await collect();
  expect(collected.problem).toMatch(/^No space left on device: fill.{1,6}\.bin \(314572800 bytes\) could not be kept$/);
  expect(arrived(collected.head)).toEqual(['readme.md', 'work.txt']);
  expect(statSync(join(folder, 'bundle')).size).toBeLessThan(10_000);
});

test('nothing that changed is no bundle; a .git that is gone is said', async () => {
  expect(await collect()).toMatchObject({ head: undefined, bundle: undefined, problem: undefined });
  rmSync(join(work, '.git'), { recursive: true });
  expect((await collect()).problem).toContain('.git folder is gone');
  expect(readFileSync(join(work, 'readme.md'), 'utf8')).toContain('demo');
});
