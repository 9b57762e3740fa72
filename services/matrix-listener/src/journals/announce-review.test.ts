import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DiffViewError } from '@countersign/kit/diff-view.ts';
import { makeReviewTask, type ReviewChange, writeReviewTask } from '@countersign/kit/testing/review-task.ts';
import { expect, test } from 'vitest';
import type { Return } from '../message/review-message.ts';
import { recordSent } from '../outbox/send-loop.ts';
import { messageKey } from '../state/key.ts';
import { emptyState, type ListenerState } from '../state/listener-state.ts';
import { makeAnnouncing } from '../testing/announcing.ts';
import { makeGate } from '../testing/gates.ts';
import { bot, eventId, room } from '../testing/room-events.ts';
import { scratchFolder } from '../testing/scratch.ts';
import { announce } from './announce.ts';
import type { News } from './news.ts';

const since = '2026-11-20T12:00:00.000Z';
const refusals = [{ code: 'dirty' as const, repository: 'demo', message: 'a.txt is changed', names: ['a.txt'] }];

function begin() {
  const announcing = makeAnnouncing(scratchFolder());
  const state = emptyState(room, bot);
  let told = 0;
  const hear = async (news: News, isFinal = false) => (await announce(announcing, news, isFinal))(state);
  return {
    state,
    volumes: announcing.volumes,
    hear,
    /** A result comes to its review, and its diff is where the runner puts it. */
    review: async (change: ReviewChange = {}, back: Return = null) => {
      const task = makeReviewTask(change);
      await writeReviewTask(announcing.volumes, task);
      told += 1;
      await hear({ kind: 'review', key: messageKey('review', String(told)), record: task.record, back });
      return task;
    },
    /** What waits is sent, and the room shows it. */
    send: () => {
      for (const waiting of [...state.outgoing]) {
        state.shown += 1;
        recordSent(state, waiting, eventId(`sent-${waiting.key.slice(0, 8)}-${state.shown}`), state.shown);
      }
    },
  };
}

const merging = ({ record, result }: ReturnType<typeof makeReviewTask>): News => {
  const approval = {
    command: 'c',
    digest: result.digest,
    channel: 'matrix' as const,
    user: '@o:x',
    evidence: '$e',
    decided_at: since,
    unverified: true,
  };
  const state = { status: 'merging' as const, wait: null, since, reason: '', result, approval };
  return { kind: 'moved', key: messageKey('merging'), record: { ...record, state }, hasEnded: false, command: 'c' };
};

const merged = ({ record, result }: ReturnType<typeof makeReviewTask>): News => {
  const { verification } = result;
  const state = { status: 'done' as const, since, reason: 'merged into demo main', result, merged: null, verification };
  return { kind: 'moved', key: messageKey('merged'), record: { ...record, state }, hasEnded: true, command: null };
};

/** Beside the patches, which follow the message of a result. */
const messages = ({ outgoing }: ListenerState) => outgoing.filter(({ file }) => file === undefined);
const bodies = (state: ListenerState) => messages(state).map(({ content }) => String(content['body']));
const threads = (state: ListenerState) =>
  messages(state).map(({ content }) => (content['m.relates_to'] as { event_id?: string } | undefined)?.event_id);

test('a result is posted with what a merge will be bound to, also where nobody was asked before', async () => {
  const { state, review } = begin();
  const { result } = await review();
  expect(messages(state)).toMatchObject([
    {
      content: { msgtype: 'm.text', body: expect.stringContaining(result.digest.slice(0, 8)) },
      request: { asks: 'review', task: 'gated', digest: result.digest, thread: null },
    },
  ]);
  expect(threads(state)).toEqual([undefined]);
});

test('it stands in the thread of the task’s request, and so does what comes after it', async () => {
  const { state, review, send, hear } = begin();
  state.gates.push(makeGate({ event: '$asked', closed: true }));
  const task = await review();
  expect(threads(state)).toEqual(['$asked']);
  expect(state.outgoing[0]?.request?.thread).toBe('$asked');
  send();
  await hear(merging(task));
  await hear(merged(task));
  expect(threads(state)).toEqual(['$asked']);
  expect(bodies(state)[0]).toMatch(/^Done: gated\.md/);
});

