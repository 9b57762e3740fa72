import { symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { scratchFolder } from '../testing/scratch.ts';
import { gatherContext } from './gather-context.ts';
import { handoffOf } from './handoff-ground.ts';
import { memoryGround, now, taskText } from './memory-ground.ts';
import { openMemory } from './open-memory.ts';

// Each test starts dozens of gits.
vi.setConfig({ testTimeout: 60_000 });

const about = { workspace: 'project', memoryTask: 'T0147', title: 'x' };

test('decisions by falling name, related tasks by words, handoffs of this task first', async () => {
  const ground = memoryGround();
  const titled = (id: string, title: string) => taskText(id).replace(/"A title.*"/, JSON.stringify(title));
  ground.write('project/tasks/T0147.md', titled('T0147', 'Durable branch for runs'));
  ground.write('project/tasks/T0100.md', titled('T0100', 'A branch that is durable'));
  ground.write('project/tasks/T0101.md', titled('T0101', 'Runs of the night'));
  ground.write('project/tasks/T0102.md', titled('T0102', 'Something else'));
  ground.write('project/tasks/T0103.md', 'broken');
  ground.write('project/decisions/2026-01-a.md', 'A');
  ground.write('project/decisions/2026-02-b.md', 'B');
  ground.write('other/decisions/2026-03-c.md', 'C');
  const memory = await openMemory(ground.folder, now);
  await memory.saveHandoff(handoffOf({ memory_task: null, ended_at: '2026-11-20T12:00:00.000Z' }));
  await memory.saveHandoff(handoffOf({ ended_at: '2026-11-20T10:00:00.000Z' }));
  await memory.saveHandoff(handoffOf({ ended_at: '2026-11-20T11:00:00.000Z' }));
  const found = await gatherContext(memory, about);
  expect(found.memoryTask).toMatchObject({ status: 'found', task: { id: 'T0147' } });
  expect(found.decisions.map(({ path }) => path)).toEqual(['decisions/2026-02-b.md', 'decisions/2026-01-a.md']);
  expect(found.relatedTasks.map(({ id }) => id)).toEqual(['T0100', 'T0101']);
  expect(found.otherTasks).toBe(2);
  expect(found.handoffs.map(({ handoff }) => handoff.ended_at.slice(11, 13))).toEqual(['11', '10', '12']);
});

test('a workspace of which nothing is known has nothing, and a task that is not there says so', async () => {
  const memory = await openMemory(memoryGround().folder, now);
  expect(await gatherContext(memory, { ...about, workspace: 'unknown', memoryTask: null })).toEqual({
    memoryTask: { status: 'none' },
    decisions: [],
    notes: [],
    unread: { decisions: 0, notes: 0 },
    relatedTasks: [],
    otherTasks: 0,
    handoffs: [],
    handoffsSkipped: 0,
    handoffsOlder: 0,
    ignored: [],
  });
  const { memoryTask } = await gatherContext(memory, about);
  expect(memoryTask).toMatchObject({ status: 'refused', reason: expect.stringContaining('there is no task T0147') });
});

test('no link is read, and what is too large or too much is told by name and size', async () => {
  const ground = memoryGround();
  const secret = join(scratchFolder(), 'secret.md');
  writeFileSync(secret, 'a secret');
  ground.write('project/notes/large.md', Buffer.alloc(300 * 1024, 'x'));
  for (let number = 0; number < 60; number += 1) ground.write(`project/notes/a${100 + number}.md`, 'note');
  for (let number = 0; number < 210; number += 1) ground.write(`project/decisions/a${100 + number}.md`, 'so');
  symlinkSync(secret, join(ground.folder, 'project/notes/zlink.md'));
  const outside = scratchFolder();
  writeFileSync(join(outside, 'b.md'), 'a secret');
  ground.write('linked/tasks/T0001.md', taskText('T0001'));
  symlinkSync(outside, join(ground.folder, 'linked/notes'));
  const memory = await openMemory(ground.folder, now);
  const found = await gatherContext(memory, about);
  expect(JSON.stringify([found, await gatherContext(memory, { ...about, workspace: 'linked' })])).not.toContain(
    'a secret',
  );
  expect(found.notes).toHaveLength(62);
  expect(found.notes[0]).toMatchObject({ path: 'notes/zlink.md', text: null });
  expect(found.notes[1]).toEqual({ path: 'notes/large.md', bytes: 300 * 1024, text: null });
  expect(found.notes.filter(({ text }) => text !== null)).toHaveLength(48);
  expect(found.unread).toEqual({ decisions: 10, notes: 0 });
  expect(found.ignored.map((line) => line.split(' ')[0])).toEqual(['project/notes/large.md', 'project/notes/zlink.md']);
});
