import { noBudget } from '@countersign/contracts/budget.ts';
import type { Attempt, Review, TaskDetail, TaskQuestion, TaskRow } from '@countersign/contracts/page-api.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import type { TaskStatus } from '@countersign/contracts/task-state.ts';
import { diffIndex, digestOf } from './fixture-diff.ts';

const minuteMs = 60_000;

/** A time so many minutes before now. */
export function before(minutes: number): string {
  return new Date(Date.now() - minutes * minuteMs).toISOString();
}

export function row(fields: Partial<TaskRow> & Pick<TaskRow, 'task' | 'status'>): TaskRow {
  return {
    file: `${fields.task ?? 'file'}.md`,
    title: 'Tidy the imports',
    run: 'RUN-20260304-001',
    workspace: 'mini-control-plane',
    stage: 'dev',
    reason: '',
    wait: null,
    since: before(3),
    accepted_at: before(30),
    tool: 'agent',
    model: 'qwen3-coder:30b',
    attempts: 1,
    priority: 0,
    depends_on: [],
    change: null,
    error_class: null,
    question: null,
    cancellation: null,
    actions: ['cancel'],
    ...fields,
  };
}

/** What a tool asks that serves something: two ports to choose from unless it is told otherwise. */
export function question(fields: Partial<TaskQuestion> = {}): TaskQuestion {
  return {
    id: 'a1b2c3d4e5f60718',
    number: 1,
    text: 'Port 8080 is taken by something that I did not start. Which port is the demo server to listen on?',
    options: ['8080, and stop what is there', '9090', 'any free one'],
    default: '9090',
    asked_at: before(0.7),
    deadline: before(-1.8),
    answer: null,
    needs_code: false,
    ...fields,
  };
}

/** A task whose tool asks. */
export function asking(fields: Partial<TaskRow> & Pick<TaskRow, 'task'>): TaskRow {
  return row({
    status: 'running',
    wait: wait('answer'),
    reason: 'its tool asks something',
    question: question(),
    actions: ['cancel', 'answer'],
    ...fields,
  });
}

const change = { repositories: 3, files: 42, insertions: 1_204, deletions: 318, flags: ['ci', 'lockfile'] };

/** The tasks of a lively afternoon: three at work, one whose tool asks, five that wait to be decided, some that wait, and what ended. */
export function lively(): TaskRow[] {
  return [
    row({
      task: 'k7m2p',
      status: 'running',
      title: 'Teach the importer to read what older versions wrote',
      since: before(4.2),
    }),
    row({
      task: 'h4dqx',
      status: 'verifying',
      title: 'Rename the billing module',
      workspace: 'shop',
      stage: 'staging',
      since: before(1.1),
      attempts: 2,
      change,
    }),
    row({
      task: 'p9wtz',
      status: 'planning',
      title: 'Split the settings page in two',
      workspace: 'shop',
      since: before(0.4),
    }),
    asking({
      task: 'a5k3d',
      title: 'Give the demo server a port of its own',
      workspace: 'shop',
      since: before(2.2),
    }),
    row({
      task: 'prod-keys',
      status: 'pending',
      title: 'Rotate the signing keys of the release server',
      stage: 'prod',
      since: before(47),
      wait: wait('approval'),
      reason: 'waits for approval',
      actions: ['approve', 'reject', 'cancel'],
    }),
    row({
      task: 'a2b3c',
      status: 'pending',
      title: 'Move the session store to SQLite and keep everybody signed in meanwhile',
      workspace: 'shop',
      stage: 'staging',
      since: before(12),
      wait: wait('approval'),
      reason: 'waits for approval',
      actions: ['approve', 'reject', 'cancel'],
    }),
    row({
      task: 'xss-1',
      status: 'pending',
      title: '<img src=x onerror=alert(1)> \u202egnp.exe\u202c and \u200bmore',
      file: '"><script>alert(2)</script>.md',
      workspace: 'mini-control-plane',
      since: before(9),
      wait: wait('approval'),
      actions: ['approve', 'reject', 'cancel'],
      reason: '<b onmouseover=alert(3)>hover</b>',
    }),
    row({
      task: 'r3v1w',
      status: 'review',
      title: 'Bring the dependencies up to date',
      workspace: 'shop',
      since: before(6),
      wait: wait('review'),
      change,
      actions: ['merge', 'rebase', 'reject', 'cancel'],
    }),
    row({
      task: 'm8n4k',
      status: 'review',
      title: 'Fix the typo on the start page',
      since: before(2),
      wait: wait('review'),
      change: { repositories: 1, files: 1, insertions: 1, deletions: 1, flags: [] },
      actions: ['merge', 'reject', 'cancel'],
    }),
    row({
      task: 'q5r6s',
      status: 'queued',
      title: 'Write the release notes',
      since: before(8),
      wait: wait('dependency', ['r3v1w', 'm8n4k']),
      reason: 'waits for task r3v1w and m8n4k',
      depends_on: ['r3v1w', 'm8n4k'],
      attempts: 0,
    }),
    row({
      task: 't7u8v',
      status: 'queued',
      title: 'Measure the cold start',
      since: before(5),
      wait: wait('model'),
      reason: 'waits for the model server, which does not answer',
      attempts: 0,
      priority: 10,
    }),
    row({
      task: 'appr1',
      status: 'approved',
      title: 'Archive last year',
      since: before(3),
      wait: wait('slot'),
      reason: 'waits for a slot',
      actions: ['cancel', 'revoke'],
    }),
    row({
      task: null,
      status: 'waiting-for-runner',
      file: 'dropped-just-now.md',
      title: '',
      run: null,
      workspace: null,
      stage: null,
      since: before(0.2),
      reason: 'not taken yet',
      actions: [],
      accepted_at: null,
      tool: null,
      model: null,
      attempts: 0,
    }),
    row({
      task: 'w2x3y',
      status: 'failed',
      title: `Long ${'word'.repeat(40)}`,
      since: before(22),
      error_class: 'postcondition_failed',
      reason: 'npm test ended with 1',
      change,
      actions: ['retry'],
    }),
    ...ended(24),
  ];
}

