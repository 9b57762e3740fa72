import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TaskState } from '@countersign/contracts/task-record.ts';
import { sha256 } from '@countersign/kit/digest.ts';
import { expect, test } from 'vitest';
import { eventsOf, makeHome, openContext } from '../testing/home.ts';
import { makeRecord, states } from '../testing/record.ts';
import { Activity } from './attempt.ts';
import { hasFileChanged } from './end-task.ts';
import { workOn } from './work-on.ts';

const task = 'workspace: project\n\nsay hello\n';
const profile = {
  name: 'default',
  image: `sha256:${'0'.repeat(64)}`,
  definition: 'd'.repeat(64),
  runtime: 'runc' as const,
  workspace_bytes: 1_000_000,
  memory_bytes: 2_000_000,
  toolchain: 'own' as const,
  warm: 0,
};
const needs = { model: { kind: 'rehearsal' as const, name: 'rehearsal' }, contextLength: 8_192, profile };

async function begin(state: TaskState) {
  const home = makeHome();
  const context = await openContext(home);
  const run = await context.runs.ofTheDay('project', context.now());
  const record = makeRecord({ run, state, task_file: sha256(task) });
  mkdirSync(context.layout.task(run, record.id), { recursive: true });
  writeFileSync(join(context.layout.task(run, record.id), 'task.md'), task);
  writeFileSync(context.layout.fileOf(record), task);
  await context.tasks.create(record, { event: 'task_accepted', phase: 'queue', agent_role: 'runner', summary: 'x' });
  const activity = new Activity(async () => undefined);
  const begun = () => workOn(context, record, needs, true, activity, new AbortController().signal);
  return { context, record, begun, events: () => eventsOf(context.layout.runJournal(run)).map(({ event }) => event) };
}

test('a gate that was raised while a task was interrupted sends it back to be planned and asked for', async () => {
  const { context, record, begun, events } = await begin(states.interrupted);
  await begun();
  expect(context.tasks.get(record.id)?.state).toMatchObject({
    status: 'queued',
    reason: expect.stringMatching(/demands an approval/),
  });
  expect(events()).not.toContain('task_started');
});

test('a file has changed when it holds other bytes than those that were taken', async () => {
  const { context, record } = await begin(states.running);
  expect(await hasFileChanged(context, record)).toBe(false);
  writeFileSync(context.layout.fileOf(record), `${task}and more\n`);
  expect(await hasFileChanged(context, record)).toBe(true);
});
