import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Assigner, shell } from '../support/sandbox-attempt.ts';
import { Sandboxes } from '../support/sandbox-container.ts';

const mib = 1024 * 1024;

let sandboxes: Sandboxes;
let assigner: Assigner;

beforeAll(async () => {
  sandboxes = await Sandboxes.open('limits');
  assigner = await Assigner.open(sandboxes.folder);
});
afterEach(() => sandboxes.clear());
afterAll(() => sandboxes[Symbol.asyncDispose]());

test('S050 a fork bomb stays within its number of processes, and is ended with its work saved', async () => {
  const pids = 64;
  const sandbox = await sandboxes.start({ pids, cpus: 1 });
  // Every process forks for ever, in a group of its own, and is deaf to what asks it to end.
  const bomb = `$SIG{INT} = $SIG{TERM} = "IGNORE";
    while (1) { my $pid = fork; select(undef, undef, undef, 0.01) if !defined $pid; setpgrp if defined $pid && !$pid }`;
  const command = shell(`echo 1 > work.txt; exec perl -e '${bomb}'`);
  const attempt = await assigner.begin(sandbox, { command, interrupt_ms: 300, terminate_ms: 300 });
  // Threads count as well, and the agent has some.
  const count = async () => (await sandbox.processes()).length;
  await expect.poll(count, { timeout: 20_000 }).toBeGreaterThan(pids / 2);
  for (let look = 0; look < 5; look += 1) expect(await count()).toBeLessThan(pids);
  attempt.stop('enough');
  const result = await attempt.result();

  expect(result.end).toMatchObject({ exit_code: null, reason: 'stopped' });
  expect(await result.file('work.txt')).toBe('1');
  expect(await sandbox.processes()).toHaveLength(2);
});

test('S051 a tool that takes too much memory is ended, and its work saved', async () => {
  const sandbox = await sandboxes.start({ memory_mb: 256 });
  const hoard = 'const kept = []; for (;;) kept.push(Buffer.alloc(8 << 20, 1))';
  const result = await assigner.run(sandbox, { command: shell(`echo 1 > work.txt; exec node -e '${hoard}'`) });
  expect(result.end).toMatchObject({ exit_code: null, reason: 'failed', error_class: 'tool_failed' });
  expect(result.end.message).toContain('SIGKILL');
  expect(await result.file('work.txt')).toBe('1');
});

test('S051 S053 a sandbox that fills its memory with files is ended, and the runner is told that it was out of memory', async () => {
  const sandbox = await sandboxes.start({ memory_mb: 160, workspace_mb: 512 });
  const command = shell('head -c 400M /dev/zero > zeros; sleep 600');
  const attempt = await assigner.begin(sandbox, { command });
  expect(await attempt.outcome).toEqual({
    ok: false,
    errorClass: 'sandbox_lost',
    reason: 'the sandbox ran out of memory',
  });
  expect(await sandbox.state()).toMatchObject({ state: 'ended', exit_code: 137, out_of_memory: true });
});

test.each([0, 1])(
  'S052 a full workspace ends with a clear word, also of a tool that exits with %i',
  async (exitCode) => {
    const sandbox = await sandboxes.start({ workspace_mb: 16 });
    const command = shell(`echo 1 > work.txt; head -c 64M /dev/zero > zeros; exit ${exitCode}`);
    const result = await assigner.run(sandbox, { command, budget: { output_bytes: null, disk_bytes: null } });
    expect(await result.stderr()).toContain('No space left on device');
    expect(result.end).toMatchObject({ reason: 'stopped', error_class: 'budget_disk' });
    expect(result.end.message).toMatch(/more than \d+ bytes in \/workspace/);
    // There is room elsewhere for both of them.
    expect(await result.file('work.txt')).toBe('1');
    expect((await result.file('zeros')).length).toBeGreaterThan(8 * mib);
  },
);

test('S052 a tool that fills the workspace for ever, faster than anybody looks, leaves its work, and only the filling is lost', async () => {
  const sandbox = await sandboxes.start({ workspace_mb: 64, tmp_mb: 32 });
  const command = shell(`
    trap '' INT TERM
    echo 1 > committed.txt; git add -A; git commit -q -m 'by the tool'
    echo changed > readme.md; mkdir deep; echo 2 > deep/uncommitted.txt
    while :; do cat /dev/urandom >> fill.bin; cat /dev/urandom >> .git/fill; sleep 0.02; done 2> /dev/null`);
  const budget = { output_bytes: null, disk_bytes: null };
  const result = await assigner.run(sandbox, { command, budget, interrupt_ms: 300, terminate_ms: 300 });
  expect(result.end).toMatchObject({ exit_code: null, reason: 'stopped', error_class: 'budget_disk' });
  expect(result.end.disk_bytes).toBeGreaterThan(56 * mib);
  expect(result.end.message).toMatch(/No space left on device: fill\.bin \(\d+ bytes\) could not be kept/);
  expect(await result.subjects()).toEqual(['Work left uncommitted by the agent', 'by the tool']);
  const files = ['committed.txt', 'deep/uncommitted.txt', 'readme.md'];
  expect(await Promise.all(files.map((file) => result.file(file)))).toEqual(['1', '2', 'changed']);
  await expect(result.file('fill.bin')).rejects.toThrow();
  expect(await sandbox.processes()).toHaveLength(2);
});

