import { unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundleDigest } from '@countersign/contracts/bundle.ts';
import { ApprovalViewError, type Pending } from '@countersign/kit/approval-view.ts';
import { makeRecord, makeWaitingTask, writeWaitingTask } from '@countersign/kit/testing/waiting-task.ts';
import { expect, test } from 'vitest';
import { enqueue } from '../outbox/enqueue.ts';
import { messageKey } from '../state/key.ts';
import { emptyState, type ListenerState } from '../state/listener-state.ts';
import { makeAnnouncing } from '../testing/announcing.ts';
import { makeGate, makeRequest } from '../testing/gates.ts';
import { bot, room, saidAt } from '../testing/room-events.ts';
import { scratchFolder } from '../testing/scratch.ts';
import { announce } from './announce.ts';
import type { News } from './news.ts';

const at = '2026-11-20T10:00:00.000Z';
const verification = { status: 'unverified' as const };

function begin() {
  const announcing = makeAnnouncing(scratchFolder());
  const state = emptyState(room, bot);
  return {
    state,
    volumes: announcing.volumes,
    hear: async (news: News, isFinal = false) => (await announce(announcing, news, isFinal))(state),
  };
}

const request = (record: Pending): News => ({
  kind: 'request',
  key: messageKey('request', record.state.digest),
  record,
});

function moved(change: Partial<News & { kind: 'moved' }> = {}): News {
  const record = makeRecord({ status: 'done', since: at, reason: 'well', result: null, merged: null, verification });
  return { kind: 'moved', key: messageKey('moved'), record, hasEnded: true, command: null, ...change };
}

function verdict(change: Partial<News & { kind: 'verdict' }> = {}): News {
  const key = messageKey('verdict', 'c');
  return {
    kind: 'verdict',
    key,
    command: 'c',
    accepted: true,
    reason: 'so be it',
    at,
    what: 'pause',
    task: null,
    evidence: '$e',
    ...change,
  };
}

function issue(state: ListenerState, stands: 'waiting' | 'late' | 'answered' = 'waiting'): void {
  state.issued.push({ command: 'c', answerTo: '$gate', at, stands, owesSign: false });
}

const bodies = ({ outgoing }: ListenerState) => outgoing.map(({ content }) => String(content['body']));

test('a request is queued with what an answer to it will be bound to', async () => {
  const { state, volumes, hear } = begin();
  const task = makeWaitingTask('the plan', { file: 'gated-2.md', dropped_as: 'gated.md' });
  await writeWaitingTask(volumes, task);
  await hear(request(task.record));
  await hear(request(task.record));
  const { digest } = task.view;
  expect(state.outgoing).toEqual([
    {
      key: messageKey('request', digest),
      type: 'm.room.message',
      content: expect.objectContaining({ msgtype: 'm.text', body: expect.stringContaining(digest.slice(0, 8)) }),
      request: makeRequest({
        task: 'gated',
        digest,
        file: 'gated-2.md',
        droppedAs: 'gated.md',
        askedAt: new Date(saidAt).toISOString(),
        expiresAt: task.record.state.expires_at,
      }),
    },
  ]);
});

test('what was asked is not asked again, also when the message is in the room already', async () => {
  const { state, volumes, hear } = begin();
  const task = makeWaitingTask('the plan');
  await writeWaitingTask(volumes, task);
  state.gates.push(makeGate({ digest: task.view.digest }));
  await hear(request(task.record));
  expect(state.outgoing).toEqual([]);
  expect(state.gates).toMatchObject([{ closed: false }]);
});

test('a new request takes the place of the one before, sent or not; those of other tasks stay', async () => {
  const { state, volumes, hear } = begin();
  const task = makeWaitingTask('the plan');
  await writeWaitingTask(volumes, task);
  const stale = makeRequest({ task: 'gated', digest: 'a'.repeat(64) });
  enqueue(state, messageKey('stale'), { msgtype: 'm.text', body: 'stale', 'm.mentions': {} }, stale);
  const other = makeRequest({ task: 'other' });
  enqueue(state, messageKey('other'), { msgtype: 'm.text', body: 'other', 'm.mentions': {} }, other);
  state.gates.push(makeGate({ event: '$1', digest: 'b'.repeat(64) }), makeGate({ task: 'other', event: '$2' }));
  await hear(request(task.record));
  expect(state.outgoing.map((waiting) => waiting.request?.digest)).toEqual([other.digest, task.view.digest]);
  expect(state.gates.map(({ closed }) => closed)).toEqual([true, false]);
});

