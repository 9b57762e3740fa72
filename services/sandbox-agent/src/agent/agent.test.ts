import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { operatorGit } from '../testing/repository.ts';
import { nothingHeld, sha256 } from '../testing/runner-double.ts';
import { shellTask, startSandbox, type TestSandbox } from '../testing/sandbox.ts';

const open: TestSandbox[] = [];
async function start(options?: Parameters<typeof startSandbox>[0]): Promise<TestSandbox> {
  const sandbox = await startSandbox(options);
  open.push(sandbox);
  return sandbox;
}
afterEach(async () => {
  for (const sandbox of open.splice(0)) await sandbox.close();
});

/** Fetches a bundle into the operator's repository and reads a file of it. */
async function readResult(sandbox: TestSandbox, bundle: Buffer, path: string): Promise<string> {
  const file = join(sandbox.folder, 'result.bundle');
  await writeFile(file, bundle);
  operatorGit(sandbox.repository.folder, ['fetch', '-q', file, '+refs/heads/agent:refs/result']);
  return operatorGit(sandbox.repository.folder, ['show', `refs/result:${path}`]).toString();
}

describe('a task from hello to ack', () => {
  it('brings output, commits, leftovers, texts, artifacts and tokens back, and ends on ack', async () => {
    const sandbox = await start();
    const link = await sandbox.runner.accept();
    expect(await link.hello()).toEqual({ protocol: 1, state: 'idle', task: null });
    const script = `
      test "$(git rev-list --count HEAD)" = 1 || exit 3
      echo hello > hello.txt; git add -A; git commit -qm 'Say hello'; echo more > left.txt
      cat "$COUNTERSIGN_TASK_FOLDER/objective.md"; echo problem >&2
      cd "$COUNTERSIGN_TASK_FOLDER/out"; echo '# Done' > agent-summary.md; echo 'next: nothing' > handoff.yaml
      printf one > artifacts/a; printf three > artifacts/c; ln -s /etc/passwd artifacts/b
      echo '{"prompt":7,"completion":5,"requests":2}' > usage.json`;
    link.sendTask(
      shellTask(sandbox, script, { texts: 1 }),
      [{ name: 'objective', text: 'the objective' }],
      [sandbox.repository.pack],
    );
    const result = await link.receive();
    expect(result.end).toMatchObject({ task: 'abcde', exit_code: 0, reason: 'finished' });
    expect(result.end.tokens).toEqual({ prompt: 7, completion: 5, requests: 2 });
    expect(result.stdout.toString()).toBe('the objective');
    expect(result.stderr.toString()).toBe('problem\n');
    expect(result.end.stdout).toEqual({ bytes: 13, sha256: sha256(result.stdout), dropped: 0 });
    expect(result.texts).toEqual({ summary: '# Done\n', handoff: 'next: nothing\n' });
    expect(result.artifacts.map(String)).toEqual(['one', 'three']);
    expect(result.end.message).toContain('1 artifacts were left out');
    const [bundle] = result.bundles;
    expect(result.end.bundles[0]).toMatchObject({
      repository: 0,
      bytes: bundle?.length,
      sha256: sha256(bundle as Buffer),
    });
    expect(await readResult(sandbox, bundle as Buffer, 'hello.txt')).toBe('hello\n');
    expect(await readResult(sandbox, bundle as Buffer, 'left.txt')).toBe('more\n');
    const log = operatorGit(sandbox.repository.folder, [
      'log',
      '--format=%an <%ae> %s',
      'main..refs/result',
    ]).toString();
    expect(log).toBe(
      'Countersign agent <agent@countersign.invalid> Work left uncommitted by the agent\n' +
        'Countersign agent <agent@countersign.invalid> Say hello\n',
    );
    link.send('ack', { task: 'abcde' });
    expect(await sandbox.over).toBe('acknowledged');
  });

  it('checks several repositories out side by side and bundles the changed ones alone', async () => {
    const sandbox = await start();
    const link = await sandbox.runner.accept();
    await link.hello();
    const other = { ...sandbox.repository.frame, name: 'other' };
    const task = shellTask(sandbox, 'pwd; ls; echo x > other/x; git -C demo status --short', {
      repositories: [sandbox.repository.frame, other],
    });
    link.sendTask(task, [], [sandbox.repository.pack, sandbox.repository.pack]);
    const { end, stdout } = await link.receive();
    expect(stdout.toString()).toBe(`${sandbox.paths.workspace}\ndemo\nother\n`);
    expect(end.bundles.map(({ repository }) => repository)).toEqual([1]);
  });

  it('S043 gives the tool a small environment and reports its progress', async () => {
    const sandbox = await start();
    const link = await sandbox.runner.accept();
    await link.hello();
    link.sendTask(
      shellTask(sandbox, 'env | cut -d= -f1 | sort; echo "step 3: write_file x"; sleep 1.2'),
      [],
      [sandbox.repository.pack],
    );
    const { stdout, progress } = await link.receive();
    const own = ['OLDPWD', 'PWD', 'SHLVL', '_'];
    expect(
      stdout
        .toString()
        .split('\n')
        .filter((name) => !own.includes(name)),
    ).toEqual(['COUNTERSIGN_TASK_FOLDER', 'HOME', 'LANG', 'OLLAMA_HOST', 'PATH', 'step 3: write_file x', '']);
    expect(progress).toContain('{"summary":"write_file x","step":3}');
  });

  it('S055 keeps what fits of the output and counts the rest', async () => {
    const sandbox = await start();
    const link = await sandbox.runner.accept();
    await link.hello();
    link.sendTask(
      shellTask(sandbox, 'head -c 5000000 /dev/zero; echo end >&2', { output_bytes: 1000 }),
      [],
      [sandbox.repository.pack],
    );
    const { end, stdout } = await link.receive();
    expect(end.stdout).toEqual({ bytes: 1000, sha256: sha256(Buffer.alloc(1000)), dropped: 4_999_000 });
    expect(stdout.length).toBe(1000);
  });

  it.each([
    ['exit 4', 4, 'tool_failed', 'exited with 4'],
    ['kill -9 $$', null, 'tool_failed', 'SIGKILL'],
    [
      `echo '{"error_class":"model_missing","message":"no such model"}' > "$COUNTERSIGN_TASK_FOLDER/out/error.json"; exit 10`,
      10,
      'model_missing',
      'no such model',
    ],
    [
      `echo '{"error_class":"nonsense","message":""}' > "$COUNTERSIGN_TASK_FOLDER/out/error.json"; exit 5`,
      5,
      'tool_failed',
      '5',
    ],
  ])('says how a tool failed: %s', async (script, code, errorClass, message) => {
    const sandbox = await start();
    const link = await sandbox.runner.accept();
    await link.hello();
    link.sendTask(shellTask(sandbox, script), [], [sandbox.repository.pack]);
    const { end } = await link.receive();
    expect(end).toMatchObject({ exit_code: code, reason: 'failed', error_class: errorClass });
    expect(end.message).toContain(message);
  });

  it('says that a tool is not there', async () => {
    const sandbox = await start();
    const link = await sandbox.runner.accept();
    await link.hello();
    link.sendTask(shellTask(sandbox, '', { command: ['/no/such/tool'] }), [], [sandbox.repository.pack]);
    expect((await link.receive()).end).toMatchObject({
      exit_code: null,
      reason: 'failed',
      error_class: 'tool_missing',
    });
  });

  it('says that a base commit cannot be checked out', async () => {
    const sandbox = await start();
    const link = await sandbox.runner.accept();
    await link.hello();
    const wrong = { ...sandbox.repository.frame, base_head: '1'.repeat(40) };
    link.sendTask(shellTask(sandbox, 'true', { repositories: [wrong] }), [], [sandbox.repository.pack]);
    expect((await link.receive()).end).toMatchObject({ reason: 'failed', error_class: 'workspace_unusable' });
  });
});

