import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { commitFiles, makeRepository, plainGit } from '../testing/repository.ts';
import { scratchFolder } from '../testing/scratch.ts';
import { findBase, findRepository, measureCheckout, pinBase } from './repository.ts';

const own = process.getuid?.() ?? 0;

function begin() {
  const workspaces = scratchFolder();
  return { workspaces, repository: makeRepository(join(workspaces, 'project')) };
}

test('a repository directly under workspaces is found', async () => {
  const { workspaces, repository } = begin();
  expect(await findRepository(workspaces, 'project', own)).toEqual({
    ok: true,
    value: { name: 'project', path: 'project', folder: repository.folder },
  });
});

test('another user’s workspace is refused with the command that mends it', async () => {
  const { workspaces } = begin();
  expect(await findRepository(workspaces, 'project', own + 1)).toEqual({
    ok: false,
    reason: `workspaces/project belongs to user ${own}, this stack runs as ${own + 1}; mend it with: sudo chown -R ${own + 1} <home>/workspaces/project`,
  });
});

test.each<[string, (workspaces: string) => void, RegExp]>([
  ['is missing', (workspaces) => rmSync(join(workspaces, 'project'), { recursive: true }), /does not exist/],
  ['has no repository', (workspaces) => rmSync(join(workspaces, 'project/.git'), { recursive: true }), /git init/],
  [
    'is a link',
    (workspaces) => {
      renameSync(join(workspaces, 'project'), join(workspaces, 'elsewhere'));
      symlinkSync('elsewhere', join(workspaces, 'project'));
    },
    /is no folder/,
  ],
  [
    'is a file',
    (workspaces) => {
      rmSync(join(workspaces, 'project'), { recursive: true });
      writeFileSync(join(workspaces, 'project'), 'x');
    },
    /is no folder/,
  ],
  [
    'has a .git file',
    (workspaces) => {
      renameSync(join(workspaces, 'project/.git'), join(workspaces, 'elsewhere'));
      writeFileSync(join(workspaces, 'project/.git'), `gitdir: ${join(workspaces, 'elsewhere')}\n`);
    },
    /points elsewhere/,
  ],
  [
    'has a .git link',
    (workspaces) => {
      renameSync(join(workspaces, 'project/.git'), join(workspaces, 'elsewhere'));
      symlinkSync('../elsewhere', join(workspaces, 'project/.git'));
    },
    /points elsewhere/,
  ],
  [
    'names another work tree',
    (workspaces) => {
      mkdirSync(join(workspaces, 'elsewhere'));
      plainGit(join(workspaces, 'project'), ['config', 'core.worktree', join(workspaces, 'elsewhere')]);
    },
    /no git repository/,
  ],
  [
    'lies in a repository above it',
    (workspaces) => {
      makeRepository(workspaces);
      rmSync(join(workspaces, 'project/.git'), { recursive: true });
    },
    /no git repository/,
  ],
  [
    'is only made up to look like a bare repository',
    (workspaces) => {
      const folder = join(workspaces, 'project');
      rmSync(join(folder, '.git'), { recursive: true });
      plainGit(folder, ['init', '-q', '--bare', '.']);
    },
    /no git repository/,
  ],
  [
    'has a broken .git beside what looks like a bare repository',
    (workspaces) => {
      const folder = join(workspaces, 'project');
      rmSync(join(folder, '.git/HEAD'));
      plainGit(folder, ['init', '-q', '--bare', '.']);
    },
    /no git repository/,
  ],
  [
    'has a configuration that git cannot read',
    (workspaces) => writeFileSync(join(workspaces, 'project/.git/config'), '[core\n'),
    /no git repository/,
  ],
  [
    'names its objects by SHA-256',
    (workspaces) => {
      rmSync(join(workspaces, 'project/.git'), { recursive: true });
      plainGit(join(workspaces, 'project'), ['init', '-q', '--object-format=sha256']);
    },
    /by sha256/,
  ],
])('a workspace that %s is refused', async (_name, change, reason) => {
  const { workspaces } = begin();
  change(workspaces);
  expect(await findRepository(workspaces, 'project', own)).toEqual({
    ok: false,
    reason: expect.stringMatching(reason),
  });
});

