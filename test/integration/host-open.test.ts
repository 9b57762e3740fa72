import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findBase, findRepository } from '@countersign/runner/src/git/repository.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { OpenGround, run, task } from '../support/open-ground.ts';

let ground: OpenGround;
beforeEach(async () => {
  ground = await OpenGround.make();
});
afterEach(() => ground[Symbol.asyncDispose]());

/** The workspace `app`, which is one repository, with a result. */
async function oneRepository(files: Readonly<Record<string, string>> = { 'new.txt': 'work\n' }) {
  const folder = await ground.repository('app');
  const head = await ground.result(folder, files);
  await ground.says(ground.lines('app', { app: head }));
  return { folder, head, path: join(ground.home, 'open', task) };
}

const worktrees = async (folder: string) =>
  (await ground.git(folder, 'worktree', 'list', '--porcelain'))
    .split('\n')
    .filter((line) => line.startsWith('worktree '));
const open = () => ground.countersign('open', task);
const close = (...options: string[]) => ground.countersign('close', task, ...options);

describe('countersign open', () => {
  test('makes a worktree of the result, on no branch, and says where', async () => {
    const { folder, head, path } = await oneRepository();
    const index = await readFile(join(folder, '.git/index'));
    expect(await open()).toEqual({ exitCode: 0, stdout: path, stderr: '' });
    expect(await readFile(join(path, 'new.txt'), 'utf8')).toBe('work\n');
    expect(await ground.git(path, 'rev-parse', 'HEAD')).toBe(head);
    expect(await ground.git(path, 'branch', '--show-current')).toBe('');
    expect(await ground.git(path, 'status', '--porcelain')).toBe('');
    // The operator's own checkout is as it was.
    expect(await readFile(join(folder, '.git/index'))).toEqual(index);
    expect(await ground.git(folder, 'symbolic-ref', 'HEAD')).toBe('refs/heads/main');
    expect((await ground.asked()).split('\n').slice(-4)).toEqual(['result-lines', '--', task, '']);
  });

  test('says it for programs, and does nothing the second time', async () => {
    const { head, path } = await oneRepository();
    await open();
    await writeFile(join(path, 'new.txt'), 'mine\n');
    const again = await ground.countersign('open', task, '--json');
    expect(JSON.parse(again.stdout)).toEqual({ task, repositories: [{ repository: 'app', path, head }] });
    expect(await readFile(join(path, 'new.txt'), 'utf8')).toBe('mine\n');
  });

  test('makes one for each repository of a workspace that holds several', async () => {
    const heads: Record<string, string> = {};
    for (const name of ['api', 'web'])
      heads[name] = await ground.result(await ground.repository(`shop/${name}`), { [name]: 'work\n' });
    await ground.says(ground.lines('shop', heads));
    const paths = ['api', 'web'].map((name) => join(ground.home, 'open', task, name));
    expect((await open()).stdout.split('\n')).toEqual(paths);
    for (const [index, name] of ['api', 'web'].entries())
      expect(await readFile(join(paths[index] ?? '', name), 'utf8')).toBe('work\n');
    expect((await close()).exitCode).toBe(0);
    expect(await ground.exists('open', task)).toBe(false);
  });

  test('S071 S072 S077 starts nothing that a repository or its content names', async () => {
    const { folder, path } = await oneRepository({ '.gitattributes': '* filter=evil\n', 'new.txt': 'work\n' });
    const ran = join(ground.machine.folder, 'ran');
    const evil = join(ground.machine.folder, 'evil');
    await ground.program(evil, `echo "$0 $*" >>'${ran}'; cat`);
    for (const hook of ['post-checkout', 'reference-transaction', 'post-index-change', 'fsmonitor-watchman'])
      await ground.program(join(folder, '.git/hooks', hook), `echo ${hook} >>'${ran}'`);
    for (const [key, value] of [
      ['core.hooksPath', join(folder, '.git/hooks')],
      ['core.fsmonitor', evil],
      ['core.pager', evil],
      ['core.editor', evil],
      ['filter.evil.smudge', evil],
      ['filter.evil.clean', evil],
      ['filter.evil.required', 'true'],
      ['filter.a=b.process', evil],
      ['diff.external', evil],
      ['log.showSignature', 'true'],
      ['gpg.program', evil],
      ['core.sshCommand', evil],
      ['alias.worktree', `!${evil}`],
      ['alias.status', `!${evil}`],
    ] as const)
      await ground.git(folder, 'config', key, value);
    expect(await open()).toMatchObject({ exitCode: 0 });
    expect(await readFile(join(path, 'new.txt'), 'utf8')).toBe('work\n');
    // Made without git's looking at a file, which would start the filter by the test's own doing.
    const mine = await ground.git(folder, 'commit-tree', '-p', 'main', '-m', 'mine', 'main^{tree}');
    await ground.git(path, '-c', 'core.hooksPath=/dev/null', 'update-ref', '--no-deref', 'HEAD', mine);
    expect(await close()).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/commit [0-9a-f]+ mine/) });
    expect(await close('--force')).toMatchObject({ exitCode: 0 });
    await expect(readFile(ran, 'utf8')).rejects.toThrow('ENOENT');
  });

  test('S078 takes the commit that was reviewed, not one that replaces it', async () => {
    const { folder, head, path } = await oneRepository();
    await ground.git(folder, 'replace', head, await ground.git(folder, 'rev-parse', 'main'));
    await open();
    expect(await readFile(join(path, 'new.txt'), 'utf8')).toBe('work\n');
  });

  test('leaves alone what is in its place and is not its own', async () => {
    const { path } = await oneRepository();
    await mkdir(path, { recursive: true });
    await writeFile(join(path, 'mine.txt'), 'mine\n');
    expect(await open()).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/is no worktree of .*move it away/),
    });
    expect(await close()).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/it is left alone/) });
    expect(await readFile(join(path, 'mine.txt'), 'utf8')).toBe('mine\n');
  });

  test('S075 follows no link out of the operator folder', async () => {
    const { folder } = await oneRepository();
    const elsewhere = join(ground.machine.folder, 'elsewhere');
    await mkdir(elsewhere);
    await symlink(elsewhere, join(ground.home, 'open'));
    expect(await open()).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/symbolic link/) });
    await rm(join(ground.home, 'open'));
    await rm(join(ground.home, 'workspaces/linked'), { force: true });
    await symlink(folder, join(ground.home, 'workspaces/linked'));
    await ground.says(ground.lines('linked', { linked: await ground.git(folder, 'rev-parse', 'main') }));
    expect(await open()).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/symbolic link/) });
    expect(await ground.exists('open', task)).toBe(false);
  });

  test('S083 makes anew what git was killed in the middle of', async () => {
    const { folder, path } = await oneRepository();
    await open();
    await writeFile(join(folder, '.git/worktrees', task, 'locked'), 'initializing\n');
    await rm(join(path, 'new.txt'));
    expect(await open()).toMatchObject({ exitCode: 0 });
    expect(await readFile(join(path, 'new.txt'), 'utf8')).toBe('work\n');
  });

  test('says when the result is no longer the one that is open', async () => {
    const { folder, path } = await oneRepository();
    await open();
    await ground.says(ground.lines('app', { app: await ground.result(folder, { 'new.txt': 'carried over\n' }) }));
    expect(await open()).toMatchObject({
      exitCode: 0,
      stdout: path,
      stderr: expect.stringMatching(/close abcde, then open/),
    });
  });

  test('a task without a result, or a commit that is gone, opens nothing', async () => {
    await oneRepository();
    await ground.says('', 1);
    expect((await open()).exitCode).toBe(1);
    await ground.says(ground.lines('app', { app: '1'.repeat(40) }));
    expect(await open()).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/does not have the result's commit/),
    });
    expect(await ground.exists('open', task)).toBe(false);
  });
});

