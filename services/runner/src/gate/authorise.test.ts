import { Channel, type Command } from '@countersign/contracts/command.ts';
import type { TaskStatus } from '@countersign/contracts/task-state.ts';
import { expect, test } from 'vitest';
import { makeConfig } from '../testing/home.ts';
import { digest, makeRecord, states } from '../testing/record.ts';
import { authorise, needsCode, resolveTask } from './authorise.ts';

const { stages } = makeConfig({ home: '', slots: '', spools: '' });
const now = new Date('2026-11-20T12:00:00.000Z');
const actors = {
  shell: { channel: 'shell', user: 'op' },
  root: { channel: 'shell', user: 'root' },
  matrix: { channel: 'matrix', user: '@op:x' },
  stranger: { channel: 'matrix', user: '@else:x' },
  page: { channel: 'dashboard', user: 'op' },
} as const;

type Decision = Command & { kind: 'approve' | 'reject' };

function decision(
  kind: 'approve' | 'reject',
  about: string | undefined,
  actor: keyof typeof actors = 'shell',
): Decision {
  const common = {
    version: 1 as const,
    id: 'command-000000000001',
    actor: actors[actor],
    evidence: 'argv',
    issued_at: '2026-11-20T11:59:59.000Z',
    expires_at: '2026-11-21T11:59:59.000Z',
    key_id: 'shell-0123456789abcdef',
    signature: '',
  };
  return kind === 'approve'
    ? { ...common, kind, subject: { task: 'abcde', digest: about ?? digest } }
    : { ...common, kind, subject: { task: 'abcde', reason: 'no', ...(about === undefined ? {} : { digest: about }) } };
}

const judge = (command: Decision, status: TaskStatus, stage = 'staging') =>
  authorise(command, makeRecord({ stage, state: states[status] }), stages, now);

const approvals: Record<TaskStatus, RegExp | true> = {
  queued: /queued and waits for no approval/,
  planning: /still being planned/,
  pending: true,
  approved: /approved already/,
  running: /approved already/,
  verifying: /waits for no approval/,
  interrupted: /waits for no approval/,
  review: /what waits now is the merge of its diff: countersign merge abcde/,
  rebasing: /waits for no approval/,
  merging: /waits for no approval/,
  done: /done and waits for no approval/,
  failed: /waits for no approval/,
  cancelled: /waits for no approval/,
  invalid: /waits for no approval/,
  rejected: /waits for no approval/,
  expired: /waits for no approval/,
};
test.each(Object.entries(approvals) as [TaskStatus, RegExp | true][])(
  'A22 an approval of a %s task',
  (status, expected) => {
    const verdict = judge(decision('approve', digest), status);
    expect(verdict).toEqual(expected === true ? { ok: true } : { ok: false, reason: expect.stringMatching(expected) });
  },
);

const rejectable: readonly TaskStatus[] = ['pending', 'approved', 'review'];
test.each(Object.keys(states) as TaskStatus[])('a rejection of a %s task', (status) => {
  for (const about of [undefined, digest]) {
    expect(judge(decision('reject', about), status).ok).toBe(rejectable.includes(status));
  }
});

test('A07 A22 an approval names what was shown, to the digit', () => {
  expect(judge(decision('approve', `${'d'.repeat(63)}e`), 'pending')).toEqual({
    ok: false,
    reason: 'what abcde would run is now dddddddd, not dddddddd; look at it again',
  });
});

test.each(rejectable)('a rejection of a %s task that names something else is refused', (status) => {
  expect(judge(decision('reject', 'e'.repeat(64)), status)).toEqual({
    ok: false,
    reason: expect.stringMatching(/look at it again/),
  });
});

test('a request that has expired can be rejected and no longer approved', () => {
  const late = new Date('2026-11-21T10:00:00.000Z');
  const record = makeRecord({ stage: 'staging', state: states.pending });
  expect(authorise(decision('approve', digest), record, stages, late)).toEqual({
    ok: false,
    reason: 'the request expired at 2026-11-21T10:00:00.000Z',
  });
  expect(authorise(decision('reject', digest), record, stages, late)).toEqual({ ok: true });
});

test.each<[string, keyof typeof actors, boolean]>([
  ['staging', 'shell', true],
  ['staging', 'matrix', true],
  ['staging', 'stranger', false],
  ['staging', 'page', false],
  ['prod', 'root', true],
  ['prod', 'shell', false],
  ['prod', 'matrix', false],
  ['removed-since', 'root', false],
])('A01 A31 on stage %s, %s may decide: %s', (stage, actor, may) => {
  expect(judge(decision('approve', digest, actor), 'pending', stage).ok).toBe(may);
  expect(judge(decision('reject', digest, actor), 'pending', stage).ok).toBe(may);
});

