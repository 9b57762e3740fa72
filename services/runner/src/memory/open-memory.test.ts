import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { memoryGround, taskText } from './memory-ground.ts';
import { openMemory } from './open-memory.ts';

const task = 'project/tasks/T0147.md';

/** A runner that changes the memory for as long as it lives, one word on its output for each change that was acknowledged. */
const busyRunner = `
  const [folder, at] = process.argv.slice(1);
  const { openMemory } = await import(at);
  const memory = await openMemory(folder);
  for (let round = 0; ; round += 1) {
    const status = ['running', 'review', 'waiting'][round % 3];
    const saved = await memory.setStatus('project', 'T0147', status, 'round ' + round);
    // The first may be what an earlier life said already, and no commit.
    if (saved.status === 'committed' && round > 0) process.stdout.write('x');
  }
`;

test('F01 killed again and again at any moment, with its git: every change is a commit of ours or was not made, and nothing is stuck', async () => {
  const ground = memoryGround();
  ground.write(task, taskText('T0147'));
  await openMemory(ground.folder);
  // Locks of a killed git are removed when they are old: to this clock they are.
  const later = () => new Date(Date.now() + 60 * 60 * 1_000);
  let acknowledged = 0;
  for (let round = 0; round < 6; round += 1) {
    const at = new URL('./open-memory.ts', import.meta.url).href;
    const runner = spawn(process.execPath, ['--input-type=module', '-e', busyRunner, ground.folder, at], {
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    runner.stdout.on('data', (words: Buffer) => {
      acknowledged += words.length;
    });
    await once(runner.stdout, 'data');
    await wait(round * 37);
    process.kill(-(runner.pid ?? 0), 'SIGKILL');
    await once(runner, 'close');
    const memory = await openMemory(ground.folder, later);
    expect(memory.trouble).toBeNull();
    expect(`${ground.committed(task)}\n`).toBe(ground.read(task));
  }
  expect(ground.status()).toBe('');
  expect(ground.git('fsck', '--strict')).not.toContain('error');
  const log = ground.log();
  expect(log.filter((line) => !line.startsWith('Countersign: '))).toEqual(['Operator: taken over: edited by hand']);
  expect(log.length - 2).toBeGreaterThanOrEqual(acknowledged);
}, 120_000);

test('S083 an operator who edits and commits all the time and we lose nothing of each other’s', async () => {
  const ground = memoryGround();
  ground.write(task, taskText('T0147'));
  const memory = await openMemory(ground.folder);
  const operator = promisify(execFile)(
    'sh',
    [
      '-c',
      'for n in 1 2 3 4 5 6 7 8 9 10 11 12; do echo $n > project/tasks/note-$n; echo "line $n" >> project/notes.txt; git add -A; git -c user.name=O -c user.email=o@x commit -qm "by hand $n"; done; exit 0',
    ],
    { cwd: ground.folder, env: { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent' } },
  );
  for (let round = 0; round < 12; round += 1) {
    const status = round % 2 === 0 ? 'running' : 'review';
    expect(['committed', 'kept', 'not-made']).toContain(
      (await memory.setStatus('project', 'T0147', status, `round ${round}`)).status,
    );
  }
  await operator;
  await memory.setStatus('project', 'T0147', 'done', 'the end');
  expect(await memory.change([])).toEqual({ status: 'committed' });
  ground.git('add', '-A');
  expect(
    ground
      .status()
      .split('\n')
      .filter((line) => line.includes('T0147')),
  ).toEqual([]);
  expect(ground.committed(task)).toContain('status: done');
  expect(ground.read('project/notes.txt').split('\n')).toHaveLength(13);
  expect(ground.git('fsck', '--strict')).not.toContain('error');
}, 60_000);