describe('a record that is not as it should be', () => {
  const head = '1'.repeat(40);
  const ref = `refs/agentic/${run}/${task}`;
  const good = `result ${task} app\n`;

  test.each([
    ['nothing', ''],
    ['no repository', good],
    ['no task', `repository app ${head} ${ref}\n`],
    ['another line', `${good}repository app ${head} ${ref}\nrm -rf /\n`],
    ['a task with a path', `result ../x app\nrepository app ${head} ${ref}\n`],
    ['a workspace with a path', `result ${task} ../app\nrepository app ${head} ${ref}\n`],
    ['a repository with a path', `${good}repository ../app ${head} ${ref}\n`],
    ['a repository like an option', `${good}repository --force ${head} ${ref}\n`],
    ['a repository like a command', `${good}repository $(touch\${IFS}ran) ${head} ${ref}\n`],
    ['a head that is an option', `${good}repository app --exec=x ${ref}\n`],
    ['a head that is a branch', `${good}repository app main ${ref}\n`],
    ['a ref elsewhere', `${good}repository app ${head} refs/heads/main\n`],
    ['a ref of another task', `${good}repository app ${head} refs/agentic/${run}/other\n`],
    ['a ref of no run', `${good}repository app ${head} refs/agentic/RUN-x/${task}\n`],
    ['a ref with a path', `${good}repository app ${head} refs/agentic/../${task}\n`],
    ['more words', `${good}repository app ${head} ${ref} more\n`],
  ])('A16 opens nothing: %s', async (_name, lines) => {
    await oneRepository();
    await ground.says(lines);
    expect(await open()).toMatchObject({
      exitCode: 1,
      stdout: '',
      stderr: expect.stringMatching(/nothing was opened/),
    });
    expect(await ground.exists('open')).toBe(false);
    expect(await ground.exists('..', 'ran')).toBe(false);
  });

  test.each(['../app', '..', '-rf', '/etc', 'a;touch ran', 'a\nb', '$(touch ran)', '*', ''])(
    'A16 close %j removes nothing',
    async (name) => {
      const { path } = await oneRepository();
      await open();
      await ground.says('', 1);
      expect((await ground.countersign('close', '--force', '--', name)).exitCode).not.toBe(0);
      expect(await readFile(join(path, 'new.txt'), 'utf8')).toBe('work\n');
    },
  );
});

