import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { entriesWith, writeBlob, writeCommit, writeTree } from '../testing/bundle.ts';
import { addResult, expectMerged, expectUnmoved, makeTarget, snapshot } from '../testing/merge-ground.ts';
import { commitFiles, plainGit } from '../testing/repository.ts';
import { scratchFolder } from '../testing/scratch.ts';
import { mergeTargets } from './merge-targets.ts';

// Many processes of git, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

const put = (folder: string, name: string, text: string) => writeFileSync(join(folder, name), text);

test('a result with every kind of change is in the branch, the index and the work tree', async () => {
  const parent = scratchFolder();
  const names = ['with space', 'with\nline feed', 'with "quotes"', 'ünïcödé 漢', '-leading', "it's", 'back\\slash'];
  const base = {
    'keep.txt': 'same\n',
    'edit.txt': 'one\n',
    'gone.txt': 'gone\n',
    'mode.sh': '#!/bin/sh\n',
    'deep/er/gone.txt': 'x',
    'file-to-folder': 'file',
    'folder-to-file/a/b.txt': 'b',
    'file-to-link': 'file',
    ...Object.fromEntries(names.map((name) => [`names/${name}`, 'old'])),
  };
  const target = makeTarget(parent, 'project', base, (folder) => {
    put(folder, 'edit.txt', 'two\n');
    put(folder, 'same-size.txt', '');
    rmSync(join(folder, 'gone.txt'));
    chmodSync(join(folder, 'mode.sh'), 0o755);
    rmSync(join(folder, 'deep'), { recursive: true });
    rmSync(join(folder, 'file-to-folder'));
    mkdirSync(join(folder, 'file-to-folder/inner'), { recursive: true });
    put(folder, 'file-to-folder/inner/new.txt', 'new');
    rmSync(join(folder, 'folder-to-file'), { recursive: true });
    put(folder, 'folder-to-file', 'file');
    rmSync(join(folder, 'file-to-link'));
    symlinkSync('keep.txt', join(folder, 'file-to-link'));
    symlinkSync('nowhere', join(folder, 'new-link'));
    mkdirSync(join(folder, 'a/b/c'), { recursive: true });
    put(folder, 'a/b/c/new.bin', '\0\u0001');
    for (const name of names) put(folder, `names/${name}`, 'new');
  });
  const { folder } = target.repository;
  const kept = lstatSync(join(folder, 'keep.txt'), { bigint: true });
  expect(await mergeTargets([target], join(parent, 'scratch'))).toEqual({ ok: true, kept: [] });
  expectMerged(target);
  expect(lstatSync(join(folder, 'keep.txt'), { bigint: true }).ino).toBe(kept.ino);
  expect(readFileSync(join(folder, 'edit.txt'), 'utf8')).toBe('two\n');
  expect(existsSync(join(folder, 'deep'))).toBe(false);
  expect(lstatSync(join(folder, 'mode.sh')).mode & 0o111).not.toBe(0);
  expect(readlinkSync(join(folder, 'file-to-link'))).toBe('keep.txt');
  expect(readFileSync(join(folder, 'folder-to-file'), 'utf8')).toBe('file');
  expect(readFileSync(join(folder, 'file-to-folder/inner/new.txt'), 'utf8')).toBe('new');
  for (const name of names) expect(readFileSync(join(folder, 'names', name), 'utf8')).toBe('new');
  expect(lstatSync(join(folder, 'edit.txt')).nlink).toBe(1);
  expect(plainGit(folder, ['reflog', '-1', '--format=%gs', 'main'])).toBe('countersign: merge');
  expect(plainGit(folder, ['reflog', '-1', '--format=%H %gs', 'HEAD'])).toBe(`${target.head} countersign: merge`);
});

test('after the merge git need not read the files again', async () => {
  const parent = scratchFolder();
  const target = makeTarget(parent, 'project', { a: 'a', b: 'b' }, (folder) => put(folder, 'a', 'changed'));
  await mergeTargets([target], join(parent, 'scratch'));
  const index = plainGit(target.repository.folder, ['ls-files', '--debug', 'a']);
  const { ino, size, mtimeMs } = lstatSync(join(target.repository.folder, 'a'));
  expect(index).toContain(`ino: ${ino}`);
  expect(index).toContain(`size: ${size}`);
  expect(index).toContain(`mtime: ${Math.floor(mtimeMs / 1000)}:`);
});