test('a tool that stays below its own budget of the disk is left alone, and one that passes it is asked to end', async () => {
  const sandbox = await sandboxes.start({ workspace_mb: 256 });
  const command = shell(`
    trap 'echo saved > work.txt; exit 3' INT
    head -c 20M /dev/zero > within; sleep 1; echo still > there.txt
    head -c 60M /dev/zero > beyond; while :; do sleep 0.05; done`);
  const budget = { output_bytes: null, disk_bytes: 50 * mib };
  const result = await assigner.run(sandbox, { command, budget });
  expect(result.end).toMatchObject({ exit_code: 3, error_class: 'budget_disk', exceeded: { limit: 50 * mib } });
  expect([await result.file('work.txt'), await result.file('there.txt')]).toEqual(['saved', 'still']);
});

test('S052 a full /tmp costs output and what lies there, not the work', async () => {
  const sandbox = await sandboxes.start({ tmp_mb: 16 });
  const command = shell('echo 1 > work.txt; head -c 64M /dev/zero > /tmp/zeros; head -c 1M /dev/zero; exit 0');
  const result = await assigner.run(sandbox, { command });
  expect(result.end).toMatchObject({ exit_code: 0, reason: 'finished' });
  expect(result.end.message).toContain('no room left');
  expect(await result.file('work.txt')).toBe('1');
  // What it printed could not be kept, and is counted.
  expect(result.end.stdout.bytes + result.end.stdout.dropped).toBe(mib);
  expect(result.end.stdout.dropped).toBeGreaterThan(0);
});

test('where neither has room that can be made, the end says so', async () => {
  const sandbox = await sandboxes.start({ tmp_mb: 16, workspace_mb: 16 });
  const command = shell(
    'echo 1 > work.txt; head -c 64M /dev/zero > fill; head -c 64M /dev/zero > /tmp/task/out/zeros; exit 0',
  );
  const result = await assigner.run(sandbox, { command });
  expect(result.end).toMatchObject({ exit_code: 0, reason: 'failed', error_class: 'result_refused' });
  expect(result.end.message).toContain('No space left on device');
});

test('S055 100 MB of output are capped and counted, within little memory on both sides', async () => {
  const sandbox = await sandboxes.start({ memory_mb: 128 });
  const command = shell('head -c 100M /dev/zero; echo 1 > work.txt; head -c 100M /dev/zero >&2');
  const before = process.memoryUsage();
  let most = 0;
  const sampling = setInterval(() => {
    const { heapUsed, external } = process.memoryUsage();
    most = Math.max(most, heapUsed + external - before.heapUsed - before.external);
  }, 10);
  const result = await assigner.run(sandbox, { command, output_bytes: 4 * mib }).finally(() => clearInterval(sampling));

  expect(result.end).toMatchObject({ exit_code: 0, reason: 'finished' });
  for (const name of ['stdout', 'stderr'] as const)
    expect(result.end[name]).toMatchObject({ bytes: 4 * mib, dropped: 96 * mib });
  expect(await result.stdout()).toEqual(Buffer.alloc(4 * mib));
  expect(await result.file('work.txt')).toBe('1');
  expect(most).toBeLessThan(64 * mib);
});

test('S055 a line of 10 MB comes whole, and is no progress', async () => {
  const sandbox = await sandboxes.start();
  const command = shell(`printf 'step 1: '; head -c 10M /dev/zero | tr '\\0' a`);
  const result = await assigner.run(sandbox, { command, output_bytes: 16 * mib });
  expect(result.end).toMatchObject({ exit_code: 0, reason: 'finished' });
  const line = Buffer.concat([Buffer.from('step 1: '), Buffer.alloc(10 * mib, 'a')]);
  expect(result.end.stdout).toEqual({
    bytes: line.length,
    dropped: 0,
    sha256: createHash('sha256').update(line).digest('hex'),
  });
  expect((await result.stdout()).equals(line)).toBe(true);
  expect(result.lines.filter((each) => each.includes('aaa'))).toEqual([]);
});