test('the base is of the branch that is checked out, whatever a tag is called', async () => {
  const { repository } = begin();
  plainGit(repository.folder, ['tag', 'main', repository.head]);
  const head = commitFiles(repository.folder, { 'x.txt': 'x\n' });
  expect(await findBase(repository, undefined)).toEqual({ ok: true, value: { branch: 'main', head } });
});

test('a named branch is taken, with slashes too', async () => {
  const { repository } = begin();
  plainGit(repository.folder, ['branch', 'feature/one.two_3']);
  expect(await findBase(repository, 'feature/one.two_3')).toEqual({
    ok: true,
    value: { branch: 'feature/one.two_3', head: repository.head },
  });
});

test('of a branch that is only another name, the one that it names is taken', async () => {
  const { repository } = begin();
  plainGit(repository.folder, ['symbolic-ref', 'refs/heads/alias', 'refs/heads/main']);
  plainGit(repository.folder, ['symbolic-ref', 'HEAD', 'refs/heads/alias']);
  expect(await findBase(repository, undefined)).toEqual({ ok: true, value: { branch: 'main', head: repository.head } });
});

test('a base is found in packed refs and packed objects as well', async () => {
  const { repository } = begin();
  for (const args of [
    ['pack-refs', '--all'],
    ['repack', '-adq'],
  ])
    plainGit(repository.folder, args);
  expect(await findBase(repository, undefined)).toEqual({ ok: true, value: { branch: 'main', head: repository.head } });
});

test.each(['3a4cc2132320d547b284126a01a39f6810dde7a1', '0'.repeat(40)])(
  'a branch of %s, which is no object here, does not exist',
  async (head) => {
    const { repository } = begin();
    writeFileSync(join(repository.folder, '.git/refs/heads/broken'), `${head}\n`);
    expect(await findBase(repository, 'broken')).toEqual({
      ok: false,
      reason: expect.stringContaining('does not exist'),
    });
  },
);

test.each(['missing', 'v1', 'HEAD', 'main~1', 'main@{0}', '--all', ''])('branch %j does not exist', async (branch) => {
  const { repository } = begin();
  commitFiles(repository.folder, { 'x.txt': 'x\n' });
  plainGit(repository.folder, ['tag', 'v1']);
  expect(await findBase(repository, branch)).toEqual({ ok: false, reason: expect.stringContaining('does not exist') });
});

test('without a branch that is checked out, the operator is asked for one', async () => {
  const { repository } = begin();
  plainGit(repository.folder, ['checkout', '-q', '--detach']);
  expect(await findBase(repository, undefined)).toEqual({ ok: false, reason: expect.stringContaining('base_branch') });
});

test('a repository without a commit has no base', async () => {
  const workspaces = scratchFolder();
  mkdirSync(join(workspaces, 'new'));
  plainGit(join(workspaces, 'new'), ['init', '-q', '-b', 'main']);
  expect(await findRepository(workspaces, 'new', own)).toMatchObject({ ok: true });
  expect(await findBase({ name: 'new', path: 'new', folder: join(workspaces, 'new') }, undefined)).toEqual({
    ok: false,
    reason: 'branch main of workspaces/new does not exist or has no commit yet',
  });
});

test('a pinned base outlives its branch', async () => {
  const { repository } = begin();
  plainGit(repository.folder, ['checkout', '-q', '-b', 'short-lived']);
  const head = commitFiles(repository.folder, { 'x.txt': 'x\n' });
  await pinBase(repository, 'RUN-20261120-001', 'abcde', head);
  await pinBase(repository, 'RUN-20261120-001', 'abcde', head);
  plainGit(repository.folder, ['checkout', '-q', 'main']);
  plainGit(repository.folder, ['branch', '-q', '-D', 'short-lived']);
  plainGit(repository.folder, ['reflog', 'expire', '--expire=now', '--all']);
  plainGit(repository.folder, ['gc', '-q', '--prune=now']);
  expect(plainGit(repository.folder, ['cat-file', '-t', head])).toBe('commit');
});

test('a checkout is measured in bytes and files, whatever they are called', async () => {
  const { repository } = begin();
  const head = commitFiles(repository.folder, { 'a\nb\t"c".txt': '12345', 'ü/🙂': '123', empty: '' });
  plainGit(repository.folder, ['update-index', '--add', '--cacheinfo', `160000,${'2'.repeat(40)},vendor`]);
  expect(await measureCheckout(repository, head)).toEqual({
    bytes: 'hello\n'.length + 'export {};\n'.length + 8,
    files: 5,
  });
});
