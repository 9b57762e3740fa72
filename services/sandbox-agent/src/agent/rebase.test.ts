import { chmodSync, existsSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { RebaseGround } from '../testing/rebase-ground.ts';
import { shellTask, startSandbox, type TestSandbox } from '../testing/sandbox.ts';

const open: TestSandbox[] = [];
afterEach(async () => {
  for (const sandbox of open.splice(0)) await sandbox.close();
});

async function prepare(...names: readonly string[]) {
  const sandbox = await startSandbox();
  open.push(sandbox);
  const files = { 'readme.md': 'one\ntwo\nthree\n', 'src/a.txt': lines(20) };
  return { sandbox, grounds: names.map((name) => new RebaseGround(join(sandbox.folder, `op-${name}`), name, files)) };
}
const lines = (count: number) => Array.from({ length: count }, (_, index) => `line ${index}\n`).join('');

type Sent = ReturnType<RebaseGround['rebase']>;
async function begin(sandbox: TestSandbox, sent: readonly (Sent | TestSandbox['repository'])[]) {
  const link = await sandbox.runner.accept();
  await link.hello();
  const repositories = sent.map(({ frame }) => frame);
  link.sendTask(
    shellTask(sandbox, '', { mode: 'rebase', command: [], repositories }),
    [],
    sent.map(({ pack }) => pack),
  );
  return link;
}
async function carry(sandbox: TestSandbox, sent: readonly (Sent | TestSandbox['repository'])[]) {
  return await (await begin(sandbox, sent)).receive();
}
async function ground() {
  const { sandbox, grounds } = await prepare('demo');
  const [demo] = grounds;
  if (demo === undefined) throw new Error('no ground');
  return { sandbox, demo };
}

describe('a result upon a branch that moved on', () => {
  it('keeps each commit’s author, date and message, and is committed by us', async () => {
    const { sandbox, demo } = await ground();
    demo.on('result').commit('first\n\nBody.', { 'new.txt': 'new\n' }, 'Zoë <zoe@example.invalid>');
    demo.commit('second', { 'src/a.txt': lines(20).replace('line 3\n', 'line III\n') });
    demo.on('main').commit('moved', { 'readme.md': 'one\ntwo\nthree\nfour\n' });
    const { end, bundles, texts } = await carry(sandbox, [demo.rebase()]);
    expect(end).toMatchObject({ exit_code: null, reason: 'finished', message: 'finished', artifacts: [] });
    expect(end).not.toHaveProperty('checks');
    expect(texts).toEqual({});
    const head = demo.take(bundles[0]);
    expect(head).toBe(end.bundles[0]?.head);
    expect(demo.git('rev-list', '--count', `main..${head}`)).toBe('2');
    expect(demo.git('merge-base', 'main', head)).toBe(demo.head('main'));
    const log = demo.git('log', '--format=%an|%ad|%cn <%ce>|%B', '--date=raw', `main..${head}`);
    const expected = ['Ann', 'Zo\u00c3\u00ab'].map(
      (name) => `${name}|981147906 +0700|Countersign agent <agent@countersign.invalid>|`,
    );
    expect(log).toBe(`${expected[0]}second\n\n${expected[1]}first\n\nBody.`);
    // The same change as before, nothing more and nothing less.
    const diff = (from: string, to: string) => demo.git('diff', from, to);
    expect(diff('main', head)).toBe(diff(demo.from, 'result'));
    expect(demo.git('show', `${head}:readme.md`)).toContain('four');
  });

  it('carries binary files, modes, links, renames and deletions', async () => {
    const { sandbox, demo } = await ground();
    demo.on('result').commit('binary', { 'blob.bin': Buffer.from(Array.from({ length: 4_096 }, (_, i) => i % 256)) });
    chmodSync(join(demo.folder, 'readme.md'), 0o755);
    demo.git('mv', 'src/a.txt', 'src/renamed.txt');
    demo.git('rm', '-q', 'history.txt');
    symlinkSync('readme.md', join(demo.folder, 'link'));
    demo.commit('mode, link, rename, deletion', {});
    // The branch changes the file under its old name.
    demo.on('main').commit('moved', { 'src/a.txt': lines(20).replace('line 9\n', 'line IX\n') });
    const { end, bundles } = await carry(sandbox, [demo.rebase()]);
    expect(end).toMatchObject({ reason: 'finished', message: 'finished' });
    const head = demo.take(bundles[0]);
    const tree = demo.git('ls-tree', '-r', '--format=%(objectmode) %(path)', head).split('\n');
    expect(tree).toEqual(['100644 blob.bin', '120000 link', '100755 readme.md', '100644 src/renamed.txt']);
    expect(demo.git('show', `${head}:src/renamed.txt`)).toContain('line IX');
    expect(demo.head(`${head}:blob.bin`)).toBe(demo.head('result:blob.bin'));
  });

  it('drops what the branch holds already, and says so', async () => {
    const { sandbox, demo } = await ground();
    demo.on('result').commit('picked by hand', { 'new.txt': 'new\n' });
    demo.commit('own', { 'own.txt': 'own\n' });
    demo.on('main').commit('the same', { 'new.txt': 'new\n' });
    const { end, bundles } = await carry(sandbox, [demo.rebase()]);
    expect(end.message).toBe('finished; demo: the branch holds 1 of its 2 commits already');
    expect(demo.git('log', '--format=%s', `main..${demo.take(bundles[0])}`)).toBe('own');
  });

  it('is nothing when the branch holds all of it', async () => {
    const { sandbox, demo } = await ground();
    demo.on('result').commit('one', { 'new.txt': 'new\n' });
    demo.on('main').commit('the same', { 'new.txt': 'new\n', 'more.txt': 'more\n' });
    const { end } = await carry(sandbox, [demo.rebase()]);
    expect(end).toMatchObject({ reason: 'finished', bundles: [] });
    expect(end.message).toBe('finished; demo: the branch holds the change already');
  });

  it('keeps what a merge of its own brought, as one commit', async () => {
    const { sandbox, demo } = await ground();
    demo.on('result').commit('trunk', { 'trunk.txt': 't\n' });
    demo.git('checkout', '-q', '-b', 'side', demo.from);
    demo.commit('side', { 'side.txt': 's\n' });
    demo.on('result').git('merge', '-q', '--no-ff', '--no-commit', 'side');
    demo.commit('merge with more', { 'by-the-merge.txt': 'm\n' });
    demo.on('main').commit('moved', { 'readme.md': 'moved\n' });
    const { end, bundles } = await carry(sandbox, [demo.rebase()]);
    expect(end.message).toBe('finished');
    const head = demo.take(bundles[0]);
    expect(demo.git('log', '--format=%s', `main..${head}`)).toBe('merge with more\ntrunk');
    expect(demo.git('diff', 'main', head)).toBe(demo.git('diff', demo.from, 'result'));
  });

  it('becomes one commit when its first parents do not lead back to where it began', async () => {
    const { sandbox, demo } = await ground();
    demo.git('checkout', '-q', '--orphan', 'beside');
    demo.git('rm', '-rfq', '.');
    demo.commit('beside', { 'beside.txt': 'b\n' });
    demo.git('merge', '-q', '--allow-unrelated-histories', '-m', 'joined', demo.from);
    demo.git('branch', '-f', 'result', 'beside');
    demo.on('main').commit('moved', { 'readme.md': 'moved\n' });
    const { end, bundles } = await carry(sandbox, [demo.rebase()]);
    expect(end.message).toBe('finished; demo: its commits were carried over as one');
    const head = demo.take(bundles[0]);
    expect(demo.git('diff', '--name-status', 'main', head)).toBe('A\tbeside.txt');
    expect(demo.git('log', '--format=%s', `main..${head}`)).toBe('joined');
  });

  it('of 20 commits comes whole', async () => {
    const { sandbox, demo } = await ground();
    demo.manyCommits(20);
    demo.on('main').commit('moved', { 'readme.md': 'moved\n' });
    const { end, bundles } = await carry(sandbox, [demo.rebase()]);
    expect(end).toMatchObject({ reason: 'finished', message: 'finished' });
    const head = demo.take(bundles[0]);
    expect(demo.git('rev-list', '--count', `main..${head}`)).toBe('20');
    expect(demo.git('diff', '--shortstat', 'main', head)).toContain('20 files changed, 20 insertions');
  });
});

describe('a branch that did not move', () => {
  it('gives the result as it is', async () => {
    const { sandbox, demo } = await ground();
    const head = demo.on('result').commit('one', { 'new.txt': 'new\n' });
    const { end } = await carry(sandbox, [demo.rebase()]);
    expect(end.bundles.map((bundle) => bundle.head)).toEqual([head]);
  });

  it('or that took a part of the result already gives the result as it is, too', async () => {
    const { sandbox, demo } = await ground();
    demo.on('result').commit('one', { 'new.txt': 'new\n' });
    demo.git('branch', '-f', 'main', 'result');
    const head = demo.commit('two', { 'two.txt': 'two\n' });
    const { end, bundles } = await carry(sandbox, [demo.rebase()]);
    expect(end.bundles.map((bundle) => bundle.head)).toEqual([head]);
    expect(demo.take(bundles[0])).toBe(head);
  });
});

describe('several repositories', () => {
  it('are carried over together; one without a rebase is left alone', async () => {
    const { sandbox, grounds } = await prepare('one', 'two');
    for (const ground of grounds) {
      ground.on('result').commit('mine', { 'new.txt': 'new\n' });
      ground.on('main').commit('moved', { 'readme.md': `moved ${ground.name}\n` });
    }
    const { end, bundles } = await carry(sandbox, [
      ...grounds.slice(0, 1).map((ground) => ground.rebase()),
      sandbox.repository,
      ...grounds.slice(1).map((ground) => ground.rebase()),
    ]);
    expect(end.bundles.map(({ repository }) => repository)).toEqual([0, 2]);
    expect(grounds.map((ground, index) => ground.git('show', `${ground.take(bundles[index])}:readme.md`))).toEqual([
      'moved one',
      'moved two',
    ]);
  });

  it('come back all or none: conflicts of all of them are told in one message', async () => {
    const { sandbox, grounds } = await prepare('one', 'two', 'three');
    for (const ground of grounds) {
      const clash = ground.name === 'two' ? {} : { 'readme.md': `mine ${ground.name}\n`, 'src/a.txt': 'mine\n' };
      ground.on('result').commit('mine', { 'new.txt': 'new\n', ...clash });
      ground.on('main').commit('moved', { 'readme.md': 'moved\n', 'src/a.txt': 'moved\n' });
    }
    const { end, bundles } = await carry(
      sandbox,
      grounds.map((ground) => ground.rebase()),
    );
    expect(end).toMatchObject({ exit_code: null, reason: 'failed', error_class: 'rebase_conflict' });
    expect(end.message).toBe(
      'the branch has changed the same places: one: readme.md, src/a.txt; three: readme.md, src/a.txt',
    );
    expect([end.bundles, bundles]).toEqual([[], []]);
  });

  it('S084 name at most 20 files, without what steers a terminal', async () => {
    const { sandbox, grounds } = await prepare('one', 'two');
    for (const ground of grounds) {
      const many = (text: string) =>
        Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`f\u001b[31m\n${index}`, `${text} ${index}\n`]));
      ground.on('result').commit('mine', many('mine'));
      ground.on('main').commit('moved', many('theirs'));
    }
    const { end } = await carry(
      sandbox,
      grounds.map((ground) => ground.rebase()),
    );
    expect(end.message.match(/f \[31m \d+/g)).toHaveLength(20);
    expect(end.message).toMatch(/and 11 more; two: f \[31m \d+ and 29 more$/);
    expect(end.message).not.toMatch(/[\p{Cc}]/u);
  });
});

