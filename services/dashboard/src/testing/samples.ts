import type { CommandAnswer, Services, TaskDetail } from '@countersign/contracts/page-api.ts';
import type { Question } from '@countersign/contracts/question.ts';
import type { TaskRecord, TaskState } from '@countersign/contracts/task-record.ts';
import { makeRecord } from '@countersign/kit/testing/waiting-task.ts';
import type { Queries } from '../queries/queries.ts';
import { reviewOf } from '../queries/review.ts';
import { rowOf } from '../rows/task-row.ts';

export const digest = 'd'.repeat(64);
export const otherDigest = 'e'.repeat(64);
const at = '2026-01-02T03:04:05.000Z';

export const pendingState: TaskState = {
  status: 'pending',
  since: at,
  reason: 'waits for approval',
  wait: null,
  digest,
  expires_at: at,
};

export const reviewState: TaskState = {
  status: 'review',
  since: at,
  reason: 'waits to be merged',
  wait: null,
  result: { repositories: [], attempt: 1, digest, verification: { status: 'unverified' } },
  refusals: [],
};

export const runningState: TaskState = {
  status: 'running',
  wait: null,
  since: at,
  reason: '',
  attempt: 1,
  slot: null,
  approval: {
    command: 'the-command-that-approved',
    digest,
    channel: 'shell',
    user: 'operator',
    evidence: '',
    decided_at: at,
    expires_at: at,
  },
  question: null,
};

export const question: Question = {
  id: 'a1b2c3d4e5f60718',
  transaction: 't1',
  number: 1,
  text: 'Which port?',
  options: ['8080', '9090'],
  default: '9090',
  asked_at: at,
  deadline: '2026-01-02T03:14:05.000Z',
  answer: null,
};

/** A task whose tool asks. */
export const askingState: TaskState = {
  ...runningState,
  reason: 'its tool waits for an answer',
  wait: { kind: 'answer', since: at, on: [] },
  question,
};

/** The same after somebody was first. */
export const answeredState: TaskState = {
  ...runningState,
  question: {
    ...question,
    answer: {
      outcome: 'answered',
      text: '8080',
      channel: 'matrix',
      user: '@ada:example.org',
      command: 'c'.repeat(22),
      at,
    },
  },
};

export const endedState: TaskState = { status: 'cancelled', since: at, reason: 'was cancelled' };

/** A task as it is shown. */
export function makeDetail(state: TaskState = pendingState, change: Partial<TaskRecord> = {}): TaskDetail {
  const record = makeRecord(state, { id: 't1', ...change });
  const text = { text: 'words', bytes: 5, truncated: false };
  return {
    position: '1',
    row: rowOf(record),
    record,
    objective: text,
    task_file: text,
    approval: state.status === 'pending' ? { digest, expires_at: at, facts: [], plan: text, needs_code: false } : null,
    review: reviewOf(record),
    timeline: [],
    timeline_left_out: 0,
    attempts: [],
  };
}

/** Services of which the runner runs, or does not. */
export function makeServices(runner: 'ok' | 'silent'): Services {
  const row = { name: 'runner', status: runner, reason: '', report: null, container: null, controllable: true };
  return { services: [row], launcher: null };
}

export function waitingAnswer(id: string): CommandAnswer {
  return { id, verdict: 'waiting', message: '' };
}

/** Of a query side that knows nothing but what it has to say. */
export const emptyAnswers = {
  now: async () => ({
    position: '1',
    running: [],
    attention: [],
    waiting: [],
    ended: [],
    counts: {},
    queue: null,
    troubles: [],
  }),
  tasks: async () => ({ tasks: [], total: 0, next: null }),
  approvals: async () => ({ approvals: [] }),
  runs: async () => ({ runs: [], next: null }),
  portfolio: async () => ({ workspaces: [], tools: [], models: [] }),
  charts: async () => ({ days: [] }),
  search: async () => ({ results: [] }),
  logs: async () => ({ service: 'runner', from: 0, to: 0, next: 0, lines: [] }),
  choices: async () => ({ workspaces: [], stages: [] }),
  configuration: async () => ({ files: [] }),
} satisfies Partial<Queries>;