test.each([
  ['its bundle is another one', (folder: string) => writeFileSync(join(folder, 'bundle.json'), '{}')],
  ['its bundle is gone', (folder: string) => unlinkSync(join(folder, 'bundle.json'))],
  ['its plan is another one', (folder: string) => writeFileSync(join(folder, 'attempts/1/plan.md'), 'other')],
])('A07 a request is not shown while %s; at last the room is warned, and cannot approve it', async (_, spoil) => {
  const { state, volumes, hear } = begin();
  const task = makeWaitingTask('the plan');
  spoil(await writeWaitingTask(volumes, task));
  await expect(hear(request(task.record))).rejects.toThrow(ApprovalViewError);
  expect(state.outgoing).toEqual([]);
  await hear(request(task.record), true);
  expect(bodies(state)).toEqual([expect.stringContaining('DO NOT APPROVE')]);
  expect(bodies(state)[0]).not.toContain('the plan');
  expect(state.outgoing).toMatchObject([{ request: null }]);
});

test('whoever may decide is asked in another way than a stage that the room has no say in', async () => {
  const { volumes } = begin();
  const task = makeWaitingTask('the plan');
  await writeWaitingTask(volumes, task);
  const asked = await Promise.all(
    [true, false].map(async (mayDecide) => {
      const state = emptyState(room, bot);
      (await announce(makeAnnouncing(volumes, { mayDecide: () => mayDecide }), request(task.record), false))(state);
      return bodies(state)[0];
    }),
  );
  expect(asked[0]).not.toBe(asked[1]);
  expect(bundleDigest(task.view.bundle)).toBe(task.view.digest);
});

test('a task that moved is asked about no more: what was not sent yet is not sent', async () => {
  const { state, hear } = begin();
  enqueue(state, messageKey('r'), { msgtype: 'm.text', body: 'x', 'm.mentions': {} }, makeRequest());
  enqueue(state, messageKey('o'), { msgtype: 'm.text', body: 'y', 'm.mentions': {} }, makeRequest({ task: 'other' }));
  enqueue(state, messageKey('v'), { msgtype: 'm.notice', body: 'z', 'm.mentions': {} });
  state.gates.push(makeGate(), makeGate({ task: 'other', event: '$2' }));
  await hear(moved({ hasEnded: false }));
  expect(bodies(state)).toEqual(['y', 'z']);
  expect(state.gates.map(({ closed }) => closed)).toEqual([true, false]);
  expect(state.withdrawn).toEqual([{ key: messageKey('r'), request: makeRequest() }]);
});

test('how a task ended is told to a room that was asked about it, and to no other', async () => {
  const asked = begin();
  asked.state.gates.push(makeGate());
  await asked.hear(moved());
  await asked.hear(moved());
  expect(bodies(asked.state)).toEqual(['Done: gated.md (gated). well']);
  const queued = begin();
  enqueue(queued.state, messageKey('r'), { msgtype: 'm.text', body: 'x', 'm.mentions': {} }, makeRequest());
  await queued.hear(moved());
  expect(bodies(queued.state)).toEqual(['Done: gated.md (gated). well']);
  const never = begin();
  await never.hear(moved());
  expect(bodies(never.state)).toEqual([]);
});

test('how a task ended by a decision of the room is told by the verdict alone', async () => {
  const { state, hear } = begin();
  state.gates.push(makeGate());
  issue(state);
  await hear(moved({ command: 'c' }));
  expect(bodies(state)).toEqual([]);
  await hear(moved({ command: 'another' }));
  expect(bodies(state)).toEqual(['Done: gated.md (gated). well']);
});

test('a verdict is said to whoever decided, once', async () => {
  const { state, hear } = begin();
  issue(state, 'late');
  await hear(verdict());
  await hear(verdict());
  expect(state.outgoing).toMatchObject([{ key: messageKey('verdict', 'c'), request: null }]);
  expect(bodies(state)).toEqual(['Accepted: so be it']);
  expect(state.outgoing[0]?.content['m.relates_to']).toEqual({ 'm.in_reply_to': { event_id: '$gate' } });
  expect(state.issued).toMatchObject([{ stands: 'answered' }]);
});

test.each(['approve', 'reject', 'merge', 'rebase', 'cancel', 'retry'])(
  '%s that counted is shown by the message that asked, and words get a sign',
  async (what) => {
    const { state, hear } = begin();
    state.gates.push(makeGate({ event: '$gate' }));
    state.issued.push({ command: 'typed', answerTo: '$words', at, stands: 'late', owesSign: false });
    await hear(verdict({ command: 'typed', evidence: '$words', what, task: 'gated' }));
    expect(state.outgoing).toMatchObject([
      { type: 'm.reaction', content: { 'm.relates_to': { rel_type: 'm.annotation', event_id: '$words', key: '👍' } } },
    ]);
    // A tap is answered by what it tapped.
    issue(state);
    await hear(verdict({ what, task: 'gated' }));
    expect(state.outgoing).toHaveLength(1);
    expect(state.issued).toMatchObject([{ stands: 'answered' }, { stands: 'answered' }]);
  },
);

