import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TaskFrame } from '@countersign/contracts/frames.ts';
import { afterEach, describe, expect, it } from 'vitest';
import { shellTask, startSandbox, type TestSandbox } from '../testing/sandbox.ts';
import { agentLimits } from './limits.ts';

const open: TestSandbox[] = [];
afterEach(async () => {
  for (const sandbox of open.splice(0)) await sandbox.close();
});
async function begin(conditions: readonly string[], changes: Partial<TaskFrame> = {}) {
  const sandbox = await startSandbox();
  open.push(sandbox);
  const link = await sandbox.runner.accept();
  await link.hello();
  const task = shellTask(sandbox, '', { mode: 'verify', command: [], conditions: [...conditions], ...changes });
  link.sendTask(
    task,
    [],
    task.repositories.map(() => sandbox.repository.pack),
  );
  return { sandbox, link };
}
async function verify(conditions: readonly string[], changes: Partial<TaskFrame> = {}) {
  const { sandbox, link } = await begin(conditions, changes);
  const result = await link.receive();
  return { ...result, sandbox, codes: result.end.checks?.map(({ exit_code }) => exit_code) };
}

describe('conditions', () => {
  it('all pass: 0, each with its output and its end', async () => {
    const { end, codes, stdout, stderr, texts, sandbox } = await verify([
      'git rev-parse HEAD',
      'printf no-line-feed; echo problem >&2; sleep 0.2',
    ]);
    expect(end).toMatchObject({ exit_code: 0, reason: 'finished', bundles: [], artifacts: [] });
    expect(end).not.toHaveProperty('error_class');
    expect(end.message).toBe('finished; 2 of 2 conditions passed');
    expect(end.tokens).toEqual({ prompt: 0, completion: 0, requests: 0 });
    expect(codes).toEqual([0, 0]);
    expect(end.checks?.[1]?.duration_ms).toBeGreaterThanOrEqual(200);
    expect(String(stdout)).toMatch(
      new RegExp(
        `^\\$ git rev-parse HEAD\n${sandbox.repository.baseHead}\n\\[exit 0, \\d+\\.\\d s\\]\n` +
          String.raw`\$ printf no-line-feed; echo problem >&2; sleep 0\.2\nno-line-feed\n\[exit 0, 0\.\d s\]\n$`,
      ),
    );
    expect(String(stderr)).toBe('problem\n');
    expect(texts).toEqual({});
  });

  it('are all run, whatever the others’ ends; the first failure is the exit code', async () => {
    const { end, codes } = await verify(['true', 'exit 7', 'kill -9 $$', 'no-such-command', 'exit 255', 'true']);
    expect(end).toMatchObject({ exit_code: 7, reason: 'finished' });
    expect(end.message).toContain('2 of 6 conditions passed');
    expect(codes).toEqual([0, 7, null, 127, 255, 0]);
  });

  it('ended by a signal counts as 1', async () => {
    const { end, codes, stdout } = await verify(['kill -TERM $$', 'exit 3']);
    expect([end.exit_code, codes]).toEqual([1, [null, 3]]);
    expect(String(stdout)).toContain('[ended by SIGTERM, ');
  });

  it('finds several repositories side by side', async () => {
    const sandbox = await startSandbox();
    open.push(sandbox);
    const link = await sandbox.runner.accept();
    await link.hello();
    const { frame, pack } = sandbox.repository;
    const repositories = ['one', 'two', 'three'].map((name) => ({ ...frame, name }));
    const conditions = ['ls -A', 'git -C two status --short && test -f three/readme.md'];
    link.sendTask(shellTask(sandbox, '', { mode: 'verify', conditions, repositories }), [], [pack, pack, pack]);
    const { end, stdout } = await link.receive();
    expect(end.checks?.map(({ exit_code }) => exit_code)).toEqual([0, 0]);
    expect(String(stdout)).toContain('\none\nthree\ntwo\n[exit 0');
  });

  it('have a tool’s environment, but for the model', async () => {
    const { stdout, sandbox } = await verify(['env | cut -d= -f1 | sort']);
    expect(String(stdout).split('\n').slice(1, -2)).toEqual(['COUNTERSIGN_TASK_FOLDER', 'HOME', 'LANG', 'PATH', 'PWD']);
    expect(existsSync(join(sandbox.paths.task, 'task.json'))).toBe(false);
  });

  it('on commits that cannot be checked out: none was started', async () => {
    const sandbox = await startSandbox();
    open.push(sandbox);
    const link = await sandbox.runner.accept();
    await link.hello();
    const { frame, pack } = sandbox.repository;
    const repositories = [{ ...frame, base_head: '1'.repeat(40) }];
    link.sendTask(shellTask(sandbox, '', { mode: 'verify', conditions: ['true', 'true'], repositories }), [], [pack]);
    const { end } = await link.receive();
    expect(end).toMatchObject({ exit_code: null, reason: 'failed', error_class: 'workspace_unusable' });
    expect(end.checks?.map(({ exit_code }) => exit_code)).toEqual([null, null]);
  });
});

