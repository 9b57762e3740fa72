import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { makeRepository, operatorGit } from '../testing/repository.ts';
import { shellTask, startSandbox, type TestSandbox } from '../testing/sandbox.ts';

const open: TestSandbox[] = [];
afterEach(async () => {
  for (const sandbox of open.splice(0)) await sandbox.close();
});

/** Runs a script in a workspace of three repositories. */
async function run(script: string) {
  const sandbox = await startSandbox();
  open.push(sandbox);
  const repositories = ['one', 'two', 'three'].map((name) => makeRepository(join(sandbox.folder, `op-${name}`), name));
  const link = await sandbox.runner.accept();
  await link.hello();
  link.sendTask(
    shellTask(sandbox, script, { repositories: repositories.map(({ frame }) => frame) }),
    [],
    repositories.map(({ pack }) => pack),
  );
  const result = await link.receive();
  /** Names of the files in each bundle that came, by the repository that it belongs to. */
  const files = Object.fromEntries(
    result.end.bundles.map(({ repository, head }, index) => {
      const { folder = '', name = '' } = repositories[repository] ?? {};
      const file = join(folder, '.git', 'result.bundle');
      writeFileSync(file, result.bundles[index] ?? '');
      operatorGit(folder, ['fetch', '-q', file, 'refs/heads/agent']);
      const tree = operatorGit(folder, ['ls-tree', '-r', '--name-only', head]).toString().trim();
      return [name, tree.split('\n')];
    }),
  );
  return { ...result, files };
}

describe('the work of a tool in three repositories', () => {
  it('comes by the index of each, committed and uncommitted alike', async () => {
    const { end, files } = await run(
      `(cd one && echo x > committed && git add -A && git commit -qm done); echo x > three/left`,
    );
    expect(end).toMatchObject({ reason: 'finished', message: 'finished' });
    expect(end.bundles.map(({ repository }) => repository)).toEqual([0, 2]);
    expect(files).toEqual({ one: ['committed', 'readme.md'], three: ['left', 'readme.md'] });
  });

  it('that was moved between them is gone in one and new in the other', async () => {
    const { end, files } = await run('mv one/readme.md two/from-one.md');
    expect(end.reason).toBe('finished');
    expect(files).toEqual({ one: [''], two: ['from-one.md', 'readme.md'] });
  });

  it('is kept where it can be when one of them was removed', async () => {
    const { end, files } = await run('echo x > one/x; rm -rf two; echo x > three/x');
    expect(end).toMatchObject({ reason: 'failed', error_class: 'result_refused' });
    expect(end.message).toBe('two: its .git folder is gone');
    expect(files).toEqual({ one: ['readme.md', 'x'], three: ['readme.md', 'x'] });
  });

  it.each([
    ['moved into another', 'mv two one/two'],
    ['replaced by a link to another', 'rm -rf two; ln -s one two'],
    ['replaced by another', 'rm -rf two; cp -r one two'],
  ])('is refused for one that was %s', async (_, script) => {
    const { end, files } = await run(`echo x > three/x; ${script}`);
    expect(end).toMatchObject({ reason: 'failed', error_class: 'result_refused' });
    expect(end.message).toMatch(/^two: its \.git folder /);
    expect(files['three']).toEqual(['readme.md', 'x']);
    expect(files['two']).toBeUndefined();
  });

  it('is not taken from a repository that the tool put inside of one', async () => {
    const nested =
      'git init -q inner && cd inner && echo x > deep && git add -A && git -c user.name=x -c user.email=x commit -qm deep';
    const { end, files } = await run(`echo x > one/x; cd two && ${nested}`);
    expect(end.reason).toBe('finished');
    // Of the inner one there is its commit's name alone, which is no file.
    expect(files).toEqual({ one: ['readme.md', 'x'], two: ['inner', 'readme.md'] });
  });

  it('that lies beside them is told to be lost, in printable words', async () => {
    const { end, files } = await run(`echo x > beside; mkdir four; printf x > "$(printf 'e\\033vil')"; echo x > one/x`);
    expect(end.message).toBe('finished; left out, for it lies in no repository: beside, e vil, four');
    expect(Object.keys(files)).toEqual(['one']);
  });
});
