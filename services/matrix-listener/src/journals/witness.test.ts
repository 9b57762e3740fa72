import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { headField, PostedHead } from '@countersign/contracts/journal-head.ts';
import { lineDigest } from '@countersign/kit/chain-scan.ts';
import { makeRecord, makeWaitingTask, writeWaitingTask } from '@countersign/kit/testing/waiting-task.ts';
import { expect, test } from 'vitest';
import { countedSign } from '../message/sign.ts';
import { enqueue } from '../outbox/enqueue.ts';
import { nextEdit } from '../outbox/next-edit.ts';
import { messageKey } from '../state/key.ts';
import { emptyState } from '../state/listener-state.ts';
import { StateFile } from '../state/state-file.ts';
import { makeAnnouncing, makeCalling } from '../testing/announcing.ts';
import { makeGate } from '../testing/gates.ts';
import { TestJournals } from '../testing/journals.ts';
import { keptLog } from '../testing/kept-log.ts';
import { bot, room } from '../testing/room-events.ts';
import { scratchFolder } from '../testing/scratch.ts';
import { Troubles } from '../troubles.ts';
import { FollowLoop } from './follow-loop.ts';
import { witnessed } from './witness.ts';

const since = '2026-11-20T10:00:00.000Z';
const run = 'RUN-20261120-001';
const head: PostedHead = { journal: run, events: 7, head: 'a'.repeat(64) };
const older: PostedHead = { ...head, events: 3 };
const text = { msgtype: 'm.text', body: 'so it is', 'm.mentions': {} } as const;

/** The line of a run's journal that a head tells of, as it is on the disk. */
function lineOf(volumes: string, { events }: PostedHead): string {
  return readFileSync(join(volumes, 'runs', run, 'telemetry.jsonl'), 'utf8').split('\n')[events - 1] ?? '';
}

test('A27 the room is told how far the journal had come, by each message and by what a message says later', async () => {
  const volumes = scratchFolder();
  const journals = new TestJournals(volumes);
  const state = await StateFile.open(scratchFolder(), room, bot);
  const follow = new FollowLoop({
    state,
    announcing: makeAnnouncing(volumes),
    calling: makeCalling(),
    troubles: new Troubles(),
    logger: keptLog().logger,
    now: () => 0,
  });
  await follow.turn();
  const task = makeWaitingTask('the plan');
  await writeWaitingTask(volumes, task);
  await journals.append(run, { event: 'message', summary: 'first', run_id: run });
  await journals.says('approval_requested', task.record);
  await follow.turn();
  const [told, asked] = state.now.outgoing.map(({ content }) => PostedHead.parse(content[headField]));
  expect([told?.events, asked?.events]).toEqual([1, 2]);
  for (const posted of [told, asked])
    expect(posted?.head).toBe(lineDigest(Buffer.from(lineOf(volumes, posted ?? head))));

  await state.update((next) => {
    next.gates = [makeGate({ task: task.record.id, digest: task.view.digest })];
  });
  const failed = { status: 'failed', since, reason: 'no', error_class: 'tool_failed', result: null } as const;
  await journals.says('task_ended', makeRecord(failed, { id: task.record.id }));
  await follow.turn();
  const edit = nextEdit(state.now, 0);
  const content: Record<string, unknown> = 'inMs' in edit ? {} : { ...edit.post.content };
  const posted = PostedHead.parse(content[headField]);
  expect(posted).toMatchObject({ journal: run, events: 3 });
  expect(posted.head).toBe(lineDigest(Buffer.from(lineOf(volumes, posted))));
  expect(content).toMatchObject({ 'm.new_content': { [headField]: posted } });
});

test('what waited before, a reaction and a file stay as they are', () => {
  const state = emptyState(room, bot);
  enqueue(state, messageKey('before'), text);
  witnessed((next) => {
    enqueue(next, messageKey('now'), text);
    enqueue(next, messageKey('sign'), countedSign('$said'));
    next.outgoing.push({
      key: messageKey('file'),
      type: 'm.room.message',
      content: {},
      request: null,
      file: { of: messageKey('now'), task: 'gated', name: 'demo.patch', path: 'x', sha256: 'b'.repeat(64) },
    });
  }, head)(state);
  expect(state.outgoing.map(({ content }) => content[headField])).toEqual([undefined, head, undefined, undefined]);
});

test('a message that says what it said keeps what it was told with', () => {
  const standing = { title: '✅ Approved', words: '', since: null };
  const state = { ...emptyState(room, bot), gates: [makeGate({ standing, head: older }), makeGate()] };
  witnessed(() => undefined, head)(state);
  expect(state.gates.map((gate) => gate.head)).toEqual([older, null]);
  witnessed((next) => {
    for (const gate of next.gates) gate.standing = { ...standing };
  }, head)(state);
  expect(state.gates.map((gate) => gate.head)).toEqual([head, head]);
});