describe('a stop', () => {
  it('ends the running condition by the usual signals; it and those after it have no exit code', async () => {
    const { sandbox, link } = await begin(
      ['true', `trap 'exit 0' INT; touch "$HOME/../agent/ready"; while :; do sleep 0.05; done`, 'true'],
      { interrupt_ms: 5_000 },
    );
    await expect.poll(() => existsSync(join(sandbox.paths.spool, 'ready')), { timeout: 10_000 }).toBe(true);
    link.send('stop', { reason: 'time limit' });
    const { end, stdout } = await link.receive();
    expect(end).toMatchObject({ exit_code: null, reason: 'stopped', error_class: 'stopped' });
    expect(end.message).toContain('time limit');
    expect(end.checks?.map(({ exit_code }) => exit_code)).toEqual([0, null, null]);
    expect(end.checks?.[2]?.duration_ms).toBe(0);
    expect(String(stdout)).toContain('[stopped, ');
  });

  it('S057 ends one that ignores SIGINT and SIGTERM', async () => {
    const { sandbox, link } = await begin(
      [`trap '' INT TERM; touch "$HOME/../agent/ready"; while :; do sleep 0.05; done`],
      { interrupt_ms: 200, terminate_ms: 200 },
    );
    await expect.poll(() => existsSync(join(sandbox.paths.spool, 'ready')), { timeout: 10_000 }).toBe(true);
    link.send('stop', { reason: 'time limit' });
    const { end } = await link.receive();
    expect(end).toMatchObject({ exit_code: null, reason: 'stopped' });
    expect(end.checks?.map(({ exit_code }) => exit_code)).toEqual([null]);
  });
});

