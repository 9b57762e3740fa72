import { setTimeout as sleep } from 'node:timers/promises';
import { agentLimits } from '@countersign/sandbox-agent/src/agent/limits.ts';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Assigner, shell } from '../support/sandbox-attempt.ts';
import { Sandboxes } from '../support/sandbox-container.ts';

let sandboxes: Sandboxes;
let assigner: Assigner;

beforeAll(async () => {
  sandboxes = await Sandboxes.open('ending');
  assigner = await Assigner.open(sandboxes.folder);
});
afterEach(() => sandboxes.clear());
afterAll(() => sandboxes[Symbol.asyncDispose]());

/** The container's init and the agent. */
const nobodyElse = ['docker-init', 'node-MainThread'];
const survivor = (file: string) =>
  `trap "" INT TERM HUP; while :; do i=$((i+1)); echo $i >> /workspace/${file}; sleep 0.02; done`;

test('S057 a tool that ignores signals and hides its children is ended, and nothing of it sees the result', async () => {
  const sandbox = await sandboxes.start();
  const command = shell(`
    trap '' INT TERM
    echo 1 > committed.txt; git add -A; git commit -q -m 'by the tool'
    echo 2 > uncommitted.txt
    setsid -f sh -c '${survivor('one')}'
    (setsid sh -c '(setsid sh -c "$0" &) ; ${survivor('two')}' '${survivor('three')}' &)
    echo ready
    while :; do sleep 0.05; done`);
  const whileCollecting: Promise<string[]>[] = [];
  const attempt = await assigner.begin(
    sandbox,
    { command, interrupt_ms: 300, terminate_ms: 300 },
    {
      onProgress: (line) => {
        if (line === 'collecting the result') whileCollecting.push(sandbox.processes());
      },
    },
  );
  await expect.poll(() => attempt.stdout(), { timeout: 20_000 }).toContain('ready');
  await expect.poll(() => attempt.lines, { timeout: 20_000 }).toContain('the tool runs');
  // Progress is one frame in a second; the next word is to come at once.
  await sleep(agentLimits.progressMs);
  expect((await sandbox.processes()).filter((name) => name === 'sh')).toHaveLength(4);
  attempt.stop('timeout');
  const result = await attempt.result();

  expect(result.end).toMatchObject({ exit_code: null, reason: 'stopped', error_class: 'stopped' });
  expect(result.end.message).toContain('timeout');
  expect(await sandbox.processes()).toEqual(nobodyElse);
  expect(whileCollecting).toHaveLength(1);
  expect((await Promise.all(whileCollecting)).flat().filter((name) => name === 'sh' || name === 'sleep')).toEqual([]);

  expect(await result.subjects()).toEqual(['Work left uncommitted by the agent', 'by the tool']);
  expect([await result.file('committed.txt'), await result.file('uncommitted.txt')]).toEqual(['1', '2']);
  for (const file of ['one', 'two', 'three']) {
    // What was collected is what there is: nobody has written since.
    const collected = await result.file(file);
    expect(collected).toMatch(/^1\n2\n/);
    expect(await sandbox.exec('cat', `/workspace/${file}`)).toBe(`${collected}\n`);
  }
  await result.acknowledge();
  await expect.poll(() => sandbox.state(), { timeout: 10_000 }).toMatchObject({ state: 'ended', exit_code: 0 });
});

test('S057 a tool that ends leaves nobody behind', async () => {
  const sandbox = await sandboxes.start();
  const command = shell(`setsid -f sh -c '${survivor('beat')}'; while [ ! -s beat ]; do sleep 0.02; done; exit 3`);
  const result = await assigner.run(sandbox, { command });
  expect(result.end).toMatchObject({ exit_code: 3, reason: 'failed', error_class: 'tool_failed' });
  expect(await sandbox.processes()).toEqual(nobodyElse);
  expect(await sandbox.exec('cat', '/workspace/beat')).toBe(`${await result.file('beat')}\n`);
});

test('a stop by signal, as the launcher sends it, saves and sends as well', async () => {
  const sandbox = await sandboxes.start();
  const attempt = await assigner.begin(sandbox, { command: shell('echo 1 > work.txt; echo ready; sleep 600') });
  await expect.poll(() => attempt.stdout(), { timeout: 20_000 }).toContain('ready');
  await sandbox.signal('SIGTERM');
  const result = await attempt.result();
  expect(result.end).toMatchObject({ reason: 'stopped', error_class: 'stopped' });
  expect(await result.file('work.txt')).toBe('1');
});

test('a tool that kills the agent has lost its work, and the runner is told so', async () => {
  const sandbox = await sandboxes.start();
  const attempt = await assigner.begin(sandbox, { command: shell('kill -9 $PPID') });
  expect(await attempt.outcome).toEqual({
    ok: false,
    errorClass: 'sandbox_lost',
    reason: 'the sandbox ended with exit code 137',
  });
});
