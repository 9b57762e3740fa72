import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type HouseNote, houseNotes, movedFile } from '@countersign/contracts/house.ts';
import type { TaskState } from '@countersign/contracts/task-record.ts';
import { describe, expect, test } from 'vitest';
import type { Context } from '../context.ts';
import { OwnPast } from '../loop/own-past.ts';
import { eventsOf, makeHome, openContext } from '../testing/home.ts';
import { makeRecord, states } from '../testing/record.ts';
import { refuseMoved } from './refuse-moved.ts';
import { takeNotes } from './take-notes.ts';

const archive = 'a'.repeat(64);
const at = '2026-11-20T09:00:00.000Z';
const exportNote: HouseNote = {
  version: 1,
  kind: 'exported',
  id: '1'.repeat(32),
  at,
  archive,
  with_workspaces: true,
  left: false,
};
const importNote: HouseNote = {
  version: 1,
  kind: 'imported',
  id: '2'.repeat(32),
  at,
  archive,
  home: '0b9f3a52-6d0c-4c1e-9d0e-6d6d6d6d6d6d',
  exported_at: '2026-11-19T09:00:00.000Z',
  product_version: '0.1.0',
  with_workspaces: false,
};

/** A runner's home with one task in a state, and notes of what was done to it. */
async function begin(notes: readonly HouseNote[], state: TaskState = states.queued) {
  const home = makeHome();
  const context = await openContext(home);
  const run = await context.runs.ofTheDay('project', context.now());
  const record = makeRecord({ run, state, stage: 'staging' });
  mkdirSync(home.layout.task(run, record.id), { recursive: true });
  writeFileSync(join(home.layout.task(run, record.id), 'task.md'), 'workspace: project\n');
  writeFileSync(home.layout.fileOf(record), 'workspace: project\n');
  await context.tasks.create(record, { event: 'task_accepted', phase: 'queue', agent_role: 'runner', summary: '' });
  const folder = join(home.layout.runs, houseNotes);
  mkdirSync(folder);
  for (const note of notes) writeFileSync(join(folder, `${note.id}.json`), JSON.stringify(note));
  return { context, record, folder, events: () => eventsOf(home.layout.ownJournal) };
}

/** As a runner takes them that has just begun. */
async function take(context: Context, isAtWork: boolean): Promise<void> {
  await takeNotes(context, isAtWork, (await OwnPast.read(context.journal.path)).notes);
}

test('an export and an import become an event each, once', async () => {
  const { context, folder, events } = await begin([exportNote, importNote]);
  await take(context, false);
  expect(events().map(({ event, data }) => [event, data?.['archive']])).toEqual([
    ['house_exported', archive],
    ['house_imported', archive],
  ]);
  expect(readdirSync(folder)).toEqual([]);
  // As after a death between the event and the removal of its note.
  writeFileSync(join(folder, `${importNote.id}.json`), JSON.stringify(importNote));
  await take(context, false);
  expect(events()).toHaveLength(2);
  expect(readdirSync(folder)).toEqual([]);
});

test('a note that could not be removed is told once by the same runner, too', async () => {
  const { context, folder, events } = await begin([exportNote]);
  const told = new Set<string>();
  await takeNotes(context, true, told);
  writeFileSync(join(folder, `${exportNote.id}.json`), JSON.stringify(exportNote));
  await takeNotes(context, true, told);
  expect(events()).toHaveLength(1);
  expect(readdirSync(folder)).toEqual([]);
});

test('while tasks are at work an import is left for the next start', async () => {
  const { context, folder, events } = await begin([exportNote, importNote], states.pending);
  await take(context, true);
  expect(events().map(({ event }) => event)).toEqual(['house_exported']);
  expect(readdirSync(folder)).toEqual([`${importNote.id}.json`]);
});

describe('a house that moved in', () => {
  test.each([
    ['pending', 'queued', /the request is void/],
    ['approved', 'queued', /the approval is void/],
    ['planning', 'queued', /planned anew/],
    ['running', 'interrupted', /one new attempt/],
  ] as const)('F27 has a task that was %s %s', async (before, after, words) => {
    const { context, record } = await begin([importNote], states[before]);
    await take(context, false);
    const now = context.tasks.get(record.id);
    expect(now?.state.status).toBe(after);
    expect(now?.state.reason).toMatch(words);
    // It is nobody's failure, and so does not count as one.
    expect(now?.interruptions).toBe(record.interruptions);
  });

  test.each([
    'queued',
    'interrupted',
    'verifying',
    'review',
    'rebasing',
    'merging',
    'done',
    'failed',
    'expired',
  ] as const)('leaves a task that was %s where it stood', async (status) => {
    const { context, record } = await begin([importNote], states[status]);
    await take(context, false);
    expect(context.tasks.get(record.id)?.state).toEqual(states[status]);
  });
});

test('a house that went on elsewhere does not start', async () => {
  const { layout, home } = makeHome();
  await refuseMoved(layout);
  writeFileSync(join(home, movedFile), '{}');
  await expect(refuseMoved(layout)).rejects.toThrow('scripts/countersign export --take-back');
});
