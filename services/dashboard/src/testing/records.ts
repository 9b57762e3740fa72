import type { TaskRecord, TaskState } from '@countersign/contracts/task-record.ts';
import { makeRecord } from '@countersign/kit/testing/waiting-task.ts';

export const since = '2026-11-20T10:00:00.000Z';
export const at = (minute: number) => new Date(Date.parse(since) + minute * 60_000).toISOString();

export const queued: TaskState = { status: 'queued', since, reason: '', wait: { kind: 'turn', since, on: [] } };
export const running: TaskState = {
  status: 'running',
  wait: null,
  since,
  reason: '',
  attempt: 1,
  slot: null,
  approval: null,
  question: null,
};
export const failed: TaskState = { status: 'failed', since, reason: 'no', error_class: 'tool_failed', result: null };
export const done: TaskState = {
  status: 'done',
  since,
  reason: 'nothing to merge',
  result: null,
  merged: null,
  verification: { status: 'unverified' },
};

export const task = (id: string, state: TaskState = queued, change: Partial<TaskRecord> = {}) =>
  makeRecord(state, { id, ...change });