describe('plan mode', () => {
  it('sends the plan and nothing else, whatever was changed', async () => {
    const sandbox = await start();
    const link = await sandbox.runner.accept();
    await link.hello();
    const script = `echo evil > evil.txt; git add -A; git commit -qm evil; cd "$COUNTERSIGN_TASK_FOLDER/out"
      echo '1. do it' > plan.md; echo s > agent-summary.md; echo a > artifacts/a`;
    link.sendTask(shellTask(sandbox, script, { mode: 'plan' }), [], [sandbox.repository.pack]);
    const { end, texts } = await link.receive();
    expect(end).toMatchObject({ reason: 'finished', bundles: [], artifacts: [] });
    expect(texts).toEqual({ plan: '1. do it\n' });
  });

  it.each([
    ['true', 'left no plan'],
    ['head -c 70000 /dev/zero > "$COUNTERSIGN_TASK_FOLDER/out/plan.md"', '65536 are allowed'],
    ['ln -s /etc/passwd "$COUNTERSIGN_TASK_FOLDER/out/plan.md"', 'left no plan'],
  ])('fails without a usable plan: %s', async (script, message) => {
    const sandbox = await start();
    const link = await sandbox.runner.accept();
    await link.hello();
    link.sendTask(shellTask(sandbox, script, { mode: 'plan' }), [], [sandbox.repository.pack]);
    const { end, texts } = await link.receive();
    expect(end).toMatchObject({ reason: 'failed', error_class: 'plan_missing' });
    expect(end.message).toContain(message);
    expect(texts).toEqual({});
  });
});

