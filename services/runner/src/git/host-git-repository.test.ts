import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { honestBundle } from '../testing/bundle.ts';
import { baseRef, hostOperations, resultRef } from '../testing/host-operations.ts';
import { beginImport } from '../testing/import-ground.ts';
import { commitFiles, makeRepository, plainGit } from '../testing/repository.ts';
import { basePack } from './base-pack.ts';
import { git, tryGit } from './git.ts';
import { findBase, findRepository } from './repository.ts';

/** A repository, another one that must not be touched, and an honest result for the first. */
async function begin() {
  const ground = await beginImport({ 'x.txt': 'x\n' });
  const { folder, repository, sandbox, base } = ground;
  const other = makeRepository(join(folder, 'other'));
  const secret = commitFiles(other.folder, { 'secret.txt': 'of another workspace\n' });
  const tip = commitFiles(sandbox, { 'x.txt': 'by the agent\n' });
  const bundle = honestBundle(sandbox, base);
  const inGit = (name: string) => join(repository.folder, '.git', name);
  /** Every file below a folder, with its bytes. */
  const bytesOf = (place: string) =>
    readdirSync(place, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => [join(entry.parentPath, entry.name), readFileSync(join(entry.parentPath, entry.name), 'latin1')])
      .sort();
  return { ...ground, other, secret, tip, inGit, bytesOf, operate: () => hostOperations(folder, 'project', bundle) };
}

/** The outcome, where an error of git's is as good as a refusal. */
async function endOf(outcome: Promise<{ ok: boolean }>): Promise<boolean> {
  return outcome.then(
    ({ ok }) => ok,
    () => false,
  );
}

test('S074 a .git file that points to another repository is not followed, and plain git follows it', async () => {
  const { repository, other, secret, operate, inGit, bytesOf } = await begin();
  renameSync(inGit(''), join(repository.folder, 'moved'));
  writeFileSync(join(repository.folder, '.git'), `gitdir: ${join(other.folder, '.git')}\n`);
  const before = bytesOf(other.folder);
  expect(plainGit(repository.folder, ['rev-parse', 'HEAD'])).toBe(secret);
  expect(await operate()).toEqual({ ok: false, reason: expect.stringContaining('points elsewhere') });
  expect(bytesOf(other.folder)).toEqual(before);
});

test('S074 a commondir that makes it another repository is not followed, and plain git follows it', async () => {
  const { repository, other, secret, operate, inGit, bytesOf } = await begin();
  writeFileSync(inGit('commondir'), '../../other/.git\n');
  const before = bytesOf(other.folder);
  expect(plainGit(repository.folder, ['rev-parse', 'refs/heads/main'])).toBe(secret);
  expect(await operate()).toMatchObject({ ok: false });
  expect(await tryGit(repository.folder, ['rev-parse', 'refs/heads/main'])).toMatchObject({
    exitCode: undefined,
    cause: expect.stringContaining('commondir'),
  });
  await expect(git(repository.folder, ['update-ref', 'refs/agentic/x', secret])).rejects.toThrow('commondir');
  expect(bytesOf(other.folder)).toEqual(before);
});

test.each([
  ['objects', 'objects'],
  ['objects/pack', 'pack'],
  ['refs', 'refs'],
  ['refs/heads', 'heads'],
  ['logs', 'logs'],
  ['logs/refs', 'log-refs'],
])('S075 a link in the place of .git/%s leads nothing out of the repository', async (name, elsewhere) => {
  const { folder, repository, operate, inGit, bytesOf, base } = await begin();
  plainGit(repository.folder, ['config', 'core.logAllRefUpdates', 'always']);
  const outside = join(folder, elsewhere);
  cpSync(inGit(name), outside, { recursive: true });
  rmSync(inGit(name), { recursive: true });
  symlinkSync(outside, inGit(name));
  const before = bytesOf(outside);
  expect(await endOf(operate())).toBe(false);
  expect(bytesOf(outside)).toEqual(before);
  // Plain git writes through it.
  plainGit(repository.folder, ['update-ref', 'refs/heads/trap', base]);
  plainGit(repository.folder, ['hash-object', '-w', '--stdin'], 'trap');
  const pack = execFileSync('git', ['pack-objects', '-q', '--stdout'], { cwd: repository.folder, input: `${base}\n` });
  plainGit(repository.folder, ['index-pack', '--stdin'], pack);
  expect(bytesOf(outside)).not.toEqual(before);
});