function wait(kind: NonNullable<TaskRow['wait']>['kind'], on: string[] = []): TaskRow['wait'] {
  return { kind, since: before(8), on };
}

const words = [
  'Add a health check',
  'Translate the help',
  'Remove dead code',
  'Cache the index',
  'Document the retry rule',
  'Shorten the start',
];
const ends: readonly TaskStatus[] = ['done', 'done', 'done', 'failed', 'cancelled', 'rejected', 'expired', 'invalid'];

/** So many tasks that ended, each longer ago. */
export function ended(count: number): TaskRow[] {
  return Array.from({ length: count }, (_, index) => {
    const status = ends[index % ends.length] ?? 'done';
    return row({
      task: `old-${index}`,
      status,
      title: words[index % words.length] ?? '',
      workspace: index % 3 === 0 ? 'shop' : 'mini-control-plane',
      since: before(30 + index * 17),
      error_class: status === 'failed' ? 'timeout' : null,
      reason: status === 'failed' ? 'stopped after 900 s' : '',
      change: status === 'done' ? { ...change, files: index + 1, flags: index % 4 === 0 ? ['ci'] : [] } : null,
      actions: status === 'done' ? [] : ['retry'],
    });
  });
}

const plan = `# Plan

1. Read \`config/session.ts\` and the three callers.
2. Create \`store/sqlite.ts\` with the same four methods.
3. Copy what is in memory at the first start, then delete the old store.
4. Run \`npm test\` and \`npm run lint\`.

Nothing else is touched. <script>alert('plan')</script>
A line with \u202ea right-to-left override\u202c and a zero\u200bwidth space.
`;

function shown(text: string): Attempt['plan'] & object {
  return { text, bytes: new TextEncoder().encode(text).length, truncated: false };
}

/** What an approval of a task would bind. */
export function approvalOf(task: TaskRow, version = 1): TaskDetail['approval'] {
  return {
    digest: digestOf(`${task.task} ${version}`),
    expires_at: before(-24 * 60),
    facts: [
      { name: 'Workspace', value: task.workspace ?? '', flag: false },
      { name: 'Stage', value: task.stage ?? '', flag: task.stage === 'prod' },
      {
        name: 'Repositories',
        value: version === 1 ? 'shop, shop-web' : 'shop, shop-web, infrastructure',
        flag: version > 1,
      },
      { name: 'Base', value: 'main at 3f2a9c1d', flag: false },
      { name: 'Tool', value: 'agent, 900 s, 200,000 tokens', flag: false },
      { name: 'Network', value: 'none', flag: false },
      { name: 'Checks', value: '2 postconditions', flag: false },
    ],
    plan: shown(plan),
    needs_code: task.stage === 'prod',
  };
}