test('a branch that is not checked out moves alone, whatever the checkout of another one looks like', async () => {
  const parent = scratchFolder();
  const target = makeTarget(parent, 'project', { a: 'a' }, (folder) => put(folder, 'a', 'changed'));
  const { folder } = target.repository;
  plainGit(folder, ['switch', '-q', '-c', 'other']);
  put(folder, 'a', 'half-done');
  put(folder, 'untracked', 'u');
  plainGit(folder, ['pack-refs', '--all']);
  const index = readFileSync(join(folder, '.git/index'));
  expect(await mergeTargets([target], join(parent, 'scratch'))).toMatchObject({ ok: true });
  expect(plainGit(folder, ['rev-parse', 'main'])).toBe(target.head);
  expect(plainGit(folder, ['rev-parse', 'other'])).toBe(target.base);
  expect(readFileSync(join(folder, 'a'), 'utf8')).toBe('half-done');
  expect(readFileSync(join(folder, '.git/index')).equals(index)).toBe(true);
  expect(plainGit(folder, ['reflog', '-1', '--format=%gs', 'HEAD'])).not.toBe('countersign: merge');
});

test('three repositories merge together; when one cannot, none does', async () => {
  const parent = scratchFolder();
  const make = (name: string) =>
    makeTarget(parent, name, { a: 'a', 'b/c': 'c' }, (folder) => {
      put(folder, 'a', `changed in ${name}`);
      rmSync(join(folder, 'b'), { recursive: true });
    });
  const targets = ['one', 'two', 'three'].map(make);
  const last = targets[2]?.repository.folder ?? '';
  put(last, 'a', 'of the human');
  const before = targets.map(({ repository }) => snapshot(repository.folder));
  const refused = await mergeTargets(targets, join(parent, 'scratch'));
  expect(refused).toMatchObject({ ok: false, refusals: [{ code: 'dirty', repository: 'three', names: ['a'] }] });
  expect(targets.map(({ repository }) => snapshot(repository.folder))).toEqual(before);
  plainGit(last, ['checkout', '-q', '--', 'a']);
  expect(await mergeTargets(targets, join(parent, 'scratch'))).toMatchObject({ ok: true });
  for (const target of targets) expectMerged(target);
});

test('a branch with slashes, of a repository without logs, whose ref is packed', async () => {
  const parent = scratchFolder();
  const first = makeTarget(parent, 'project', { a: 'a' }, (folder) => put(folder, 'a', 'changed'));
  const { folder } = first.repository;
  plainGit(folder, ['switch', '-q', '-c', 'feature/deep/name']);
  plainGit(folder, ['pack-refs', '--all']);
  plainGit(folder, ['config', 'core.logAllRefUpdates', 'false']);
  rmSync(join(folder, '.git/logs'), { recursive: true });
  const target = { ...first, branch: 'feature/deep/name' };
  expect(await mergeTargets([target], join(parent, 'scratch'))).toMatchObject({ ok: true });
  expectMerged(target);
  expect(existsSync(join(folder, '.git/logs'))).toBe(false);
});

test('a large file goes through in pieces', async () => {
  const parent = scratchFolder();
  const target = makeTarget(parent, 'project', { a: 'a' }, (folder) => {
    put(folder, 'large', '0123456789abcdef'.repeat(4 * 1024 * 1024));
    put(folder, 'z', 'after it\n');
  });
  expect(await mergeTargets([target], join(parent, 'scratch'))).toMatchObject({ ok: true });
  expectMerged(target);
});

test('what the operator keeps beside the result stays: untracked and ignored files, flags, other entries', async () => {
  const parent = scratchFolder();
  const base = { '.gitignore': 'ignored\n', a: 'a', assumed: 'x', 'dir/old': 'old' };
  const target = makeTarget(parent, 'project', base, (folder) => {
    put(folder, 'a', 'changed');
    rmSync(join(folder, 'dir'), { recursive: true });
  });
  const { folder } = target.repository;
  plainGit(folder, ['update-index', '--assume-unchanged', 'assumed']);
  put(folder, 'assumed', 'of the human');
  put(folder, 'ignored', 'i');
  put(folder, 'dir/untracked', 'u');
  expect(await mergeTargets([target], join(parent, 'scratch'))).toMatchObject({ ok: true });
  expect(plainGit(folder, ['status', '--porcelain'])).toBe('?? dir/');
  expect(plainGit(folder, ['ls-files', '-v', 'assumed'])).toBe('h assumed');
  for (const [name, text] of [
    ['assumed', 'of the human'],
    ['ignored', 'i'],
    ['dir/untracked', 'u'],
  ] as const)
    expect(readFileSync(join(folder, name), 'utf8')).toBe(text);
});

