import type { Handoff } from '@countersign/contracts/handoff.ts';

/** A handoff with what matters to a test set; for tests. */
export function handoffOf(changes: Partial<Handoff> = {}): Handoff {
  return {
    version: 1,
    task: 'abcde',
    run: 'RUN-20261120-001',
    attempt: 1,
    workspace: 'project',
    memory_task: 'T0147',
    title: 'a task',
    status: 'review',
    error_class: null,
    ended_at: '2026-11-20T10:00:00.000Z',
    what: 'Made a change.',
    evidence: { changed: ['project: 1 file, +2 -3'], validation: ['npm test: passed in 3.2 s'] },
    blocker: 'none',
    next: 'Review it.',
    repositories: [{ name: 'project', branch: 'main', base_head: 'a'.repeat(40), head: 'b'.repeat(40), ref: 'refs/x' }],
    diff: 'd'.repeat(64),
    model: 'small',
    tokens: null,
    duration_ms: 5,
    prompts: {},
    agent: null,
    ...changes,
  };
}