test('a task is found by its id, whatever its state', () => {
  const record = makeRecord({ state: states.done });
  expect(resolveTask('abcde', [record])).toEqual({ ok: true, record });
});

test('a file name finds the one task that waits for a decision', () => {
  const tasks = [
    makeRecord({ id: 'done1', state: states.done }),
    makeRecord({ id: 'wait1', state: states.pending }),
    makeRecord({ id: 'queue', state: states.queued }),
  ];
  expect(resolveTask('x.md', tasks)).toMatchObject({ ok: true, record: { id: 'wait1' } });
});

test('A15 a file name that means two tasks, or none, asks for the id', () => {
  const two = [makeRecord({ id: 'wait1', state: states.pending }), makeRecord({ id: 'wait2', state: states.review })];
  expect(resolveTask('x.md', two)).toEqual({ ok: false, reason: '"x.md" is wait1 and wait2; name the id' });
  expect(resolveTask('y.md', two)).toEqual({ ok: false, reason: 'no task "y.md" waits for a decision' });
});

test('A15 a file name is the one that it has now, else the one that it was dropped as, however Unicode spells it', () => {
  const renamed = makeRecord({ id: 'wait1', file: 'x.wait1.md', dropped_as: 'x.md', state: states.pending });
  const taker = makeRecord({ id: 'wait2', file: 'x.md', dropped_as: 'x.md', state: states.pending });
  const coffee = makeRecord({ id: 'wait3', file: 'cafe\u0301.md', state: states.pending });
  expect(resolveTask('x.md', [renamed])).toMatchObject({ ok: true, record: { id: 'wait1' } });
  expect(resolveTask('x.md', [renamed, taker])).toMatchObject({ ok: true, record: { id: 'wait2' } });
  expect(resolveTask('caf\u00e9.md', [coffee])).toMatchObject({ ok: true, record: { id: 'wait3' } });
});

test('A15 a file cannot take the name of another task’s id', () => {
  const tasks = [
    makeRecord({ id: 'abcde', file: 'a.md', state: states.queued }),
    makeRecord({ id: 'other', file: 'abcde', state: states.pending }),
  ];
  expect(resolveTask('abcde', tasks)).toMatchObject({ ok: true, record: { id: 'abcde' } });
});

test('A31 a room that does not decide on prod is told what to do instead', () => {
  const record = makeRecord({ stage: 'prod', state: states.pending });
  for (const kind of ['approve', 'reject'] as const)
    expect(authorise(decision(kind, digest, 'matrix'), record, stages, now)).toEqual({
      ok: false,
      reason:
        'prod is decided at the machine itself, or on the dashboard with a one-time code: scripts/countersign show abcde, then scripts/countersign approve, merge, rebase or reject abcde',
    });
});

test('A01 A31 in a room that decides on prod, only the persons that are listed for it do', () => {
  const { stages: listed } = makeConfig({ home: '', slots: '', spools: '' }, ['@op:x']);
  const record = makeRecord({ stage: 'prod', state: states.pending });
  for (const kind of ['approve', 'reject'] as const) {
    expect(authorise(decision(kind, digest, 'matrix'), record, listed, now)).toEqual({ ok: true });
    expect(authorise(decision(kind, digest, 'stranger'), record, listed, now)).toEqual({
      ok: false,
      reason: '@else:x may not decide on stage prod by matrix; configs/stages.yaml lists who may',
    });
  }
});

test('A31 from room and page, what lets something happen on prod needs a one-time code, and nothing else does', () => {
  const needed = (kind: Command['kind'], stage = 'prod') =>
    Channel.options.filter((channel) =>
      needsCode({ kind, actor: { channel, user: 'x' } }, makeRecord({ stage, state: states.pending })),
    );
  for (const kind of ['approve', 'merge', 'answer'] as const) {
    expect([kind, needed(kind)]).toEqual([kind, ['matrix', 'dashboard']]);
    expect([kind, needed(kind, 'staging')]).toEqual([kind, []]);
  }
  for (const kind of ['reject', 'revoke', 'rebase', 'cancel', 'retry', 'pause', 'resume', 'submit'] as const)
    expect([kind, needed(kind)]).toEqual([kind, []]);
});

test('who may not decide is told where it is written down', () => {
  expect(judge(decision('approve', digest, 'stranger'), 'pending')).toEqual({
    ok: false,
    reason: '@else:x may not decide on stage staging by matrix; configs/stages.yaml lists who may',
  });
});