test('S072 S077 nothing that configuration, hooks or attributes name is run', async () => {
  const parent = scratchFolder();
  const witness = join(parent, 'witness');
  const script = join(parent, 'planted.sh');
  writeFileSync(script, `#!/bin/sh\necho "$0 $*" >> '${witness}'\ncat\n`);
  chmodSync(script, 0o755);
  const base = { a: 'a', b: 'b' };
  const first = makeTarget(parent, 'project', base, (folder) => put(folder, 'a', 'changed'));
  const { folder } = first.repository;
  const hooks = readdirSync(join(folder, '.git/hooks')).map((name) => name.replace('.sample', ''));
  for (const hook of [...hooks, 'reference-transaction', 'post-index-change', 'post-merge', 'post-checkout']) {
    writeFileSync(join(folder, '.git/hooks', hook), `#!/bin/sh\necho ${hook} >> '${witness}'\n`);
    chmodSync(join(folder, '.git/hooks', hook), 0o755);
  }
  const settings = `[core]\n\thooksPath = ${join(folder, '.git/hooks')}\n\tfsmonitor = ${script}\n\tsshCommand = ${script}
\tpager = ${script}\n\teditor = ${script}\n[diff]\n\texternal = ${script}\n[diff "planted"]\n\tcommand = ${script}\n\ttextconv = ${script}
[filter "planted"]\n\tclean = ${script}\n\tsmudge = ${script}\n\tprocess = ${script}\n[merge "planted"]\n\tdriver = ${script}
[alias]\n\tstatus = !${script}\n\tcat-file = !${script}\n[gpg]\n\tprogram = ${script}\n[log]\n\tshowSignature = true\n`;
  writeFileSync(join(folder, '.git/config'), `${readFileSync(join(folder, '.git/config'), 'utf8')}${settings}`);
  // Filters that the changed files do not have: their own would be refused.
  writeFileSync(join(folder, '.git/info/attributes'), 'b filter=planted diff=planted merge=planted\n');
  const seconds = Date.now() / 1000 - 100;
  execFileSync('touch', ['-d', `@${Math.floor(seconds)}`, join(folder, 'b')]);
  expect(await mergeTargets([first], join(parent, 'scratch'))).toMatchObject({ ok: true });
  expect(readFileSync(join(folder, 'a'), 'utf8')).toBe('changed');
  writeFileSync(join(folder, '.git/info/attributes'), '* filter=planted diff=planted merge=planted ident\n');
  const second = {
    ...first,
    base: first.head,
    head: plainGit(folder, ['commit-tree', '-p', first.head, '-m', 'x', `${first.base}^{tree}`]),
  };
  expect(await mergeTargets([second], join(parent, 'scratch'))).toMatchObject({
    ok: false,
    refusals: [{ code: 'filters' }],
  });
  expect(existsSync(witness)).toBe(false);
});

test('a file that changes while it is replaced is put back, in all repositories', async () => {
  const parent = scratchFolder();
  const targets = ['one', 'two'].map((name) =>
    makeTarget(parent, name, { a: 'a', b: 'b', 'sub/c': 'c' }, (folder) => {
      put(folder, 'a', 'changed');
      put(folder, 'b', 'changed');
      rmSync(join(folder, 'sub'), { recursive: true });
      put(folder, 'sub', 'file now');
    }),
  );
  const before = snapshot(targets[0]?.repository.folder ?? '');
  const place = join(targets[1]?.repository.folder ?? '', 'b');
  const at = async (step: string) => {
    if (step === 'checked two again') writeFileSync(place, 'of the human');
  };
  const refused = await mergeTargets(targets, join(parent, 'scratch'), { at });
  expect(refused).toMatchObject({
    ok: false,
    refusals: [{ code: 'dirty', repository: 'two', names: ['b'] }],
    kept: [],
  });
  expect(readFileSync(place, 'utf8')).toBe('of the human');
  expect(snapshot(targets[0]?.repository.folder ?? '')).toEqual(before);
  for (const target of targets) expectUnmoved(target);
  expect(plainGit(targets[1]?.repository.folder ?? '', ['status', '--porcelain'])).toBe(' M b');
});