test('without a request before it, it begins the thread', async () => {
  const { state, review, send, hear } = begin();
  const task = await review();
  send();
  const [root] = state.gates;
  await hear(merged(task));
  expect([root?.thread, threads(state)]).toEqual([null, [root?.event]]);
});

test('a refused merge is told in the thread by its code, and that message can be answered like the first', async () => {
  const { state, review, send, hear } = begin();
  const task = await review();
  send();
  await hear(merging(task));
  expect(state.gates.map(({ closed }) => closed)).toEqual([true]);
  await review({ refusals }, 'merge');
  expect(bodies(state)).toEqual([expect.stringMatching(/^Not merged: gated\.md\n/)]);
  expect(bodies(state)[0]).toContain('not merged: dirty: demo: a.txt is changed');
  expect(bodies(state)[0]).not.toContain('repository: ');
  expect(threads(state)).toEqual([state.gates[0]?.event]);
  send();
  expect(state.gates.map(({ digest, closed }) => [digest, closed])).toEqual([
    [task.result.digest, true],
    [task.result.digest, false],
  ]);
});

test('a room that has not been shown the result is shown all of it with the refusal', async () => {
  const { state, review, hear } = begin();
  const task = await review();
  await hear(merging(task));
  expect(state.outgoing).toEqual([]);
  await review({ refusals }, 'merge');
  expect(bodies(state)[0]).toContain('repository: ');
  expect(bodies(state)[0]).toContain('not merged: dirty');
});

test('W27 a carried over result takes the place of the one before, sent or not', async () => {
  const { state, review, send } = begin();
  const first = await review();
  send();
  const second = await review({ patches: { demo: 'two' } });
  const third = await review({ patches: { demo: 'three' } });
  expect(state.gates).toMatchObject([{ digest: first.result.digest, closed: true }]);
  expect(messages(state).map(({ request }) => request?.digest)).toEqual([third.result.digest]);
  expect(state.withdrawn.map(({ request }) => request?.digest)).toEqual([second.result.digest]);
});

test('what waits is not asked twice', async () => {
  const { state, review, send } = begin();
  await review();
  await review();
  expect(messages(state)).toHaveLength(1);
  send();
  await review();
  expect([state.outgoing, state.gates.map(({ closed }) => closed)]).toEqual([[], [false]]);
});

test.each([
  ['another one', (folder: string) => writeFileSync(join(folder, 'attempts/1/diffs/index.json'), '{}')],
  ['gone', (folder: string) => rmSync(join(folder, 'attempts/1/diffs'), { recursive: true })],
])(
  'W27 a result whose saved diff is %s is not shown; at last the room is warned, and cannot merge it',
  async (_, spoil) => {
    const { state, volumes, hear } = begin();
    const task = makeReviewTask({ agent: { what: 'secret words' } });
    spoil(await writeReviewTask(volumes, task));
    const news: News = { kind: 'review', key: messageKey('review'), record: task.record, back: null };
    await expect(hear(news)).rejects.toThrow(DiffViewError);
    expect(state.outgoing).toEqual([]);
    await hear(news, true);
    expect(state.outgoing).toMatchObject([{ request: null }]);
    expect(bodies(state)).toEqual([expect.stringContaining('DO NOT MERGE')]);
  },
);

test('a handoff that cannot be read hinders nothing', async () => {
  const { state, volumes, hear } = begin();
  const task = makeReviewTask();
  const folder = await writeReviewTask(volumes, task);
  writeFileSync(join(folder, 'attempts/1/handoff.yaml'), 'x'.repeat(2_000_000));
  await hear({ kind: 'review', key: messageKey('review'), record: task.record, back: null });
  expect(bodies(state)[0]).toContain('The agent left no words with this result');
});

test('postconditions that failed are told to a room that was not asked before', async () => {
  const { state, hear } = begin();
  const checks = [{ command: 'npm test', exit_code: 1, duration_ms: 1 }];
  const { record, result } = makeReviewTask({ verification: { status: 'failed', checks } });
  const failed = {
    status: 'failed' as const,
    since,
    reason: 'no',
    error_class: 'postcondition_failed' as const,
    result,
  };
  await hear({
    kind: 'moved',
    key: messageKey('f'),
    record: { ...record, state: failed },
    hasEnded: true,
    command: null,
  });
  expect(bodies(state)[0]).toContain('✗ exit code 1, 0.0 s: npm test');
});