describe('countersign close', () => {
  test('takes the worktree away, keeps the result, and can be repeated', async () => {
    const { folder, head, path } = await oneRepository();
    const other = join(ground.machine.folder, 'other');
    await ground.git(folder, 'worktree', 'add', '--quiet', '-b', 'mine', other);
    await open();
    await ground.says('', 1);
    expect(await close()).toEqual({ exitCode: 0, stdout: `closed ${path}`, stderr: '' });
    expect(await ground.exists('open', task)).toBe(false);
    expect(await worktrees(folder)).toEqual([`worktree ${folder}`, `worktree ${other}`]);
    expect(await ground.git(folder, 'rev-parse', `refs/agentic/${run}/${task}`)).toBe(head);
    expect(await close()).toMatchObject({ exitCode: 0, stdout: `nothing is open of ${task}` });
    expect(JSON.parse((await close('--json')).stdout)).toEqual({ task, closed: [] });
  });

  test.each<[string, RegExp, (path: string) => Promise<unknown>]>([
    ['a changed file', / M new\.txt/, (path) => writeFile(join(path, 'new.txt'), 'mine\n')],
    ['a new file', /\?\? mine\.txt/, (path) => writeFile(join(path, 'mine.txt'), 'mine\n')],
    ['a removed file', / D new\.txt/, (path) => rm(join(path, 'new.txt'))],
    [
      'a commit on no branch',
      /commit [0-9a-f]+ mine/,
      (path) => ground.git(path, 'commit', '--quiet', '--allow-empty', '--message=mine'),
    ],
    [
      'a merge under way',
      /MERGE_HEAD/,
      async (path) => {
        const commit = await ground.git(path, 'commit-tree', '-p', 'main', '-m', 'x', 'main^{tree}');
        await ground.git(path, 'merge', '--quiet', '--no-commit', '--no-ff', commit);
      },
    ],
  ])('refuses for %s and names it; --force discards it', async (_name, named, work) => {
    const { folder, path } = await oneRepository();
    await open();
    await work(path);
    expect(await close()).toMatchObject({ exitCode: 1, stdout: '', stderr: expect.stringMatching(named) });
    expect(await worktrees(folder)).toHaveLength(2);
    expect(await close('--force')).toMatchObject({ exitCode: 0 });
    expect(await worktrees(folder)).toEqual([`worktree ${folder}`]);
  });

  test('work that is on a branch is no obstacle, and stays', async () => {
    const { folder, path } = await oneRepository();
    await open();
    await ground.git(path, 'switch', '--quiet', '--create', 'fix');
    await ground.git(path, 'commit', '--quiet', '--allow-empty', '--message=mine');
    expect((await close()).exitCode).toBe(0);
    expect(await ground.git(folder, 'log', '-1', '--format=%s', 'fix')).toBe('mine');
  });

  test('S084 a name in the work that a terminal would act on is not printed as it is', async () => {
    const { path } = await oneRepository();
    await open();
    await writeFile(join(path, '\u001b[2Jx'), '');
    const { stderr } = await close();
    expect(stderr).toMatch(/\?\? .*x/);
    expect(stderr).not.toContain('\u001b');
  });

  test('S074 is not led elsewhere by the .git of the worktree', async () => {
    const { path } = await oneRepository();
    const other = await ground.repository('other');
    await open();
    await writeFile(join(path, 'mine.txt'), 'mine\n');
    await writeFile(join(path, '.git'), `gitdir: ${other}/.git\n`);
    expect(await close()).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/does not belong to it/) });
    expect(await readFile(join(path, 'mine.txt'), 'utf8')).toBe('mine\n');
  });

  test('of several worktrees none is removed while one holds work', async () => {
    const heads: Record<string, string> = {};
    for (const name of ['api', 'web'])
      heads[name] = await ground.result(await ground.repository(`shop/${name}`), { [name]: 'work\n' });
    await ground.says(ground.lines('shop', heads));
    await open();
    await writeFile(join(ground.home, 'open', task, 'web', 'mine.txt'), '');
    expect((await close()).exitCode).toBe(1);
    expect(await ground.exists('open', task, 'api', 'api')).toBe(true);
  });

  test('after the folder was removed by hand only its own entry goes, and not with commits in it', async () => {
    const { folder, path } = await oneRepository();
    const other = join(ground.machine.folder, 'other');
    await ground.git(folder, 'worktree', 'add', '--quiet', '-b', 'mine', other);
    await rm(other, { recursive: true });
    await open();
    await ground.git(path, 'commit', '--quiet', '--allow-empty', '--message=mine');
    await rm(path, { recursive: true });
    expect(await close()).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/commit [0-9a-f]+ mine/) });
    expect(await open()).toMatchObject({ exitCode: 1, stderr: expect.stringMatching(/nowhere else/) });
    expect((await close('--force')).exitCode).toBe(0);
    expect(await worktrees(folder)).toEqual([`worktree ${folder}`, `worktree ${other}`]);
  });

  test('finds the task by its file as well, and says what it does not understand', async () => {
    await oneRepository();
    await open();
    expect((await ground.countersign('close', 'x.md')).exitCode).toBe(0);
    expect(await ground.exists('open', task)).toBe(false);
    expect((await ground.countersign('close')).exitCode).toBe(2);
    expect((await ground.countersign('close', 'a1', 'b2')).exitCode).toBe(2);
    expect((await ground.countersign('open', task, '--force')).exitCode).toBe(2);
  });
});

