import type { TaskRecord, TaskState } from '@countersign/contracts/task-record.ts';
import type { WaitKind } from '@countersign/contracts/wait.ts';
import { makeRecord } from '@countersign/kit/testing/waiting-task.ts';
import { expect, test } from 'vitest';
import { listenerLimits } from '../limits.ts';
import { tellOfLongWaits } from '../outbox/long-waits.ts';
import { submittedName } from '../room/read-run.ts';
import { messageKey } from '../state/key.ts';
import { StateFile } from '../state/state-file.ts';
import { makeAnnouncing } from '../testing/announcing.ts';
import { makeGate } from '../testing/gates.ts';
import { bot, eventId, room } from '../testing/room-events.ts';
import { scratchFolder } from '../testing/scratch.ts';
import { announce } from './announce.ts';
import type { News } from './news.ts';

const since = '2026-11-20T10:00:00.000Z';
const began = Date.parse(since);
const late = began + listenerLimits.waitPatienceMs + 1;
const approval = {
  command: 'c',
  digest: 'd'.repeat(64),
  channel: 'shell' as const,
  user: 'ada',
  evidence: '',
  decided_at: since,
  expires_at: since,
};

/** Of a record the state, waiting for something. */
function approved(kind: WaitKind, reason = '', at = since): TaskState {
  return { status: 'approved', since, reason, approval, wait: { kind, since: at, on: [] } };
}

async function begin(...asked: string[]) {
  const state = await StateFile.open(scratchFolder(), room, bot);
  await state.update((next) =>
    next.gates.push(...asked.map((task) => makeGate({ task, event: eventId(`gate-${task}`) }))),
  );
  let count = 0;
  const hear = async (record: TaskRecord) => {
    count += 1;
    const key = messageKey('moved', String(count));
    const hasEnded = !('wait' in record.state);
    const news: News = { kind: 'moved', key, record, hasEnded, command: null };
    const change = await announce(makeAnnouncing('/nowhere'), news, false);
    await state.update(change);
  };
  return {
    state,
    hear,
    waits: async (task: string, kind: WaitKind, reason?: string, at?: string) =>
      await hear(makeRecord(approved(kind, reason, at), { id: task })),
    bodies: () => state.now.outgoing.map(({ content }) => String(content['body'])),
  };
}

test('a wait that lasts is told in the thread of its task, in the words of the status, once', async () => {
  const { state, waits, bodies } = await begin('gated');
  await waits('gated', 'disk', 'waits for room on the disk: less than 2048 MB are free');
  await tellOfLongWaits(state, late - 1);
  expect(bodies()).toEqual([]);
  await tellOfLongWaits(state, late);
  await tellOfLongWaits(state, late + 1);
  expect(bodies()).toEqual([
    `Waiting: gated.md (gated) waits for room on the disk: less than 2048 MB are free, since ${since}`,
  ]);
  expect(state.now.outgoing[0]?.content).toMatchObject({
    msgtype: 'm.notice',
    'm.mentions': {},
    'm.relates_to': { rel_type: 'm.thread', event_id: '$gate-gated' },
  });
});

test('one that is over by then is not told', async () => {
  const { state, waits, bodies } = await begin('gated');
  await waits('gated', 'disk');
  await waits('gated', 'turn');
  await tellOfLongWaits(state, late);
  expect(bodies()).toEqual([]);
});

test.each(['turn', 'slot', 'workspace', 'model_slot', 'stage', 'approval', 'review', 'retry'] as const)(
  'a wait for %s is nothing to be told',
  async (kind) => {
    const { state, waits, bodies } = await begin('gated');
    await waits('gated', kind);
    await tellOfLongWaits(state, late);
    expect(bodies()).toEqual([]);
  },
);

test('what comes and goes is told once of each kind, however often', async () => {
  const { state, waits, bodies } = await begin('gated');
  for (let round = 0; round < 20; round += 1) {
    const at = new Date(began + round).toISOString();
    for (const kind of ['model', 'turn', 'breaker', 'turn'] as const) {
      await waits('gated', kind, '', at);
      await tellOfLongWaits(state, late + round);
    }
  }
  expect(bodies()).toHaveLength(2);
});