test('a file that appears where another was moved aside stays, and so does what was moved', async () => {
  const parent = scratchFolder();
  const target = makeTarget(parent, 'project', { a: 'a' }, (folder) => put(folder, 'a', 'changed'));
  const place = join(target.repository.folder, 'a');
  const at = async (step: string) => {
    if (step === 'checked project again') writeFileSync(place, 'first edit');
    if (step === 'aside project 0') writeFileSync(place, 'second edit');
  };
  const refused = await mergeTargets([target], join(parent, 'scratch'), { at });
  expect(refused).toMatchObject({ ok: false, refusals: [{ code: 'dirty', names: ['a'] }] });
  expect(readFileSync(place, 'utf8')).toBe('second edit');
  expect(refused.kept).toHaveLength(1);
  expect(readFileSync(join(parent, refused.kept[0] ?? ''), 'utf8')).toBe('first edit');
});

test('a name that the file system does not hold is refused, and nothing is begun', async () => {
  const parent = scratchFolder();
  const { repository, base } = makeTarget(parent, 'project', { a: 'a' }, (folder) => put(folder, 'a', 'changed'));
  const { folder } = repository;
  const more = ['100644', 'x'.repeat(256), writeBlob(folder, 'x')] as const;
  const head = writeCommit(folder, writeTree(folder, entriesWith(folder, base, [more])), [base]);
  const target = { repository, branch: 'main', base, head };
  const before = snapshot(folder);
  expect(await mergeTargets([target], join(parent, 'scratch'))).toMatchObject({
    ok: false,
    refusals: [{ code: 'filters', message: expect.stringContaining('ENAMETOOLONG') }],
  });
  expect(snapshot(folder)).toEqual(before);
  expectUnmoved(target);
});

test('S063 a file that somebody else has under another name as well is replaced, and theirs stays as it was', async () => {
  const parent = scratchFolder();
  const target = makeTarget(parent, 'project', { a: 'a', b: 'b' }, (folder) => {
    put(folder, 'a', 'changed');
    rmSync(join(folder, 'b'));
  });
  const theirs = ['a', 'b'].map((name) => join(parent, `their-${name}`));
  for (const [index, name] of ['a', 'b'].entries()) linkSync(join(target.repository.folder, name), theirs[index] ?? '');
  expect(await mergeTargets([target], join(parent, 'scratch'))).toEqual({ ok: true, kept: [] });
  expectMerged(target);
  expect(theirs.map((path) => readFileSync(path, 'utf8'))).toEqual(['a', 'b']);
  expect(lstatSync(join(target.repository.folder, 'a')).nlink).toBe(1);
});

test('S061 a file below what was a link lands in a folder, and not where the link led', async () => {
  const parent = scratchFolder();
  const outside = join(parent, 'outside');
  mkdirSync(outside);
  const folder = join(parent, 'project');
  mkdirSync(folder);
  plainGit(folder, ['init', '-q', '-b', 'main']);
  symlinkSync('../outside', join(folder, 'out'));
  const target = addResult({ name: 'project', path: 'project', folder }, commitFiles(folder, {}, 'base'), () => {
    rmSync(join(folder, 'out'));
    mkdirSync(join(folder, 'out'));
    put(folder, 'out/x', 'x');
  });
  expect(await mergeTargets([target], join(parent, 'scratch'))).toEqual({ ok: true, kept: [] });
  expectMerged(target);
  expect(readdirSync(outside)).toEqual([]);
  expect(readFileSync(join(folder, 'out/x'), 'utf8')).toBe('x');
});

test('S061, S069 nothing is written through a link that takes the place of a folder', async () => {
  const parent = scratchFolder();
  const target = makeTarget(parent, 'project', { 'sub/a': 'a', 'sub/b': 'b' }, (folder) => {
    put(folder, 'sub/a', 'changed');
    put(folder, 'sub/new', 'new');
  });
  const { folder } = target.repository;
  const outside = join(parent, 'outside');
  const changed: string[] = [];
  const at = async (step: string) => {
    if (/^(aside|placed)/.test(step)) changed.push(step);
    if (step !== 'checked project again') return;
    execFileSync('mv', [join(folder, 'sub'), outside]);
    symlinkSync(outside, join(folder, 'sub'));
  };
  const refused = await mergeTargets([target], join(parent, 'scratch'), { at });
  expect(refused).toMatchObject({ ok: false, refusals: [{ code: 'dirty' }] });
  expect(changed).toEqual([]);
  expect(readdirSync(outside).sort()).toEqual(['a', 'b']);
  expect(readFileSync(join(outside, 'a'), 'utf8')).toBe('a');
  expectUnmoved(target);
});

