import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { expect, test, vi } from 'vitest';
import { makeRecord, states } from '../testing/record.ts';
import { createMemoryFollower } from './follow.ts';
import { handoffOf } from './handoff-ground.ts';
import { memoryGround, now, taskText } from './memory-ground.ts';
import { openMemory } from './open-memory.ts';

// Each test starts dozens of gits.
vi.setConfig({ testTimeout: 60_000 });

const path = 'project/tasks/T0147.md';

async function following(retryMs = 60_000, lockWaitMs = 0) {
  const ground = memoryGround();
  ground.write(path, taskText('T0147'));
  const memory = await openMemory(ground.folder, now, lockWaitMs);
  const problems: string[] = [];
  const follower = () => createMemoryFollower(memory, (problem) => problems.push(problem), retryMs);
  return { ground, problems, memory, follower };
}

const record = (status: keyof typeof states, changes: Partial<TaskRecord> = {}) =>
  makeRecord({ memory_task: 'T0147', state: states[status], ...changes });

const statusOf = (ground: ReturnType<typeof memoryGround>) => /^status: (.*)$/m.exec(ground.read(path))?.[1];

test('the status follows the newest run, whichever is told last', async () => {
  const { ground, follower, problems } = await following();
  const one = follower();
  one.follow(record('running'));
  await one.settled();
  expect(statusOf(ground)).toBe('running');
  one.follow(record('queued', { id: 'newer', accepted_at: '2026-11-20T11:00:00.000Z' }));
  one.follow(record('failed'));
  await one.settled();
  expect(statusOf(ground)).toBe('waiting');
  expect(ground.log()[0]).toBe('Countersign: T0147: status waiting (task newer)');
  expect(problems).toEqual([]);
});

test('every state has its word', async () => {
  const { ground, follower } = await following();
  const one = follower();
  const said: string[] = [];
  for (const status of Object.keys(states) as (keyof typeof states)[]) {
    one.follow(record(status));
    await one.settled();
    said.push(`${status} ${statusOf(ground)}`);
  }
  expect(said).toContain('pending waiting');
  expect(said).toContain('merging running');
  expect(said).toContain('review review');
  expect(said).toContain('rejected cancelled');
  expect(said).toContain('expired todo');
  one.follow(record('done', { action: 'plan' }));
  await one.settled();
  expect(statusOf(ground)).toBe('todo');
});

test('told again after a restart, nothing is committed, and a status that a person set stays', async () => {
  const { ground, follower } = await following();
  const one = follower();
  one.follow(record('failed'));
  await one.close();
  ground.write(path, ground.read(path).replace('status: failed', 'status: done'));
  const before = ground.git('rev-parse', 'HEAD');
  const two = follower();
  two.follow(record('failed'));
  await two.settled();
  expect(statusOf(ground)).toBe('done');
  expect(ground.git('rev-parse', 'HEAD')).toBe(before);
  two.follow(record('queued'));
  await two.settled();
  expect(statusOf(ground)).toBe('waiting');
  expect(ground.log().slice(0, 2)).toEqual([
    'Countersign: T0147: status waiting (task abcde)',
    'Operator: taken over: edited by hand',
  ]);
});

test('records without a durable task are passed over', async () => {
  const { ground, follower, problems } = await following();
  const before = ground.log();
  const one = follower();
  one.follow(record('done', { memory_task: null }));
  await one.settled();
  expect([ground.log(), problems]).toEqual([before, []]);
});

test('what is asked for in one go is made at once, a commit each; a handoff is kept once', async () => {
  const { ground, follower } = await following();
  const one = follower();
  one.follow(record('review'));
  one.handedOff(handoffOf());
  one.handedOff(handoffOf());
  one.handedOff(handoffOf({ attempt: 2 }));
  await one.settled();
  one.handedOff(handoffOf());
  await one.settled();
  expect(ground.log().slice(0, 4)).toEqual([
    'Countersign: T0147: status review (task abcde)',
    'Countersign: project: handoff of task abcde, attempt 2, T0147',
    'Countersign: project: handoff of task abcde, attempt 1, T0147',
    'Countersign: the memory begins',
  ]);
});

test('a missing task is told once, harms no other, and is tried again', async () => {
  const { ground, follower, problems } = await following(20);
  rmSync(join(ground.folder, path));
  const one = follower();
  one.follow(record('review'));
  one.handedOff(handoffOf());
  await one.settled();
  expect(ground.log()[0]).toContain('handoff of task abcde');
  ground.write(path, taskText('T0147'));
  await expect.poll(() => statusOf(ground)).toBe('review');
  expect(problems).toEqual([expect.stringContaining('there is no task T0147')]);
  await one.close();
});

test('a change that could not be committed is committed later', async () => {
  const { ground, follower, problems } = await following(20);
  const one = follower();
  writeFileSync(join(ground.folder, '.git/index.lock'), '');
  one.follow(record('review'));
  await one.settled();
  expect(statusOf(ground)).toBe('review');
  expect(problems).toHaveLength(1);
  rmSync(join(ground.folder, '.git/index.lock'));
  await expect.poll(() => ground.log()[0]).toBe('Countersign: T0147: status review (task abcde)');
  await one.close();
});

test('a handoff that is not as agreed is told, and the caller goes on', async () => {
  const { follower, problems } = await following();
  const one = follower();
  one.handedOff({ ...handoffOf(), what: 'x'.repeat(5_000) });
  await one.settled();
  expect(problems).toEqual([expect.stringContaining('handoff of task abcde')]);
});
