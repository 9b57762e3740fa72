import { chmod, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { RebaseGround } from '@countersign/sandbox-agent/src/testing/rebase-ground.ts';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Assigner } from '../support/sandbox-attempt.ts';
import { Sandboxes } from '../support/sandbox-container.ts';

const manyCommits = process.env['COUNTERSIGN_TEST_ALL'] === 'yes' ? 1_000 : 200;

let sandboxes: Sandboxes;
let assigner: Assigner;

beforeAll(async () => {
  sandboxes = await Sandboxes.open('rebase');
  assigner = await Assigner.open(sandboxes.folder);
});
afterEach(() => sandboxes.clear());
afterAll(() => sandboxes[Symbol.asyncDispose]());

const text = Array.from({ length: 20 }, (_, index) => `line ${index}\n`).join('');
const changed = (line: number) => text.replace(`line ${line}\n`, 'another line\n');

async function prepare(...names: readonly string[]) {
  const folder = await mkdtemp(join(sandboxes.folder, 'ground-'));
  return names.map((name) => new RebaseGround(join(folder, name), name, { 'readme.md': text, 'run.sh': 'echo\n' }));
}

async function carry(grounds: readonly RebaseGround[]) {
  const sandbox = await sandboxes.start();
  const repositories = grounds.map((ground) => ground.rebase());
  return await assigner.run(sandbox, { mode: 'rebase', command: [], repositories });
}

describe('a rebase in a sandbox', () => {
  test('carries two repositories over: text, binary files, a mode, a rename', async () => {
    const grounds = await prepare('web', 'api');
    for (const ground of grounds) {
      ground.on('result').commit('binary', { 'data.bin': Buffer.from([0, 255, 10, 13, 0]) });
      await chmod(join(ground.folder, 'run.sh'), 0o755);
      ground.git('mv', 'readme.md', 'manual.md');
      ground.commit('mode and rename', {});
      ground.on('main').commit('moved', { 'readme.md': changed(7) });
    }
    const result = await carry(grounds);
    expect(result.end).toMatchObject({ exit_code: null, reason: 'finished', message: 'finished' });
    expect(result.end.bundles.map(({ repository }) => repository)).toEqual([0, 1]);
    for (const [index, ground] of grounds.entries()) {
      const head = ground.take(await result.bundle(index));
      expect(ground.git('log', '--format=%s by %an', `main..${head}`)).toBe('mode and rename by Ann\nbinary by Ann');
      expect(ground.git('ls-tree', '-r', '--format=%(objectmode) %(path)', head).split('\n')).toEqual([
        '100644 data.bin',
        '100644 history.txt',
        '100644 manual.md',
        '100755 run.sh',
      ]);
      expect(ground.git('show', `${head}:manual.md`)).toBe(changed(7).trim());
      expect(ground.head(`${head}:data.bin`)).toBe(ground.head('result:data.bin'));
    }
  });

  test('brings nothing of any repository when one conflicts, and names the files', async () => {
    const [clean, clash] = await prepare('clean', 'clash');
    clean?.on('result').commit('mine', { 'readme.md': changed(2) });
    clean?.on('main').commit('moved', { 'readme.md': changed(15) });
    clash?.on('result').commit('mine', { 'readme.md': 'mine\n', 'own.txt': 'own\n' });
    clash?.on('main').commit('moved', { 'readme.md': 'theirs\n' });
    const result = await carry([clean, clash].filter((each) => each !== undefined));
    expect(result.end).toMatchObject({ reason: 'failed', error_class: 'rebase_conflict', bundles: [] });
    expect(result.end.message).toBe('the branch has changed the same places: clash: readme.md');
    expect(await result.received()).toEqual([]);
  });

  test('S071 S077 runs no merge driver, filter or hook that a repository brings', async () => {
    const [demo] = await prepare('demo');
    if (demo === undefined) throw new Error('no ground');
    const evil = 'touch /tmp/ran /workspace/ran';
    const hook = `#!/bin/sh\n${evil}\n`;
    demo.on('result').commit('mine', {
      'readme.md': changed(2),
      '.gitconfig': `[merge "evil"]\n\tdriver = ${evil}\n[filter "evil"]\n\tsmudge = ${evil}\n`,
      'hooks/post-rewrite': hook,
      'hooks/reference-transaction': hook,
    });
    for (const name of ['post-rewrite', 'reference-transaction']) await chmod(join(demo.folder, 'hooks', name), 0o755);
    demo.commit('executable', {});
    demo.on('main').commit('moved', { 'readme.md': changed(15), '.gitattributes': '* merge=evil filter=evil\n' });
    const sandbox = await sandboxes.start();
    const result = await assigner.run(sandbox, { mode: 'rebase', command: [], repositories: [demo.rebase()] });
    expect(result.end).toMatchObject({ reason: 'finished', message: 'finished' });
    const head = demo.take(await result.bundle(0));
    expect(demo.git('show', `${head}:readme.md`).match(/another line/g)).toHaveLength(2);
    expect(await sandbox.exec('sh', '-c', 'ls -d /tmp/ran /workspace/ran 2>/dev/null || true')).toBe('');
  });

  test(`carries ${manyCommits} commits over`, { timeout: 180_000 }, async () => {
    const [demo] = await prepare('demo');
    if (demo === undefined) throw new Error('no ground');
    demo.manyCommits(manyCommits);
    demo.on('main').commit('moved', { 'readme.md': changed(15) });
    const started = performance.now();
    const result = await carry([demo]);
    process.stdout.write(
      `${manyCommits} commits carried over in ${((performance.now() - started) / 1000).toFixed(1)} s\n`,
    );
    expect(result.end).toMatchObject({ reason: 'finished', message: 'finished' });
    const head = demo.take(await result.bundle(0));
    expect(demo.git('rev-list', '--count', `main..${head}`)).toBe(String(manyCommits));
    expect(demo.git('diff', '--shortstat', 'main', head)).toContain(
      `${manyCommits} files changed, ${manyCommits} insertions`,
    );
  });
});