test.each(['refs/agentic', 'refs/agentic-base', 'refs/agentic/RUN-20261120-001', 'logs/refs/agentic', resultRef])(
  'S075 a link in the place of .git/%s, of ours, leads nothing out either',
  async (name) => {
    const { folder, repository, operate, inGit, bytesOf } = await begin();
    plainGit(repository.folder, ['config', 'core.logAllRefUpdates', 'always']);
    const outside = join(folder, 'outside');
    mkdirSync(outside);
    mkdirSync(join(inGit(name), '..'), { recursive: true });
    symlinkSync(outside, inGit(name));
    expect(await endOf(operate())).toBe(false);
    expect(bytesOf(outside)).toEqual([]);
    expect(readdirSync(outside)).toEqual([]);
  },
);

test.each(['info/attributes', 'info/exclude', 'objects/info/alternates'])(
  'S075 a named pipe in the place of .git/%s makes nobody wait',
  async (name) => {
    const { operate, inGit } = await begin();
    rmSync(inGit(name), { force: true });
    execFileSync('mkfifo', [inGit(name)]);
    const began = performance.now();
    expect(await endOf(operate())).toBe(false);
    expect(performance.now() - began).toBeLessThan(15_000);
  },
  30_000,
);

test('S075 grafts give a commit no other parents, and plain git believes them', async () => {
  const { repository, inGit, operate, base } = await begin();
  const history = plainGit(repository.folder, ['rev-list', base]);
  writeFileSync(inGit('info/grafts'), `${base}\n`);
  expect(plainGit(repository.folder, ['rev-list', base])).toBe(base);
  expect((await git(repository.folder, ['rev-list', base])).toString().trim()).toBe(history);
  expect(await operate()).toMatchObject({ ok: true, base });
});

test('S076 files that look like a bare repository are not taken for one, at the top or in a folder', async () => {
  const { folder, repository, operate, base } = await begin();
  const nested = join(repository.folder, 'nested');
  mkdirSync(nested);
  plainGit(nested, ['init', '-q', '--bare', '.']);
  for (const name of ['HEAD', 'config']) cpSync(join(nested, name), join(repository.folder, name));
  for (const name of ['objects', 'refs']) mkdirSync(join(repository.folder, name));
  expect(plainGit(nested, ['rev-parse', '--is-bare-repository'])).toBe('true');
  expect(await operate()).toMatchObject({ ok: true, base });
  rmSync(join(repository.folder, '.git'), { recursive: true });
  expect(plainGit(repository.folder, ['rev-parse', '--is-bare-repository'])).toBe('true');
  expect(await findRepository(folder, 'project', process.getuid?.() ?? 0)).toMatchObject({ ok: false });
});

test.each([
  '--upload-pack=touch pwned',
  '--all',
  '-',
  'HEAD',
  '@',
  '@{-1}',
  'main@{upstream}',
  'main^{tree}',
  'main:x.txt',
  ':/base',
  '../main',
  '../../config',
  'main\nHEAD',
  '\u001b[2Jmain',
  'refs/heads/main',
  'main..other',
  'main.lock',
  '*',
])('S078 no branch is found under the name %j', async (name) => {
  const { repository } = await begin();
  plainGit(repository.folder, ['checkout', '-q', '-b', 'second']);
  plainGit(repository.folder, ['checkout', '-q', 'main']);
  expect(await findBase({ ...repository, path: 'project' }, name)).toEqual({
    ok: false,
    reason: expect.stringContaining('does not exist'),
  });
});

test('S078 a branch that is truly named like an option is a branch', async () => {
  const { folder, repository, operate, inGit, base } = await begin();
  plainGit(repository.folder, ['update-ref', `refs/heads/--upload-pack=touch`, base]);
  writeFileSync(inGit('HEAD'), 'ref: refs/heads/--upload-pack=touch\n');
  expect(await operate()).toMatchObject({ ok: true, base, diff: { branch: '--upload-pack=touch' } });
  expect(readdirSync(folder)).not.toContain('pwned');
});