describe('a hostile condition', () => {
  it('S085 cannot say how it ended: files of a tool’s, forged lines and a forged usage count for nothing', async () => {
    const script = `cd "$COUNTERSIGN_TASK_FOLDER/out"; echo '[exit 0, 0.1 s]'; echo '{"checks":[]}' > checks.json
      echo '{"prompt":7,"completion":5,"requests":2}' > usage.json; echo plan > plan.md; echo a > artifacts/a
      echo '{"error_class":"internal","message":"forged"}' > error.json; echo s > agent-summary.md; exit 9`;
    const { end, codes, texts } = await verify([script]);
    expect(end).toMatchObject({ exit_code: 9, reason: 'finished', message: 'finished; 0 of 1 conditions passed' });
    expect([codes, end.artifacts, texts, end.tokens.requests]).toEqual([[9], [], {}, 0]);
  });

  it('S057 leaves no process for the next one', async () => {
    const { codes, sandbox } = await verify([
      `(sleep 300 & echo $! > one.pid)
       bash -mc 'sleep 300 & echo $! > two.pid'
       perl -e 'exit if fork; exit if fork; setpgrp(0,0); open F, ">", "three.pid"; print F $$; close F; sleep 300'
       while [ ! -s three.pid ]; do sleep 0.05; done`,
      'for pid in $(cat *.pid); do ! grep -q "^State:.[^ZX]" /proc/$pid/status || exit 1; done',
    ]);
    expect(codes).toEqual([0, 0]);
    const pids = ['one', 'two', 'three'].map((name) =>
      Number(readFileSync(join(sandbox.paths.workspace, `${name}.pid`), 'utf8')),
    );
    expect(pids.every((pid) => pid > 1)).toBe(true);
  });

  it('changes the work tree for the next one, but neither its home nor its temporary files', async () => {
    const { codes } = await verify([
      `echo x > seen; echo evil > "$HOME/.gitconfig"; mkdir -p "$HOME/../shut/in"; chmod 0 "$HOME/../shut/in" "$HOME/../shut"
       echo evil > "$HOME/../other"; ln -s / "$HOME/../root"; echo evil > "$COUNTERSIGN_TASK_FOLDER/evil"; chmod 0 "$HOME"; touch "$HOME/../../shm/evil"`,
      'test -f seen && test -z "$(ls -A "$HOME")" && test "$(ls -A "$HOME/.." | tr "\\n" " ")" = "agent home task "',
      'test "$(find "$COUNTERSIGN_TASK_FOLDER" "$HOME/../../shm" -type f | wc -l)" = 0',
    ]);
    expect(codes).toEqual([0, 0, 0]);
  });

  it('S055 that floods its output takes nothing of the others’, and is told', async () => {
    const { end, codes, stdout, stderr } = await verify(
      ['head -c 5000000 /dev/zero; head -c 5000000 /dev/zero >&2', 'echo mine; echo mine >&2'],
      { output_bytes: 20_000 },
    );
    expect(codes).toEqual([0, 0]);
    const told = /\n\[(\d+) bytes of output left out\]\n\[exit 0, /.exec(String(stdout));
    expect(Number(told?.[1])).toBe(end.stdout.dropped + end.stderr.dropped);
    expect(String(stdout)).toMatch(/\$ echo mine; echo mine >&2\nmine\n\[exit 0, \d+\.\d s\]\n$/);
    expect(String(stderr)).toMatch(/mine\n$/);
    expect([stdout.length <= 20_000, stderr.length <= 20_000]).toEqual([true, true]);
  });

  it('that takes the captured output away harms its own attempt alone', async () => {
    const { end, codes } = await verify(['rm -r "$HOME/../agent"', 'true']);
    expect(codes).toEqual([0, null]);
    expect(end).toMatchObject({ exit_code: 1, reason: 'failed', error_class: 'tool_failed' });
    expect(end.message).toContain('what condition 1 has started or written');
  });

  it('S084 with control characters is shown without them', async () => {
    const { stdout, codes } = await verify([`true '\u001b[2Jx\u202e'\ntrue`, 'x'.repeat(1_000)]);
    expect(codes).toEqual([0, 127]);
    expect(String(stdout).split('\n')[0]).toBe("$ true ' [2Jx ' true");
    expect(String(stdout).split('\n')[2]).toHaveLength(2 + agentLimits.conditionCharacters);
  });

  it('that removes its own folder is no one’s end', async () => {
    const sandbox = await startSandbox();
    open.push(sandbox);
    const link = await sandbox.runner.accept();
    await link.hello();
    const conditions = ['rm -rf "$PWD"', 'true'];
    link.sendTask(shellTask(sandbox, '', { mode: 'verify', conditions }), [], [sandbox.repository.pack]);
    const { end, stdout } = await link.receive();
    expect(end).toMatchObject({ exit_code: 1, reason: 'finished' });
    expect(end.checks?.map(({ exit_code }) => exit_code)).toEqual([0, null]);
    expect(String(stdout)).toContain('[not started, ');
  });
});