test.each(['index.lock', 'HEAD.lock', 'refs/heads/main.lock'])(
  'another command that takes %s first has it',
  async (name) => {
    const parent = scratchFolder();
    const target = makeTarget(parent, 'project', { a: 'a' }, (folder) => put(folder, 'a', 'changed'));
    const lock = join(target.repository.folder, '.git', name);
    const at = async (step: string) => {
      if (step === 'fetched project') writeFileSync(lock, 'of another command');
    };
    const refused = await mergeTargets([target], join(parent, 'scratch'), { at });
    expect(refused).toMatchObject({ ok: false, refusals: [{ code: 'dirty', names: [name] }] });
    expect(readFileSync(lock, 'utf8')).toBe('of another command');
    rmSync(lock);
    expectUnmoved(target);
  },
);

test('git commands of the operator wait or fail while the merge holds its locks', async () => {
  const parent = scratchFolder();
  const target = makeTarget(parent, 'project', { a: 'a', b: 'b' }, (folder) => put(folder, 'a', 'changed'));
  const { folder } = target.repository;
  const failed: string[] = [];
  const at = async (step: string) => {
    if (step !== 'locked project') return;
    for (const args of [
      ['switch', '-c', 'other'],
      ['commit', '--allow-empty', '-m', 'x'],
      ['branch', '-f', 'main', 'HEAD'],
      ['add', 'b'],
      ['update-ref', 'refs/heads/main', target.head],
    ]) {
      try {
        plainGit(folder, args);
      } catch {
        failed.push(args[0] ?? '');
      }
    }
  };
  expect(await mergeTargets([target], join(parent, 'scratch'), { at })).toMatchObject({ ok: true });
  expect(failed).toEqual(['switch', 'commit', 'branch', 'add', 'update-ref']);
  expectMerged(target);
});

test('a second result on top of the first', async () => {
  const parent = scratchFolder();
  const first = makeTarget(parent, 'project', { a: 'a' }, (folder) => put(folder, 'a', 'one'));
  await mergeTargets([first], join(parent, 'scratch'));
  const second = addResult(first.repository, first.head, (folder) => put(folder, 'b', 'two'));
  expect(await mergeTargets([second], join(parent, 'scratch'))).toMatchObject({ ok: true });
  expectMerged(second);
  expect(await mergeTargets([second], join(parent, 'scratch'))).toMatchObject({
    ok: false,
    refusals: [{ code: 'moved' }],
  });
  commitFiles(second.repository.folder, { c: 'c' });
});

test.each(['path', 'dest'] as const)(
  'F22 a repository that cannot be written is refused with what to do; an error of the own folder is none of it (%s)',
  async (key) => {
    const parent = scratchFolder();
    const target = makeTarget(parent, 'project', { a: 'a' }, (folder) => put(folder, 'a', 'changed'));
    const before = snapshot(target.repository.folder);
    const scratch = join(parent, 'scratch');
    const failing = (folder: string) => async (step: string) => {
      if (step !== 'fetched project') return;
      throw Object.assign(new Error(step), { code: 'EROFS', path: '/somewhere', [key]: join(folder, 'index') });
    };
    expect(await mergeTargets([target], scratch, { at: failing(target.repository.folder) })).toMatchObject({
      ok: false,
      refusals: [{ code: 'filters', message: expect.stringContaining('EROFS') }],
    });
    await expect(mergeTargets([target], scratch, { at: failing(scratch) })).rejects.toMatchObject({ code: 'EROFS' });
    expect(snapshot(target.repository.folder)).toEqual(before);
    expect(await mergeTargets([target], scratch)).toMatchObject({ ok: true });
  },
);

test('F22 what is left of a merge that never began is in nobody’s way; one that began is ended first', async () => {
  const parent = scratchFolder();
  const target = makeTarget(parent, 'project', { a: 'a' }, (folder) => put(folder, 'a', 'changed'));
  const store = join(target.repository.folder, '.git/countersign-merge');
  mkdirSync(join(store, 'new'), { recursive: true });
  const intent = { version: 1, branch: 'main', base: target.base, head: target.head };
  put(store, 'intent.json', JSON.stringify(intent));
  expect(await mergeTargets([target], join(parent, 'scratch'))).toMatchObject({
    ok: false,
    refusals: [{ code: 'dirty', names: ['countersign-merge'] }],
  });
  rmSync(join(store, 'intent.json'));
  expect(await mergeTargets([target], join(parent, 'scratch'))).toMatchObject({ ok: true });
  expectMerged(target);
  expect(existsSync(store)).toBe(false);
});
