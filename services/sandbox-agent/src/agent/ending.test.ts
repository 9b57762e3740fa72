import { existsSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { sha256 } from '../testing/runner-double.ts';
import { shellTask, startSandbox, type TestSandbox } from '../testing/sandbox.ts';

const open: TestSandbox[] = [];
afterEach(async () => {
  for (const sandbox of open.splice(0)) await sandbox.close();
});
async function begin(script: string, changes: Parameters<typeof shellTask>[2] = {}) {
  const sandbox = await startSandbox();
  open.push(sandbox);
  const link = await sandbox.runner.accept();
  await link.hello();
  link.sendTask(shellTask(sandbox, script, changes), [], [sandbox.repository.pack]);
  const mark = (name: string) => `${sandbox.paths.home}/${name}`;
  const appears = (name: string) => expect.poll(() => existsSync(mark(name)), { timeout: 10_000 }).toBe(true);
  return { sandbox, link, mark, appears };
}

/** Of a process that may still be there as a zombie of a parent that does not reap. */
function lives(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

describe('a stop', () => {
  it('lets the tool save its work', async () => {
    const { link, appears } = await begin(
      `trap 'echo saved > work.txt; exit 130' INT; touch "$HOME/ready"; while :; do sleep 0.05; done`,
    );
    await appears('ready');
    link.send('stop', { reason: 'cancelled by the operator' });
    const { end, bundles } = await link.receive();
    expect(end).toMatchObject({ exit_code: 130, reason: 'stopped', error_class: 'stopped' });
    expect(end.message).toContain('cancelled by the operator');
    expect(bundles).toHaveLength(1);
  });

  it('S057 ends a tool that ignores SIGINT and SIGTERM, and still brings its work', async () => {
    const { link, appears } = await begin(
      `trap '' INT TERM; echo kept > work.txt; touch "$HOME/ready"; while :; do sleep 0.05; done`,
      { interrupt_ms: 200, terminate_ms: 200 },
    );
    await appears('ready');
    link.send('stop', { reason: 'now' });
    const { end, bundles } = await link.receive();
    expect(end).toMatchObject({ exit_code: null, reason: 'stopped' });
    expect(bundles).toHaveLength(1);
  });

  it('S057 ends a tool that has stopped itself with all that it started, and still brings its work', async () => {
    const { link, mark, appears } = await begin(
      `echo kept > work.txt
       perl -e 'exit if fork; setpgrp(0,0); $SIG{$_} = "IGNORE" for "HUP", "INT", "TERM";
         open F, ">", "$ENV{HOME}/pid"; print F $$; close F; kill "STOP", $$; sleep 300 while 1'
       while [ ! -s "$HOME/pid" ]; do sleep 0.05; done; touch "$HOME/ready"; kill -STOP $$`,
      { interrupt_ms: 200, terminate_ms: 200 },
    );
    await appears('ready');
    link.send('stop', { reason: 'now' });
    const { end, bundles } = await link.receive();
    expect(end).toMatchObject({ exit_code: null, reason: 'stopped' });
    expect(bundles).toHaveLength(1);
    expect(lives(Number(readFileSync(mark('pid'), 'utf8')))).toBe(false);
  });

  it('during the runner’s absence is a signal, with the same end', async () => {
    const { sandbox, link, appears } = await begin('touch "$HOME/ready"; sleep 60');
    await appears('ready');
    sandbox.stop.abort('by SIGTERM');
    expect((await link.receive()).end).toMatchObject({ reason: 'stopped' });
  });
});

describe('when the tool is gone', () => {
  it('S057 nothing that it started lives on: background, other groups, double forks', async () => {
    const { link, mark } = await begin(
      `(sleep 300 & echo $! > "$HOME/one")
       bash -mc 'sleep 300 & echo $! > "$HOME/two"'
       perl -e 'exit if fork; exit if fork; setpgrp(0,0); open F, ">", "$ENV{HOME}/three"; print F $$; close F; sleep 300'
       while [ ! -s "$HOME/three" ]; do sleep 0.05; done`,
    );
    const { end } = await link.receive();
    expect(end.reason).toBe('finished');
    const pids = ['one', 'two', 'three'].map((name) => Number(readFileSync(mark(name), 'utf8')));
    expect(pids.every((pid) => pid > 1)).toBe(true);
    expect(pids.filter(lives)).toEqual([]);
  });
});

it('S055 a tool that removes the captured output harms its own output alone', async () => {
  const { sandbox, link } = await begin('echo hello; rm -r "$HOME/../agent"; mkdir "$HOME/../agent"; echo x > x');
  const { end, stdout, bundles } = await link.receive();
  expect(end).toMatchObject({ reason: 'finished', stdout: { bytes: 6, sha256: sha256(Buffer.from('hello\n')) } });
  expect(stdout.length).toBe(6);
  expect(bundles).toHaveLength(1);
  link.send('ack', { task: 'abcde' });
  expect(await sandbox.over).toBe('acknowledged');
});

describe('a repository that the tool has played with', () => {
  const commit = 'echo x > x; git add -A; git commit -qm x';
  it.each([
    ['on another branch', `git checkout -qb other; ${commit}`],
    ['on a detached HEAD', `git checkout -q --detach; ${commit}`],
    ['on a branch without commits', 'git checkout -q --orphan fresh; echo x > x'],
    ['with its own ref deleted', `git checkout -qb other; git branch -D agent -q; ${commit}`],
    ['with a stale lock', 'echo x > x; touch .git/index.lock'],
    ['with a broken index', 'echo x > x; echo garbage > .git/index'],
    [
      'with hooks and filters that would run',
      'echo x > x; git config filter.f.clean "touch $HOME/ran; cat"; git config core.fsmonitor "touch $HOME/ran; true"; echo "* filter=f" > .gitattributes; mkdir -p .git/hooks; printf "#!/bin/sh\\ntouch $HOME/ran\\n" | tee .git/hooks/pre-commit > .git/hooks/reference-transaction; chmod +x .git/hooks/*',
    ],
  ])('%s gives a result upon the base', async (_, script) => {
    const { link, mark } = await begin(script);
    const { end, bundles } = await link.receive();
    expect(end).toMatchObject({ reason: 'finished', message: 'finished' });
    const header = bundles[0]?.toString('latin1').split('\n').slice(0, 4) ?? [];
    expect(header[0]).toBe('# v2 git bundle');
    expect(header[1]).toMatch(/^-[0-9a-f]{40} second$/);
    expect(header[2]).toBe(`${end.bundles[0]?.head} refs/heads/agent`);
    expect(header[3]).toBe('');
    expect(existsSync(mark('ran'))).toBe(false);
  });

  it.each([
    ['wiped', 'rm -rf .git', 'gone'],
    ['made a file', 'rm -rf .git; echo gitdir: /nowhere > .git', 'gone'],
    ['made a link', 'mv .git "$HOME/g"; ln -s "$HOME/g" .git', 'gone'],
    [
      'made anew',
      'rm -rf .git; git init -q; git -c user.name=x -c user.email=x commit -q --allow-empty -m new',
      'made anew',
    ],
  ])('%s is refused, and said', async (_, script, message) => {
    const { link } = await begin(script);
    const { end, bundles } = await link.receive();
    expect(end).toMatchObject({ exit_code: 0, reason: 'failed', error_class: 'result_refused' });
    expect(end.message).toContain(message);
    expect(bundles).toEqual([]);
  });

  it('with a result beside the base is refused, but can be looked at', async () => {
    const { link } = await begin(
      'git checkout -q --orphan beside; git config user.name x; git config user.email x@x; git commit -qm beside',
    );
    const { end, bundles } = await link.receive();
    expect(end).toMatchObject({ reason: 'failed', error_class: 'result_refused' });
    expect(end.message).toContain('does not descend');
    expect(bundles).toHaveLength(1);
  });

  it('with an empty repository inside loses nothing but that one, and says so', async () => {
    const { link } = await begin('echo x > x; git init -q inner');
    const { end, bundles } = await link.receive();
    expect(end.reason).toBe('finished');
    expect(end.message).toContain('some files could not be committed');
    expect(bundles).toHaveLength(1);
  });

  it('unchanged sends no bundle', async () => {
    const { link } = await begin('git status');
    expect((await link.receive()).end).toMatchObject({ reason: 'finished', bundles: [] });
  });
});