function recordOf(task: TaskRow & { readonly task: string }): TaskRecord {
  const since = { since: task.since, reason: task.reason };
  const result = {
    repositories: [],
    attempt: 1,
    digest: digestOf('diff'),
    verification: { status: 'unverified' as const },
  };
  const approval = {
    command: 'c0mmand-0123456789ab',
    digest: digestOf('approved'),
    channel: 'dashboard' as const,
    user: 'operator',
    evidence: 'request',
    decided_at: before(2),
    expires_at: before(-60),
  };
  const waiting = { ...since, wait: task.wait };
  const states: Partial<Record<TaskRow['status'], TaskRecord['state']>> = {
    running: {
      status: 'running',
      ...waiting,
      attempt: 1,
      slot: null,
      approval: null,
      question: task.question === null ? null : keptQuestion(task.question),
    },
    pending: { status: 'pending', ...waiting, digest: digestOf(`${task.task} 1`), expires_at: before(-60) },
    review: { status: 'review', ...waiting, result, refusals: [] },
    approved: { status: 'approved', ...waiting, approval },
    done: { status: 'done', ...since, result, merged: null, verification: { status: 'unverified' } },
    failed: { status: 'failed', ...since, error_class: 'timeout', result: null },
    cancelled: { status: 'cancelled', ...since },
  };
  return {
    version: 2,
    id: task.task,
    run: task.run ?? 'RUN-20260304-001',
    file: task.file,
    dropped_as: task.file,
    task_file: digestOf('file'),
    workspace: /^[a-z-]+$/.test(task.workspace ?? '') ? (task.workspace ?? '') : 'shop',
    action: 'run',
    stage: task.stage ?? 'dev',
    gate: task.stage !== 'dev',
    title: task.title,
    tool: task.tool ?? 'agent',
    priority: task.priority,
    timeout_sec: 900,
    accepted_at: before(40),
    attempts: task.attempts,
    interruptions: 0,
    model: { kind: 'own', name: task.model ?? '' },
    bases: [{ repository: 'shop', branch: 'main', head: digestOf('base').slice(0, 40) }],
    memory_task: null,
    depends_on: task.depends_on,
    budget: noBudget,
    cancellation: null,
    retries: 0,
    state: states[task.status] ?? { status: 'queued', ...waiting },
  };
}

function keptQuestion({ needs_code: _, ...asked }: TaskQuestion) {
  return { ...asked, transaction: 't1' };
}

const summaries: readonly [TaskDetail['timeline'][number]['event'], string][] = [
  ['review_requested', 'the result waits to be merged'],
  ['verification_ended', '2 of 2 postconditions passed'],
  ['verification_started', 'npm test; npm run lint'],
  ['result_imported', '3 repositories, 42 files, +1204 −318'],
  ['task_interrupted', 'the sandbox was lost <svg/onload=alert(4)>'],
  ['task_started', 'in slot 2 with qwen3-coder:30b'],
  ['task_approved', 'by @operator:example.org'],
  ['approval_requested', 'a person has to approve the plan'],
  ['planning_ended', 'a plan of 640 bytes'],
  ['task_accepted', 'from inbox/ as a2b3c'],
];