describe('a hostile repository', () => {
  it('S077 chooses among the built-in merge drivers and starts none of its own', async () => {
    const { sandbox, demo } = await ground();
    const attributes = 'readme.md merge=union\nsrc/** merge=evil filter=evil diff=evil ident eol=crlf\n';
    const ours = lines(20).replace('line 1\n', 'line $Id$\n');
    demo.on('result').commit('mine', { 'readme.md': 'one\nmine\nthree\n', 'src/a.txt': ours });
    demo.on('main').commit('moved', {
      'readme.md': 'one\ntheirs\nthree\n',
      'src/a.txt': lines(20).replace('line 9\n', 'line IX\n'),
    });
    demo.commit('attributes', { '.gitattributes': attributes });
    const { end, bundles } = await carry(sandbox, [demo.rebase()]);
    expect(end).toMatchObject({ reason: 'finished', message: 'finished' });
    const head = demo.take(bundles[0]);
    expect(demo.git('show', `${head}:readme.md`).split('\n').sort()).toEqual(['mine', 'one', 'theirs', 'three']);
    // Neither line ends nor keywords are touched, for no file of the change is ever checked out.
    expect(demo.git('show', `${head}:src/a.txt`)).toBe(ours.replace('line 9\n', 'line IX\n').trim());
  });

  it('S071 S072 brings hooks and configuration that nothing reads', async () => {
    const { sandbox, demo } = await ground();
    const mark = join(sandbox.folder, 'ran');
    const hook = `#!/bin/sh\ntouch ${mark}\n`;
    const configuration = `[core]\n\tfsmonitor = touch ${mark}\n\thooksPath = hooks\n[merge "evil"]\n\tdriver = touch ${mark}\n`;
    const planted = { 'hooks/post-rewrite': hook, 'hooks/reference-transaction': hook, '.gitconfig': configuration };
    demo.on('result').commit('mine', { ...planted, config: configuration, 'src/a.txt': `${lines(20)}mine\n` });
    for (const name of Object.keys(planted)) chmodSync(join(demo.folder, name), 0o755);
    demo.commit('executable', {});
    demo.on('main').commit('moved', { '.gitattributes': '* merge=evil\n', 'src/a.txt': `theirs\n${lines(20)}` });
    const { end, bundles } = await carry(sandbox, [demo.rebase()]);
    expect(end).toMatchObject({ reason: 'finished', message: 'finished' });
    expect(demo.git('show', `${demo.take(bundles[0])}:src/a.txt`)).toBe(`theirs\n${lines(20)}mine`);
    expect(existsSync(mark)).toBe(false);
  });

  it('is told when its commits are not there', async () => {
    const { sandbox, demo } = await ground();
    demo.on('result').commit('mine', { 'new.txt': 'new\n' });
    const sent = demo.rebase();
    const frame = { ...sent.frame, rebase: { ...sent.frame.rebase, head: '1'.repeat(40) } };
    const { end } = await carry(sandbox, [{ ...sent, frame }]);
    expect(end).toMatchObject({ reason: 'failed', error_class: 'result_refused', bundles: [] });
    expect(end.message).toContain('demo could not be carried over');
  });
});

it('a stop ends it without a result', async () => {
  const { sandbox, demo } = await ground();
  demo.manyCommits(500);
  demo.on('main').commit('moved', { 'readme.md': 'moved\n' });
  const link = await begin(sandbox, [demo.rebase()]);
  link.send('stop', { reason: 'cancelled' });
  const { end } = await link.receive();
  expect(end).toMatchObject({ reason: 'stopped', error_class: 'stopped', bundles: [] });
  expect(end.message).toBe('stopped: cancelled');
});
