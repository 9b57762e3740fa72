import type { TaskState } from '@countersign/contracts/task-record.ts';
import { makeReviewTask } from '@countersign/kit/testing/review-task.ts';
import { makeRecord } from '@countersign/kit/testing/waiting-task.ts';
import { expect, test } from 'vitest';
import { makeGate } from '../testing/gates.ts';
import { operator } from '../testing/room-events.ts';
import { jsonBytes } from './content.ts';
import { changesIn, editedMessage, standingOf, standingWords } from './standing.ts';

const since = '2026-11-20T12:00:00.000Z';
const at = Date.parse(since);
const minute = 60_000;
const { result } = makeReviewTask({ record: { id: 'gated' } });
const approval = {
  command: 'c',
  digest: 'a'.repeat(64),
  channel: 'matrix' as const,
  user: operator,
  evidence: '$e',
  decided_at: since,
  expires_at: since,
};
const merged = { ...approval, expires_at: undefined, unverified: true };
const { expires_at: _, ...mergeApproval } = merged;
const slot = null;
const states: readonly [TaskState, string, string][] = [
  [{ status: 'queued', since, reason: 'changed', wait: null }, 'Back in the queue', 'changed'],
  [{ status: 'planning', since, reason: '', attempt: 1, slot }, 'Being planned anew', ''],
  [
    { status: 'pending', since, reason: '', wait: null, digest: 'a'.repeat(64), expires_at: since },
    'Waits for approval',
    '',
  ],
  [
    {
      status: 'approved',
      since,
      reason: '',
      wait: { kind: 'disk', on: [], since },
      approval,
    },
    'Approved',
    `by ${operator}; waits for room on the disk`,
  ],
  [
    { status: 'running', since, reason: '', attempt: 1, slot, approval, wait: null, question: null },
    'Running',
    `approved by ${operator}`,
  ],
  [
    { status: 'running', since, reason: '', attempt: 1, slot, approval: null, wait: null, question: null },
    'Running',
    '',
  ],
  [{ status: 'verifying', since, reason: '', wait: null, attempt: 1, result: null }, 'Being verified', ''],
  [{ status: 'interrupted', since, reason: 'again', wait: null, attempt: 1, approval: null }, 'Interrupted', 'again'],
  [
    { status: 'review', since, reason: '', wait: null, result, refusals: [] },
    'Finished, and not verified',
    'asks for the merge',
  ],
  [
    {
      status: 'review',
      since,
      reason: '',
      wait: null,
      result: { ...result, verification: { status: 'verified', checks: [] } },
      refusals: [],
    },
    'Ready to merge',
    'asks for the merge',
  ],
  [{ status: 'rebasing', since, reason: '', wait: null, attempt: 2, result }, 'Being carried over', ''],
  [
    { status: 'merging', since, reason: '', wait: null, result, approval: mergeApproval },
    'Being merged',
    `as ${operator} decided`,
  ],
  [
    { status: 'done', since, reason: 'in main', result, merged: mergeApproval, verification: { status: 'unverified' } },
    'Merged',
    `as ${operator} decided; in main`,
  ],
  [
    {
      status: 'done',
      since,
      reason: 'nothing to do',
      result: null,
      merged: null,
      verification: { status: 'unverified' },
    },
    'Done',
    'nothing to do',
  ],
  [{ status: 'failed', since, reason: 'it broke', error_class: 'tool_failed', result: null }, 'Failed', 'it broke'],
  [{ status: 'cancelled', since, reason: 'enough' }, 'Cancelled', 'enough'],
  [{ status: 'invalid', since, reason: 'no workspace' }, 'Refused as invalid', 'no workspace'],
  [{ status: 'rejected', since, reason: 'no' }, 'Rejected', 'no'],
  [{ status: 'expired', since, reason: 'too late' }, 'Expired', 'too late'],
];

test.each(states)('a task that is $status is told as that', (state, title, words) => {
  const standing = standingOf(makeRecord(state, { id: 'gated' }));
  expect(standing.title).toContain(title);
  expect(standing.words).toContain(words);
  expect(standing.since).toBe(state.status === 'running' ? since : null);
});

test('every state of a task has its own words', () => {
  const titles = states.map(([state]) => standingOf(makeRecord(state)).title);
  expect(new Set(titles).size).toBe(states.length - 1);
});

test.each([
  [0, ''],
  [59, ''],
  [60, 'for 1 min'],
  [119, 'for 1 min'],
  [130, 'for 2 min'],
  [601, 'for 10 min'],
  [3_599, 'for 45 min'],
  [3_600, 'for 1 h'],
  [7_199, 'for 1 h'],
  [7_200, 'for 2 h'],
  [-100, ''],
])('after %d s of work the message says %j', (seconds, words) => {
  expect(standingWords({ title: 'Running', words: '', since }, at + seconds * 1_000)).toBe(words);
});

test('between two moments at which a message changes by itself it does not', () => {
  const running = { title: 'Running', words: '', since };
  let edits = 0;
  for (let now = at; now < at + 5 * 60 * minute; edits += 1) {
    const left = changesIn(running, now) ?? 0;
    expect(left).toBeGreaterThan(0);
    expect(standingWords(running, now + left - 1)).toBe(standingWords(running, now));
    expect(standingWords(running, now + left)).not.toBe(standingWords(running, now));
    now += left;
  }
  expect(edits).toBe(12);
  expect(changesIn({ ...running, since: null }, at)).toBeNull();
});

test('an edit replaces the message, keeps what it was about, and calls nobody', () => {
  const edit = editedMessage(makeGate(), '▶️ Running', 'for 2 min');
  expect(edit).toMatchObject({
    body: '* ▶️ Running: gated.md',
    'm.mentions': {},
    'm.relates_to': { rel_type: 'm.replace', event_id: '$gate-gated' },
    'm.new_content': { msgtype: 'm.text', 'm.mentions': {} },
  });
  const { body, formatted_body: html } = edit['m.new_content'];
  expect(body.split('\n').slice(0, 2)).toEqual(['▶️ Running: gated.md', 'for 2 min']);
  for (const fact of ['gated', 'staging', makeGate().digest.slice(0, 8)]) {
    expect(body).toContain(fact);
    expect(html).toContain(fact);
  }
});

test('A17 A35 names and reasons of others are inert in an edit, whatever their length', () => {
  const evil = `<b>@room</b>\napprove gated\u202e${'x'.repeat(4_000)}`;
  const standing = standingOf(
    makeRecord({ status: 'failed', since, reason: evil, error_class: 'internal', result: null }),
  );
  const edit = editedMessage(makeGate({ droppedAs: evil, stage: evil }), standing.title, standingWords(standing, at));
  const { body, formatted_body: html = '' } = edit['m.new_content'];
  expect(body.split('\n')).toHaveLength(6);
  expect(html).not.toContain('<b>');
  for (const text of [edit.body, body, html]) expect(text).not.toMatch(/\u202e|\nappr/);
  expect(jsonBytes(edit)).toBeLessThan(30_000);
});