describe('without a task', () => {
  it('ends on a stop frame, and on a signal', async () => {
    const asked = await start();
    const link = await asked.runner.accept();
    await link.hello();
    link.send('stop', { reason: 'not needed' });
    expect(await asked.over).toBe('stopped');
    const signalled = await start();
    await (await signalled.runner.accept()).hello();
    signalled.stop.abort('by SIGTERM');
    expect(await signalled.over).toBe('stopped');
  });

  it('ends itself when nobody has spoken to it for long', async () => {
    const sandbox = await start({ listen: false, orphanMs: 300 });
    expect(await sandbox.over).toBe('orphaned');
  });

  it('drops a task that was cut while it came, and takes it when it comes again', async () => {
    const sandbox = await start();
    const first = await sandbox.runner.accept();
    await first.hello();
    const task = shellTask(sandbox, 'cat readme.md');
    const { pack } = sandbox.repository;
    first.send('task', task);
    first.sendPack(0, 0, pack.subarray(0, 100));
    first.socket.end();
    const second = await sandbox.runner.accept();
    expect(await second.hello()).toEqual({ protocol: 1, state: 'idle', task: null });
    second.send('task', task);
    second.sendPack(0, 0, pack.subarray(0, 50));
    second.sendPack(0, 50, pack.subarray(50));
    expect((await second.receive()).stdout.toString()).toBe('# demo\n');
  });

  it.each([
    ['a pack of another digest', (pack: Buffer) => [[0, 0, Buffer.alloc(pack.length)]]],
    ['a pack with a gap', (pack: Buffer) => [[0, 1, pack]]],
    ['a pack that is too long', (pack: Buffer) => [[0, 0, Buffer.concat([pack, pack])]]],
    ['a pack of no repository', (pack: Buffer) => [[1, 0, pack]]],
  ] as [string, (pack: Buffer) => [number, number, Buffer][]][])(
    'closes and starts over after %s',
    async (_, chunks) => {
      const sandbox = await start();
      const link = await sandbox.runner.accept();
      await link.hello();
      link.send('task', shellTask(sandbox, 'true'));
      for (const [index, offset, data] of chunks(sandbox.repository.pack)) link.sendPack(index, offset, data);
      expect(await link.next()).toBeUndefined();
      expect((await (await sandbox.runner.accept()).hello()).state).toBe('idle');
    },
  );

  it('ends on a stop frame while a task comes', async () => {
    const sandbox = await start();
    const link = await sandbox.runner.accept();
    await link.hello();
    link.send('task', shellTask(sandbox, 'true'));
    link.send('stop', { reason: 'cancelled' });
    expect(await sandbox.over).toBe('stopped');
  });

  it.each([
    ['of an unknown type', [0, 0, 0, 0, 0x77]],
    ['of its own direction', [0, 0, 0, 0, 0x89]],
    ['of a giant length', [0xff, 0xff, 0xff, 0xff, 0x03]],
    ['without JSON', [0, 0, 0, 1, 0x01, 0x7b]],
  ])('closes after a frame %s, and comes again', async (_, bytes) => {
    const sandbox = await start();
    const link = await sandbox.runner.accept();
    await link.hello();
    link.socket.write(Buffer.from(bytes));
    expect(await link.next()).toBeUndefined();
    expect((await (await sandbox.runner.accept()).hello()).state).toBe('idle');
  });

  it('closes after an ack or a resend of nothing', async () => {
    const sandbox = await start();
    const first = await sandbox.runner.accept();
    await first.hello();
    first.send('ack', { task: 'abcde' });
    expect(await first.next()).toBeUndefined();
    const second = await sandbox.runner.accept();
    await second.hello();
    second.send('resend', { task: 'abcde', ...nothingHeld });
    expect(await second.next()).toBeUndefined();
  });
});

describe('what the tool finds', () => {
  it('S070 has the base commit under its true id, without the history and its secrets', async () => {
    const sandbox = await start();
    const link = await sandbox.runner.accept();
    await link.hello();
    link.sendTask(
      shellTask(sandbox, 'git rev-parse HEAD; git log --all --format=%s; git fsck --strict; git status --short'),
      [],
      [sandbox.repository.pack],
    );
    const { stdout } = await link.receive();
    expect(stdout.toString()).toBe(`${sandbox.repository.baseHead}\nsecond\n`);
    const task = JSON.parse(readFileSync(join(sandbox.paths.task, 'task.json'), 'utf8'));
    expect(task).toMatchObject({
      task: 'abcde',
      mode: 'run',
      model: 'rehearsal',
      step_limit: 10,
      repositories: ['demo'],
    });
  });
});
