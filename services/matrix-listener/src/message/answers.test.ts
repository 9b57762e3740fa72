import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { makeReviewTask } from '@countersign/kit/testing/review-task.ts';
import { makeRecord, makeWaitingTask } from '@countersign/kit/testing/waiting-task.ts';
import { expect, test } from 'vitest';
import {
  endMessage,
  lineMessage,
  tamperedDiffMessage,
  tamperedMessage,
  verdictMessage,
  waitingMessage,
} from './answers.ts';

const since = '2026-11-20T10:00:00.000Z';
const acting = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;
const hostile = 'a\nApproval required: x\r\u2028\u202e\u0000\u{e0041}\ud800<b>@room https://matrix.to/#/@op:x';

test('a verdict is a silent answer to what it is about', () => {
  expect(verdictMessage({ accepted: true, reason: 'abcde (x.md) is approved' }, '$event')).toEqual({
    msgtype: 'm.notice',
    body: 'Accepted: abcde (x.md) is approved',
    'm.mentions': {},
    'm.relates_to': { 'm.in_reply_to': { event_id: '$event' } },
  });
  expect(verdictMessage({ accepted: false, reason: 'no' }, '$event').body).toBe('Refused: no');
});

test('A28 a reason is one inert line of bounded length', () => {
  const { body } = verdictMessage({ accepted: false, reason: hostile.repeat(200) }, '$event');
  expect(body).not.toMatch(acting);
  expect([...body].length).toBeLessThanOrEqual('Refused: '.length + 1_000);
  expect(body.endsWith('…')).toBe(true);
});

test('a command without a verdict is said to be kept', () => {
  expect(waitingMessage('$event')).toMatchObject({
    msgtype: 'm.notice',
    body: expect.stringMatching(/^Kept: .*within 24 hours\.$/),
    'm.relates_to': { 'm.in_reply_to': { event_id: '$event' } },
  });
});

test('a line of the operator’s is what was typed, rings, and calls nobody by name', () => {
  expect(lineMessage('hello\nroom')).toEqual({ msgtype: 'm.text', body: 'hello\nroom', 'm.mentions': {} });
  expect(lineMessage(hostile).body.replaceAll('\n', '')).not.toMatch(acting);
  expect(lineMessage('\n').body).not.toBe('');
});

const repository = {
  name: 'demo',
  branch: 'main',
  base_head: 'b'.repeat(40),
  head: 'c'.repeat(40),
  ref: 'refs/agentic/RUN-20261120-001/gated',
  files: 1,
  insertions: 2,
  deletions: 3,
  flags: [],
};
const verification = { status: 'unverified' as const };
const result = {
  repositories: [repository, { ...repository, name: 'other', files: 20 }],
  attempt: 1,
  digest: 'a'.repeat(64),
  verification,
};
const merged = {
  command: 'c',
  digest: result.digest,
  channel: 'matrix' as const,
  user: '@op:x',
  evidence: '$e',
  decided_at: since,
  unverified: false,
};

test('the end of a task says its state, why, and what it changed', () => {
  const reason = 'merged into demo main, other main';
  const record = makeRecord({ status: 'done', since, reason, result, merged, verification });
  expect(endMessage(record)).toEqual({
    msgtype: 'm.notice',
    body: [
      'Merged: gated.md (gated). merged into demo main, other main',
      'demo: 1 file, +2 -3, refs/agentic/RUN-20261120-001/gated',
      'other: 20 files, +2 -3, refs/agentic/RUN-20261120-001/gated',
    ].join('\n'),
    'm.mentions': {},
  });
});

test.each<[TaskRecord['state'], RegExp]>([
  [
    { status: 'done', since, reason: 'planned', result: null, merged: null, verification },
    /^Done: gated\.md \(gated\)\. planned$/,
  ],
  [
    { status: 'failed', since, reason: 'no model', error_class: 'model_missing', result: null },
    /^Failed: .* no model$/,
  ],
  [{ status: 'rejected', since, reason: 'rejected by ada: no' }, /^Rejected: .* rejected by ada: no$/],
  [{ status: 'expired', since, reason: 'nobody decided' }, /^Expired: .* nobody decided$/],
])('a task that ended as %j', (state, expected) => {
  expect(endMessage(makeRecord(state)).body).toMatch(expected);
});

test('postconditions that failed are told one by one, inert, with what is kept', () => {
  const checks = [
    { command: `npm test ${hostile}`, exit_code: 1, duration_ms: 1_500 },
    ...Array.from({ length: 40 }, () => ({ command: 'x'.repeat(1_000), exit_code: 0, duration_ms: 1 })),
  ];
  const failed = { ...result, verification: { status: 'failed' as const, checks } };
  const { body } = endMessage(
    makeRecord({ status: 'failed', since, reason: 'no', error_class: 'postcondition_failed', result: failed }),
  );
  const lines = body.split('\n');
  expect(lines[0]).toBe('Failed: gated.md (gated). no');
  expect(lines[3]).toMatch(/^✗ exit code 1, 1\.5 s: npm test a\\u\{a\}Approval required/);
  expect(lines).toContain('and 21 more conditions');
  expect(lines.at(-1)).toContain('scripts/countersign show gated');
  expect(body.replaceAll('\n', '')).not.toMatch(acting);
  expect(body.length).toBeLessThan(10_000);
});

test('W27 a diff that was changed is not shown; the room is warned, and told what to do', () => {
  const { record } = makeReviewTask({ record: { dropped_as: `${hostile}.md` } });
  const { msgtype, body } = tamperedDiffMessage(record);
  expect([msgtype, body.split('\n').length]).toEqual(['m.text', 3]);
  expect(body).toMatch(/^DO NOT MERGE /);
  expect(body.replaceAll('\n', '')).not.toMatch(acting);
});

test('A17 names and reasons of others stay on their line', () => {
  const state = { status: 'done', since, reason: hostile, result: null, merged: null, verification } as const;
  const { body } = endMessage(makeRecord(state, { dropped_as: `${hostile}.md` }));
  expect(body).not.toMatch(acting);
  const { record } = makeWaitingTask('plan', { dropped_as: `${hostile}.md` });
  expect(tamperedMessage(record).body.split('\n')).toHaveLength(3);
  expect(tamperedMessage(record).body.replaceAll('\n', '')).not.toMatch(acting);
});

test('A07 what was changed is not shown; the room is warned, and told what to do', () => {
  const { record } = makeWaitingTask('the secret plan');
  const { msgtype, body } = tamperedMessage(record);
  expect(msgtype).toBe('m.text');
  expect(body).toMatch(/^DO NOT APPROVE gated\.md \(gated\)/);
  expect(body).toContain('scripts/countersign reject gated');
});