test('a verdict that is quicker than our own note of the command owes a sign until it is known whether those were words', async () => {
  const { state, hear } = begin();
  state.gates.push(makeGate({ event: '$gate' }));
  await hear(verdict({ what: 'approve', task: 'gated' }));
  expect(state.outgoing).toEqual([]);
  expect(state.issued).toEqual([{ command: 'c', answerTo: '$e', at, stands: 'answered', owesSign: true }]);
});

test.each([
  ['refused', { accepted: false }],
  ['about a task that the room was not asked about', { task: 'other' }],
  ['about no task', { task: null }],
  ['of a kind whose effect no message shows', { what: 'revoke' }],
  ['of a kind that is not told', { what: null }],
])('a verdict %s is said in words', async (_, change) => {
  const { state, hear } = begin();
  state.gates.push(makeGate({ event: '$gate' }));
  issue(state);
  await hear(verdict({ what: 'approve', task: 'gated', ...change }));
  expect(bodies(state)).toEqual([expect.stringMatching(/^(?:Accepted|Refused): so be it$/)]);
});

test('a verdict on a command that is not noted yet is said to its evidence, and then waited for no more', async () => {
  const { state, hear } = begin();
  await hear(verdict({ accepted: false }));
  expect(bodies(state)).toEqual(['Refused: so be it']);
  expect(state.outgoing[0]?.content['m.relates_to']).toEqual({ 'm.in_reply_to': { event_id: '$e' } });
  expect(state.issued).toEqual([{ command: 'c', answerTo: '$e', at, stands: 'answered', owesSign: false }]);
});

test('A29 what another channel brought about in the name of a command does not take the place of its verdict', async () => {
  const { state, hear } = begin();
  issue(state);
  await hear(verdict({ key: messageKey('unsigned', 'c'), accepted: false, reason: 'no signature', evidence: null }));
  expect(state.issued).toMatchObject([{ stands: 'late' }]);
  await hear(verdict());
  expect(bodies(state)).toEqual(['Refused: no signature', 'Accepted: so be it']);
  await hear(verdict({ key: messageKey('again', 'c'), accepted: false, reason: 'again', evidence: null }));
  expect(bodies(state)).toHaveLength(2);
  expect(state.issued).toMatchObject([{ stands: 'answered' }]);
});

test('verdicts on commands of other channels are not for the room', async () => {
  const { state, hear } = begin();
  await hear(verdict({ evidence: null }));
  expect(state).toEqual(emptyState(room, bot));
});

test('a line of the operator is posted', async () => {
  const { state, hear } = begin();
  await hear({ kind: 'line', key: messageKey('line'), text: 'good night' });
  expect(bodies(state)).toEqual(['good night']);
});

test.each([
  ['staging', 'm.notice', true],
  ['prod', 'm.text', false],
])('in quiet hours what is asked of %s is posted as %s', async (stage, msgtype, isSilent) => {
  const volumes = scratchFolder();
  const task = makeWaitingTask('the plan', { stage });
  await writeWaitingTask(volumes, task);
  const state = emptyState(room, bot);
  const announcing = makeAnnouncing(volumes, { mayRing: (asked) => asked === 'prod' });
  (await announce(announcing, request(task.record), false))(state);
  const { expires_at: expiresAt } = task.record.state;
  expect(state.outgoing).toMatchObject([{ content: { msgtype }, request: { isSilent, expiresAt } }]);
});

test.each([
  ['failed', 'm.text', 'm.notice'],
  ['expired', 'm.text', 'm.notice'],
  ['cancelled', 'm.notice', 'm.notice'],
] as const)('the end of a task that has %s is told as %s, and in quiet hours as %s', async (status, loud, quiet) => {
  for (const [mayRing, msgtype] of [
    [true, loud],
    [false, quiet],
  ] as const) {
    const state = emptyState(room, bot);
    state.gates.push(makeGate());
    const ended = status === 'failed' ? { status, error_class: 'timeout' as const, result: null } : { status };
    const news = moved({ record: makeRecord({ ...ended, since: at, reason: 'so' }) });
    (await announce(makeAnnouncing(scratchFolder(), { mayRing: () => mayRing }), news, false))(state);
    expect(state.outgoing).toMatchObject([{ content: { msgtype } }]);
  }
});