describe('the rest of the machine', () => {
  test('the runner goes on with a repository that has linked worktrees, also when their folders are not its own', async () => {
    const { folder } = await oneRepository();
    await open();
    await rm(join(ground.home, 'open'), { recursive: true });
    const found = await findRepository(join(ground.home, 'workspaces'), 'app', process.getuid?.() ?? 0);
    expect(found).toMatchObject({ ok: true });
    expect(found.ok && (await findBase(found.value, undefined))).toEqual({
      ok: true,
      value: { branch: 'main', head: await ground.git(folder, 'rev-parse', 'main') },
    });
  });

  test.each([
    ['Linux', 'exit 127', /git is missing.*apt-get install git/],
    ['Darwin', 'exit 1', /git is missing.*xcode-select --install/],
    ['Linux', 'echo git version 2.30.2', /git 2\.30\.2 is too old: 2\.39 or newer/],
    ['Linux', 'echo git version next', /not understood/],
  ])('on %s, git that does "%s" is told with advice', async (system, script, advice) => {
    await ground.machine.stub('uname', `echo ${system}`);
    await ground.machine.stub('git', script);
    for (const command of ['open', 'close', 'image'])
      expect(await ground.countersign(command, 'abcde')).toMatchObject({
        exitCode: 1,
        stderr: expect.stringMatching(advice),
      });
  });

  test('open, close and image explain themselves without Docker and git', async () => {
    for (const program of ['docker', 'git']) await ground.machine.stub(program, 'exit 1');
    for (const command of ['open', 'close', 'image']) {
      expect(await ground.countersign(command, '--help')).toMatchObject({
        exitCode: 0,
        stdout: expect.stringMatching(`^Usage: countersign ${command} `),
      });
      expect(await ground.countersign('--help')).toMatchObject({ stdout: expect.stringContaining(`  ${command} <`) });
    }
  });
});
