import {
  chmodSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { makeTarget, snapshot } from '../testing/merge-ground.ts';
import { commitFiles, plainGit } from '../testing/repository.ts';
import { scratchFolder } from '../testing/scratch.ts';
import { checkTargets } from './check-targets.ts';
import type { MergeTarget } from './merge-target.ts';
import { mergeTargets } from './merge-targets.ts';

// Many processes of git, on a machine that may be busy.
vi.setConfig({ testTimeout: 60_000 });

const put = (folder: string, name: string, text: string) => writeFileSync(join(folder, name), text);
const base = { a: 'a', b: 'b', 'dir/c': 'c', link: 'l' };
const result = (folder: string) => {
  put(folder, 'a', 'changed');
  put(folder, 'new', 'new');
  put(folder, 'dir/new', 'new');
  rmSync(join(folder, 'link'));
};

/** A target that something has been done to, which must then be refused and left exactly as it is. */
type Case = {
  readonly name: string;
  readonly code: string;
  readonly names: readonly unknown[];
  readonly mend: RegExp;
  /** May return another target. */
  prepare(folder: string, target: MergeTarget, parent: string): Partial<MergeTarget> | undefined;
};

const any = expect.any(String);
const git = (folder: string, ...args: string[]) => void plainGit(folder, args);
const fails = (folder: string, ...args: string[]) => {
  try {
    plainGit(folder, args);
  } catch {
    return;
  }
  expect.unreachable('git should have stopped');
};

function one(
  code: string,
  name: string,
  names: readonly unknown[],
  mend: RegExp,
  prepare: (folder: string, target: MergeTarget, parent: string) => unknown,
): Case {
  return {
    code,
    name,
    names,
    mend,
    prepare: (...args) => (prepare(...args) ?? undefined) as Partial<MergeTarget> | undefined,
  };
}

const cases: readonly Case[] = [
  one('dirty', 'a changed file', ['b'], /git -C workspaces\/project stash/, (folder) => put(folder, 'b', 'edited')),
  one('dirty', 'a deleted file', ['b'], /git -C workspaces\/project status/, (folder) => unlinkSync(join(folder, 'b'))),
  one('dirty', 'a changed mode', ['b'], /stash/, (folder) => chmodSync(join(folder, 'b'), 0o755)),
  one('dirty', 'a file that became a link', ['b'], /stash/, (folder) => {
    unlinkSync(join(folder, 'b'));
    symlinkSync('a', join(folder, 'b'));
  }),
  one('dirty', 'an edit of the same size in the same second', ['b'], /stash/, (folder) => {
    const second = Math.floor(Date.now() / 1000) - 100;
    utimesSync(join(folder, 'b'), second, second);
    git(folder, 'update-index', '--refresh');
    put(folder, 'b', 'B');
    for (const name of ['b', '.git/index']) utimesSync(join(folder, name), second, second);
  }),
  one('dirty', 'staged work', ['b'], /stash/, (folder) => {
    put(folder, 'b', 'edited');
    git(folder, 'add', 'b');
    put(folder, 'b', 'b');
  }),
  one('dirty', 'a staged new file', ['staged'], /stash/, (folder) => {
    put(folder, 'staged', 's');
    git(folder, 'add', 'staged');
  }),
  one('dirty', 'a file to be added some time', ['later'], /stash/, (folder) => {
    put(folder, 'later', 's');
    git(folder, 'add', '-N', 'later');
  }),
  one('dirty', 'an untracked file in the way', ['new'], /moving them away/, (folder) => put(folder, 'new', 'mine')),
  one('dirty', 'an untracked file of the same content', ['new'], /moving/, (folder) => put(folder, 'new', 'new')),
  one('dirty', 'an ignored file in the way', ['dir/new'], /stash --all/, (folder) => {
    put(folder, '.git/info/exclude', 'new\n');
    put(folder, 'dir/new', 'mine');
  }),
  one('dirty', 'an untracked folder in the way', ['new/deep/file'], /moving/, (folder) => {
    mkdirSync(join(folder, 'new/deep'), { recursive: true });
    put(folder, 'new/deep/file', 'mine');
  }),
  one('dirty', 'an empty folder in the way', ['new/'], /moving/, (folder) => mkdirSync(join(folder, 'new'))),
  one('dirty', 'a dangling link in the way', ['new'], /moving/, (folder) =>
    symlinkSync('nowhere', join(folder, 'new')),
  ),
  one('dirty', 'a folder replaced by a link to its like', ['dir'], /in the way/, (folder, _target, parent) => {
    mkdirSync(join(parent, 'like'));
    put(parent, 'like/c', 'c');
    rmSync(join(folder, 'dir'), { recursive: true });
    symlinkSync(join(parent, 'like'), join(folder, 'dir'));
  }),
  one('dirty', 'a merge with conflicts', ['b'], /^unmerged files.*merge --abort/, (folder) => {
    git(folder, 'switch', '-q', '-c', 'side');
    commitFiles(folder, { b: 'side' });
    git(folder, 'switch', '-q', 'main');
    git(folder, 'reset', '-q', '--hard', 'main');
    const head = plainGit(folder, ['rev-parse', 'main']);
    commitFiles(folder, { b: 'main' });
    fails(folder, 'merge', 'side');
    git(folder, 'update-ref', 'refs/heads/main', head);
  }),
  one('dirty', 'a merge under way without any change', ['MERGE_HEAD'], /merge --abort/, (folder) =>
    put(folder, '.git/MERGE_HEAD', `${plainGit(folder, ['rev-parse', 'main'])}\n`),
  ),
  ...['CHERRY_PICK_HEAD', 'REVERT_HEAD', 'rebase-merge', 'rebase-apply', 'sequencer', 'BISECT_LOG'].map((name) =>
    one('dirty', `an operation under way: ${name}`, [name], /--abort|bisect reset/, (folder) =>
      put(folder, join('.git', name), ''),
    ),
  ),
  one('dirty', 'a rebase of the branch', [any], /rebase --abort/, (folder) => {
    mkdirSync(join(folder, '.git/rebase-merge'));
    put(folder, '.git/rebase-merge/head-name', 'refs/heads/main\n');
    git(folder, 'update-ref', '--no-deref', 'HEAD', 'HEAD');
  }),
  ...['index.lock', 'HEAD.lock', 'refs/heads/main.lock'].map((name) =>
    one(
      'dirty',
      `another git command at work: ${name}`,
      [name],
      new RegExp(`rm workspaces/project/.git/${name}`),
      (folder) => put(folder, join('.git', name), ''),
    ),
  ),
  one('dirty', 'a file that is assumed to be unchanged', ['a'], /--no-assume-unchanged/, (folder) =>
    git(folder, 'update-index', '--assume-unchanged', 'a'),
  ),
  one('dirty', 'a file that is left out of the work tree', ['a'], /--no-skip-worktree/, (folder) =>
    git(folder, 'update-index', '--skip-worktree', 'a'),
  ),
  one(
    'moved',
    'a later commit',
    [expect.stringMatching(/^[0-9a-f]{7,} a human's commit$/)],
    /git -C workspaces\/project log/,
    (folder) => void plainGit(folder, ['commit', '-q', '--allow-empty', '-m', "a human's commit"]),
  ),
  one('moved', 'a rewritten branch', [any], /log/, (folder) => git(folder, 'commit', '-q', '--amend', '-m', 'x')),
  one('moved', 'a branch that is gone', [any], /branch 'main'/, (folder) => {
    git(folder, 'switch', '-q', '-c', 'other');
    git(folder, 'branch', '-D', 'main');
  }),
  one('moved', 'a branch that is merged already', [any], /log/, (folder, target) =>
    git(folder, 'merge', '-q', '--ff-only', target.head),
  ),
  one('moved', 'a branch that only points to another one', ['refs/heads/real'], /symbolic-ref --delete/, (folder) => {
    git(folder, 'branch', 'real');
    git(folder, 'symbolic-ref', 'refs/heads/main', 'refs/heads/real');
  }),
  one('checked-out-elsewhere', 'another work tree', ['other'], /worktree remove/, (folder, _target, parent) => {
    git(folder, 'switch', '-q', '-c', 'side');
    git(folder, 'worktree', 'add', '-q', join(parent, 'other'), 'main');
  }),
  one('checked-out-elsewhere', 'a rebase in another work tree', ['other'], /worktree/, (folder, _target, parent) => {
    git(folder, 'worktree', 'add', '-q', '--detach', join(parent, 'other'));
    mkdirSync(join(folder, '.git/worktrees/other/rebase-merge'));
    put(folder, '.git/worktrees/other/rebase-merge/head-name', 'refs/heads/main\n');
  }),
  one('checked-out-elsewhere', 'a bisection in another work tree', ['other'], /worktree/, (folder, _target, parent) => {
    git(folder, 'worktree', 'add', '-q', '--detach', join(parent, 'other'));
    put(folder, '.git/worktrees/other/BISECT_START', 'main\n');
  }),
  one('checked-out-elsewhere', 'HEAD that reaches the branch by another name', ['alias'], /switch 'main'/, (folder) => {
    git(folder, 'symbolic-ref', 'refs/heads/alias', 'refs/heads/main');
    git(folder, 'symbolic-ref', 'HEAD', 'refs/heads/alias');
  }),
  ...[
    '* text eol=crlf',
    'a filter=lfs diff=lfs',
    'a working-tree-encoding=UTF-16',
    'a ident',
    '[attr]mine filter=x\na mine',
  ].map((line) =>
    one(
      'filters',
      `attributes of the repository: ${line}`,
      expect.arrayContaining(['a']) as never,
      /merge --ff-only [0-9a-f]{40}/,
      (folder) => put(folder, '.git/info/attributes', `${line}\n`),
    ),
  ),
  one('filters', 'attributes of the work tree that are not tracked', ['dir/new'], /merge --ff-only/, (folder) =>
    put(folder, 'dir/.gitattributes', 'new filter=x\n'),
  ),
  ...[
    ['core.autocrlf', 'true'],
    ['core.eol', 'crlf'],
    ['core.sparseCheckout', 'true'],
    ['core.attributesFile', '/nonexistent/attributes'],
  ].map(([key = '', value = '']) =>
    one('filters', `configuration: ${key}`, expect.anything() as never, /merge --ff-only/, (folder) =>
      git(folder, 'config', key, value),
    ),
  ),
  one('filters', 'an index in two files', ['index'], /merge --ff-only/, (folder) =>
    git(folder, 'update-index', '--split-index'),
  ),
  one('no-snapshot', 'a commit that is not there', ['f'.repeat(40)], /run the task again/, () => ({
    head: 'f'.repeat(40),
  })),
  one('no-snapshot', 'a commit that is no descendant', [any], /log/, (folder) => ({
    head: plainGit(folder, ['commit-tree', '-m', 'apart', 'main^{tree}']),
  })),
  one('no-snapshot', 'nothing to merge', [any], /log/, (_folder, target) => ({ head: target.base })),
  one('no-snapshot', 'a file of the result that is lost', [any], /fsck/, (folder, target) => {
    const blob = plainGit(folder, ['rev-parse', `${target.head}:new`]);
    rmSync(join(folder, '.git/objects', blob.slice(0, 2), blob.slice(2)));
  }),
];

test.each(cases)('S083 refused as $code: $name; every ref, index and file stays as it was', async (one) => {
  const parent = scratchFolder();
  const made = makeTarget(parent, 'project', base, result);
  const { folder } = made.repository;
  const target = { ...made, ...one.prepare(folder, made, parent) };
  const before = snapshot(folder);
  const refusals = await checkTargets([target], join(parent, 'scratch'));
  const said = refusals.filter(({ message }) => one.mend.test(message));
  expect(said).toMatchObject([{ code: one.code, repository: 'project', names: one.names }]);
  expect(await mergeTargets([target], join(parent, 'scratch'))).toMatchObject({ ok: false, refusals });
  expect(snapshot(folder)).toEqual(before);
});

test('a clean repository is read and stays as it was; files that were only touched are no work of anybody', async () => {
  const parent = scratchFolder();
  const target = makeTarget(
    parent,
    'project',
    { ...base, '.gitattributes': '* text=auto\n*.sh text eol=lf\n' },
    result,
  );
  const { folder } = target.repository;
  put(folder, 'b', 'b');
  put(folder, 'untracked', 'u');
  const before = snapshot(folder);
  expect(await checkTargets([target], join(parent, 'scratch'))).toEqual([]);
  expect(snapshot(folder)).toEqual(before);
});

test('text with carriage returns is left to the operator’s git', async () => {
  const parent = scratchFolder();
  const target = makeTarget(parent, 'project', base, (folder) => {
    put(folder, 'a', 'one\r\ntwo\r\n');
    put(folder, 'b', 'one\n');
  });
  put(target.repository.folder, '.git/info/attributes', '* text\n');
  const refusals = await checkTargets([target], join(parent, 'scratch'));
  expect(refusals).toMatchObject([{ code: 'filters', names: ['a'] }]);
});

test('attributes that come with the result count as well', async () => {
  const parent = scratchFolder();
  const target = makeTarget(parent, 'project', base, (folder) =>
    put(folder, '.gitattributes', 'a filter=lfs\nnew ident\n'),
  );
  expect(await checkTargets([target], join(parent, 'scratch'))).toEqual([]);
  const other = makeTarget(parent, 'other', base, (folder) => {
    result(folder);
    put(folder, '.gitattributes', 'a filter=lfs\n');
  });
  expect(await checkTargets([other], join(parent, 'scratch'))).toMatchObject([{ code: 'filters', names: ['a'] }]);
});

test('submodules, and names that differ only in case where that matters, are left to the operator’s git', async () => {
  const parent = scratchFolder();
  const submodule = makeTarget(parent, 'submodule', base, (folder) =>
    git(folder, 'update-index', '--add', '--cacheinfo', `160000,${plainGit(folder, ['rev-parse', 'HEAD'])},sub`),
  );
  const commit = plainGit(submodule.repository.folder, ['rev-parse', 'main']);
  plainGit(submodule.repository.folder, ['update-index', '--add', '--cacheinfo', `160000,${commit},sub`]);
  const tree = plainGit(submodule.repository.folder, ['write-tree']);
  plainGit(submodule.repository.folder, ['reset', '-q', '--hard']);
  const head = plainGit(submodule.repository.folder, ['commit-tree', '-p', commit, '-m', 'x', tree]);
  const folded = makeTarget(parent, 'folded', base, (folder) => {
    rmSync(join(folder, 'a'));
    put(folder, 'A', 'upper');
  });
  git(folded.repository.folder, 'config', 'core.ignoreCase', 'true');
  expect(await checkTargets([{ ...submodule, head }, folded], join(parent, 'scratch'))).toMatchObject([
    { code: 'filters', repository: 'submodule', names: ['sub'] },
    { code: 'filters', repository: 'folded' },
  ]);
});

test('S084 names of an attacker’s reach nobody’s terminal, and are bounded', async () => {
  const parent = scratchFolder();
  const target = makeTarget(parent, 'project', base, (folder) => {
    put(folder, `\u001b[2J\u202e${'x'.repeat(200)}`, 'x');
    for (let index = 0; index < 30; index += 1) put(folder, `file ${index}`, 'x');
  });
  put(target.repository.folder, `\u001b[2J\u202e${'x'.repeat(200)}`, 'mine');
  for (let index = 0; index < 30; index += 1) put(target.repository.folder, `file ${index}`, 'mine');
  const [refusal] = await checkTargets([target], join(parent, 'scratch'));
  expect(refusal?.names).toHaveLength(20);
  expect(refusal?.names[0]).toMatch(/^\\u001b\[2J\\u202ex+$/);
  expect(refusal?.message).toMatch(/and 28 more; mend it with: moving them away/);
  expect(`${refusal?.message}${refusal?.names.join()}`).not.toMatch(/[^\x20-\x7e]/);
});

test('of a branch with many later commits the first are named', async () => {
  const parent = scratchFolder();
  const target = makeTarget(parent, 'project', base, result);
  const { folder } = target.repository;
  for (let index = 0; index < 25; index += 1) git(folder, 'commit', '-q', '--allow-empty', '-m', `later ${index}`);
  const [refusal] = await checkTargets([target], join(parent, 'scratch'));
  expect(refusal?.names).toHaveLength(20);
  expect(readFileSync(join(folder, 'a'), 'utf8')).toBe('a');
});