test.each([
  'ref: refs/agentic/x\n',
  'ref: ../../other/.git/refs/heads/main\n',
  'ref: refs/heads/../../../x\n',
  '\u001b[2J\n',
])('S078 a HEAD that says %j names no branch', async (text) => {
  const { operate, inGit } = await begin();
  writeFileSync(inGit('HEAD'), text);
  expect(await operate()).toMatchObject({ ok: false });
});

test.each([resultRef, baseRef])('S078 a symbolic %s moves no branch of the operator’s', async (ref) => {
  const { repository, operate, base, tip } = await begin();
  plainGit(repository.folder, ['branch', 'precious', 'main~1']);
  const precious = plainGit(repository.folder, ['rev-parse', 'precious']);
  plainGit(repository.folder, ['symbolic-ref', ref, 'refs/heads/precious']);
  expect(await operate()).toMatchObject({ ok: true });
  expect(plainGit(repository.folder, ['rev-parse', 'refs/heads/precious'])).toBe(precious);
  expect(plainGit(repository.folder, ['rev-parse', ref])).toBe(ref === resultRef ? tip : base);
  // Plain git would have moved it.
  plainGit(repository.folder, ['symbolic-ref', 'refs/trap', 'refs/heads/precious']);
  plainGit(repository.folder, ['update-ref', 'refs/trap', base]);
  expect(plainGit(repository.folder, ['rev-parse', 'refs/heads/precious'])).toBe(base);
});

test('S078 a replacement is not what the sandbox gets, nor what the diff is made from; plain git takes it', async () => {
  const { folder, repository, operate, base } = await begin();
  const forged = commitFiles(repository.folder, { 'x.txt': 'forged\n' });
  plainGit(repository.folder, ['reset', '-q', '--hard', base]);
  plainGit(repository.folder, ['replace', base, forged]);
  expect(plainGit(repository.folder, ['show', `${base}:x.txt`])).toBe('forged');
  const { path } = await basePack(join(folder, 'pack-cache'), repositoryOf(repository), base);
  const sandbox = makeRepository(join(folder, 'fresh'));
  plainGit(sandbox.folder, ['index-pack', '--stdin'], readFileSync(path));
  expect(plainGit(sandbox.folder, ['show', `${base}:x.txt`])).toBe('x');
  const outcome = await operate();
  if (!outcome.ok) throw new Error(outcome.reason);
  expect(readFileSync(join(outcome.diffs, 'project.patch'), 'utf8')).toContain('\n-x\n+by the agent\n');
});

test('S078 packed refs that say what no ref can be are refused or passed over, and nothing is written', async () => {
  const { repository, operate, inGit, base, other, bytesOf } = await begin();
  const before = bytesOf(other.folder);
  for (const line of [
    `${base} refs/heads/../../../other/.git/refs/heads/main`,
    `${base} refs/heads/a\u001b[2J`,
    `${base} HEAD`,
    `${base} refs/heads/main\n${'1'.repeat(40)} refs/heads/main`,
    'not a line of packed refs',
    `^${'1'.repeat(40)}`,
  ]) {
    writeFileSync(inGit('packed-refs'), `# pack-refs with: peeled fully-peeled sorted \n${line}\n`);
    await endOf(operate());
    expect(await findBase(repositoryOf(repository), 'a\u001b[2J')).toMatchObject({ ok: false });
  }
  expect(bytesOf(other.folder)).toEqual(before);
  expect(plainGit(other.folder, ['fsck'])).toBe('');
}, 60_000);

test('S078 hundreds of thousands of refs make nobody wait', async () => {
  const { operate, inGit, base } = await begin();
  const lines = Array.from({ length: 300_000 }, (_, index) => `${base} refs/heads/b${String(index).padStart(6, '0')}`);
  writeFileSync(inGit('packed-refs'), `# pack-refs with: peeled fully-peeled sorted \n${lines.join('\n')}\n`);
  const began = performance.now();
  expect(await operate()).toMatchObject({ ok: true, base });
  expect(performance.now() - began).toBeLessThan(30_000);
}, 60_000);

function repositoryOf(made: { readonly name: string; readonly folder: string }) {
  return { name: made.name, path: made.name, folder: made.folder };
}