test('of a task that the room was never asked about nothing is told, and it is known all the same', async () => {
  const { state, waits, bodies } = await begin();
  await waits('quiet', 'disk');
  await tellOfLongWaits(state, late);
  expect(bodies()).toEqual([]);
  expect(state.now.tasks).toMatchObject([{ task: 'quiet', file: 'quiet.md', wait: null }]);
});

test('when many wait at once, the first few are told and the others counted', async () => {
  const names = Array.from({ length: 40 }, (_, index) => `task-${index}`);
  const { state, waits, bodies } = await begin(...names);
  for (const name of names) await waits(name, 'model');
  await tellOfLongWaits(state, late);
  await tellOfLongWaits(state, late + 1);
  expect(bodies()).toHaveLength(listenerLimits.waitLines + 1);
  expect(bodies().at(-1)).toBe('35 more tasks wait: scripts/countersign status says for what.');
});

test('what has ended is forgotten, with the approvals that were given on it', async () => {
  const { state, hear, waits, bodies } = await begin('gated');
  await waits('gated', 'disk');
  const given = { event: '$a', sender: '@o:x', command: 'c', issued: 1, answerTo: '$g' } as const;
  await state.update(
    (next) => void next.approvals.push({ ...given, task: 'gated' }, { ...given, event: '$b', task: 'other' }),
  );
  await hear(makeRecord({ status: 'cancelled', since, reason: 'as was asked' }, { id: 'gated' }));
  await tellOfLongWaits(state, late);
  expect(state.now.tasks).toEqual([]);
  expect(state.now.approvals.map(({ task }) => task)).toEqual(['other']);
  expect(bodies()).toEqual(['Cancelled: gated.md (gated). as was asked']);
});

test('of more open tasks than are kept the newest are known', async () => {
  const { state, hear } = await begin();
  await state.update((next) => {
    for (let index = 0; index < listenerLimits.tasks + 2; index += 1)
      next.tasks.push({ task: `t-${index}`, file: 'x.md', droppedAs: 'x.md', wait: null, told: [] });
  });
  expect([state.now.tasks.length, state.now.tasks[0]?.task]).toEqual([listenerLimits.tasks, 't-2']);
  await hear(makeRecord(approved('turn'), { id: 'newest' }));
  expect([state.now.tasks.length, state.now.tasks[0]?.task]).toEqual([listenerLimits.tasks, 't-3']);
  expect(state.now.tasks.at(-1)?.task).toBe('newest');
});

test('words of others in a reason are inert and cut', async () => {
  const { state, waits, bodies } = await begin('gated');
  await waits('gated', 'profile', `\u001b[2J\n@room ${'x'.repeat(2_000)}`);
  await tellOfLongWaits(state, late);
  expect(bodies()[0]).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  expect(bodies()[0]?.length).toBeLessThan(700);
});

test('whoever dropped a task by words in the room is told what came of it, once, in answer to the words', async () => {
  const { state, hear } = await begin();
  await state.update(
    (next) =>
      void next.issued.push({
        command: 'c',
        answerTo: eventId('words'),
        at: since,
        stands: 'answered',
        owesSign: false,
      }),
  );
  const change = { id: 'k7m2p', file: submittedName('c'), dropped_as: submittedName('c') };
  await hear(makeRecord(approved('turn'), change));
  expect(state.now.outgoing).toEqual([]);
  await hear(makeRecord({ status: 'rejected', since, reason: 'not today' }, change));
  await hear(makeRecord({ status: 'rejected', since, reason: 'not today' }, { id: 'other' }));
  expect(state.now.outgoing.map(({ content }) => content)).toMatchObject([
    {
      body: expect.stringMatching(/^Rejected: room-[0-9a-f]{8}\.md \(k7m2p\)\. not today/),
      'm.relates_to': { 'm.in_reply_to': { event_id: '$words' } },
    },
  ]);
});
