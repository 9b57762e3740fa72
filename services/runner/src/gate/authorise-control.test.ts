import type { Command } from '@countersign/contracts/command.ts';
import { TaskStatus } from '@countersign/contracts/task-state.ts';
import { expect, test } from 'vitest';
import { makeConfig } from '../testing/home.ts';
import { approval, asking, makeRecord, question, states } from '../testing/record.ts';
import {
  authoriseControl,
  authoriseQueueOrder,
  type QueueOrder,
  resolveControlled,
  type TaskControl,
} from './authorise-control.ts';

const { stages } = makeConfig({ home: '/x', slots: '/x', spools: '/x' });
const shell = { channel: 'shell', user: 'op' } as const;

function command(kind: TaskControl['kind'], actor: Command['actor'] = shell, task = 'abcde'): TaskControl {
  const subject = {
    cancel: { task, reason: '' },
    retry: { task },
    revoke: { task, command: approval.command },
    answer: { task, question: question.id, answer: '8080' },
  }[kind];
  return { kind, subject, actor } as TaskControl;
}
const order = (kind: QueueOrder['kind'], actor: Command['actor'] = shell) => ({ kind, actor }) as QueueOrder;
const accepted = (kind: TaskControl['kind'], status: TaskStatus, isActive = false) =>
  authoriseControl(command(kind), makeRecord({ state: states[status] }), stages, isActive).ok;
const statuses = TaskStatus.options;

test('everything that has not ended can be cancelled, but for a merge that is under way', () => {
  expect(statuses.filter((status) => accepted('cancel', status))).toEqual([
    'queued',
    'planning',
    'pending',
    'approved',
    'review',
    'running',
    'verifying',
    'rebasing',
    'interrupted',
  ]);
});

test('what ended without success can be tried again', () => {
  expect(statuses.filter((status) => accepted('retry', status))).toEqual([
    'failed',
    'cancelled',
    'rejected',
    'expired',
  ]);
});

test('an approval is taken back while it has not been spent', () => {
  expect(statuses.filter((status) => accepted('revoke', status))).toEqual(['approved']);
  expect(accepted('revoke', 'approved', true)).toBe(false);
  const other = { ...command('revoke'), subject: { task: 'abcde', command: 'another-command-0001' } } as TaskControl;
  expect(authoriseControl(other, makeRecord({ state: states.approved }), stages, false)).toMatchObject({
    reason: expect.stringContaining('by another command'),
  });
});

test('only a task that asks is answered, by who may decide on its stage, and for prod by nobody in the room', () => {
  expect(statuses.filter((status) => accepted('answer', status))).toEqual([]);
  const record = makeRecord({ state: asking, stage: 'staging' });
  const matrix = { channel: 'matrix', user: '@op:x' } as const;
  const may = (actor: Command['actor'], stage = 'staging') =>
    authoriseControl(command('answer', actor), { ...record, stage }, stages, true).ok;
  expect([may(shell), may(matrix), may({ ...matrix, user: '@else:x' })]).toEqual([true, true, false]);
  expect([may(shell, 'prod'), may({ ...shell, user: 'root' }, 'prod'), may(matrix, 'prod')]).toEqual([
    false,
    true,
    false,
  ]);
});

test('a task that is being cancelled is not cancelled twice', () => {
  const cancellation = {
    command: 'c',
    channel: 'shell' as const,
    user: 'op',
    reason: '',
    at: '2026-11-20T10:00:00.000Z',
  };
  expect(authoriseControl(command('cancel'), makeRecord({ cancellation }), stages, true)).toEqual({
    ok: false,
    reason: 'abcde is being cancelled already',
  });
});

test.each<[TaskControl['kind'], Command['actor'], string, boolean]>([
  ['cancel', { channel: 'matrix', user: '@op:x' }, 'staging', true],
  ['cancel', { channel: 'matrix', user: '@op:x' }, 'prod', true],
  ['cancel', { channel: 'matrix', user: '@stranger:x' }, 'staging', false],
  ['cancel', { channel: 'dashboard', user: 'op' }, 'staging', false],
  ['retry', { channel: 'matrix', user: '@op:x' }, 'staging', true],
  ['retry', { channel: 'matrix', user: '@op:x' }, 'prod', false],
  ['retry', { channel: 'shell', user: 'op' }, 'gone', false],
])('%s by %o on a task of %s: %s', (kind, actor, stage, ok) => {
  const state = kind === 'cancel' ? states.running : states.failed;
  expect(authoriseControl(command(kind, actor), makeRecord({ stage, state }), stages, false).ok).toBe(ok);
});

test('whoever may decide on something may hold up the queue, once', () => {
  const paused = { since: '2026-11-20T10:00:00.000Z', by: 'op', reason: '' };
  expect(authoriseQueueOrder(order('pause'), stages, null)).toEqual({ ok: true });
  expect(authoriseQueueOrder(order('pause', { channel: 'matrix', user: '@stranger:x' }), stages, null).ok).toBe(false);
  expect(authoriseQueueOrder(order('pause'), stages, paused).ok).toBe(false);
  expect(authoriseQueueOrder(order('resume'), stages, paused)).toEqual({ ok: true });
  expect(authoriseQueueOrder(order('resume'), stages, null)).toEqual({ ok: false, reason: 'the queue is not paused' });
});

test('a file’s name means the one task of that name that the command could be about', () => {
  const [running, failed] = [
    makeRecord({ id: 'first', state: states.running }),
    makeRecord({ id: 'second', state: states.failed }),
  ];
  const named = (kind: TaskControl['kind'], records = [running, failed]) => {
    const found = resolveControlled(command(kind, shell, 'x.md'), records);
    return found.ok ? found.record.id : found.reason;
  };
  expect(named('cancel')).toBe('first');
  expect(named('retry')).toBe('second');
  expect(named('revoke')).toContain('is approved and not begun');
  expect(named('cancel', [running, makeRecord({ id: 'third' })])).toContain('first and third');
});