function attemptsOf(task: TaskRow): Attempt[] {
  if (task.attempts === 0) return [];
  const started = before(20);
  const atWork = task.status === 'running' || task.status === 'planning';
  return Array.from({ length: task.status === 'review' ? 2 : 1 }, (_, index): Attempt => {
    const attempt = (task.status === 'review' ? 2 : 1) - index;
    return {
      attempt,
      started_at: started,
      ended_at: atWork ? null : before(14),
      duration_ms: atWork ? null : 6 * minuteMs + 12_000,
      outcome: atWork ? null : index === 0 ? 'completed' : 'interrupted',
      error_class: index === 0 ? null : 'sandbox_lost',
      tokens: { prompt: 148_220, completion: 12_040, requests: 31 },
      context: shown('Workspace: shop\nWhat the last attempt left:\n- store/sqlite.ts exists, its tests do not\n'),
      plan: shown(plan),
      agent_summary: shown('I moved the store and all tests pass. <a href="javascript:alert(5)">see</a>'),
      handoff: handoffOf(task, attempt),
      diff: task.change === null ? null : { digest: digestOf('diff'), index: diffIndex() },
      checks: {
        preconditions: [{ command: 'test -f package.json', exit_code: 0, duration_ms: 12 }],
        postconditions: [
          { command: 'npm test', exit_code: 0, duration_ms: 41_200 },
          { command: 'npm run lint -- --max-warnings 0', exit_code: index === 0 ? 1 : 0, duration_ms: 8_100 },
        ],
      },
      artifacts: [
        { name: 'stdout.log', kind: 'log', bytes: 48_200, modified_at: before(14) },
        { name: 'stderr.log', kind: 'log', bytes: 512, modified_at: before(14) },
        { name: 'diffs/shop.patch', kind: 'diff', bytes: 81_000, modified_at: before(14) },
      ],
    };
  });
}

function handoffOf(task: TaskRow, attempt: number): Attempt['handoff'] {
  return {
    version: 1,
    task: task.task ?? 'none',
    run: 'RUN-20260304-001',
    attempt,
    workspace: task.workspace ?? 'shop',
    memory_task: null,
    title: task.title,
    status: task.status,
    error_class: null,
    ended_at: before(14),
    what: 'The session store is in SQLite; 42 files in three repositories were changed.',
    evidence: {
      changed: ['shop: 31 files', 'shop-web: 10 files', 'infrastructure: 1 file'],
      validation: ['npm test passed', 'npm run lint ended with 1'],
    },
    blocker: 'The target branch has moved since.',
    next: 'Rebase, read the change to .github/workflows/release.yml, merge.',
    repositories: [],
    diff: digestOf('diff'),
    model: task.model ?? '',
    tokens: { prompt: 148_220, completion: 12_040, requests: 31 },
    duration_ms: 6 * minuteMs,
    prompts: {},
    agent: null,
  };
}

/** Everything about one of these tasks. */
export function detailOf(task: TaskRow & { readonly task: string }, version: number): TaskDetail {
  return {
    position: '1',
    row: task,
    record: recordOf(task),
    objective: shown('Move the session store to SQLite. Keep everybody signed in.\n'),
    task_file: shown(
      `---\nworkspace: ${task.workspace}\nstage: ${task.stage}\ntitle: ${task.title}\n---\nMove the session store.\n`,
    ),
    approval: task.status === 'pending' ? approvalOf(task, version) : null,
    review: reviewOf(task, version),
    timeline: summaries.map(([event, summary], index) => ({
      seq: 100 - index,
      ts: before(5 + index * 3),
      event,
      phase: 'run',
      agent_role: index < 4 ? 'runner' : 'operator',
      attempt: index < 6 ? 1 : null,
      status: event === 'task_started' ? 'running' : event === 'review_requested' ? 'review' : null,
      summary,
      duration_ms: event.endsWith('_ended') ? 41_000 : null,
      error_class: event === 'task_interrupted' ? 'sandbox_lost' : null,
      tokens: event === 'result_imported' ? { prompt: 148_220, completion: 12_040, requests: 31 } : null,
    })),
    timeline_left_out: 12,
    attempts: attemptsOf(task),
  };
}

export function reviewOf(task: TaskRow, version = 1): Review | null {
  if (task.status !== 'review') return null;
  return {
    digest: digestOf(version === 1 ? 'diff' : `diff ${version}`),
    verified: task.task === 'm8n4k',
    refusals: task.task === 'r3v1w' ? refusals() : [],
    needs_code: task.stage === 'prod',
  };
}

function refusals(): Review['refusals'] {
  return [
    {
      code: 'moved',
      repository: 'shop',
      message: 'main is 3 commits further than where the work began. Rebase: countersign rebase r3v1w',
      names: ['9c1d3f2 Fix the header'],
    },
    {
      code: 'dirty',
      repository: 'shop-web',
      message: 'The checkout holds work of somebody: commit it or stash it, then merge again.',
      names: ['src/app.ts', '<img src=x onerror=alert(6)>.ts'],
    },
  ];
}
