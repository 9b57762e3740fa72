import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  Approvals,
  Charts,
  CommandAnswer,
  Now,
  Portfolio,
  RunList,
  SearchResults,
  Services,
  TaskDetail,
  TaskList,
} from '@countersign/contracts/page-api.ts';
import { type TaskRecord, type TaskState, taskFolder } from '@countersign/contracts/task-record.ts';
import { approvalFacts } from '@countersign/kit/approval-facts.ts';
import { makeReviewTask, writeReviewTask } from '@countersign/kit/testing/review-task.ts';
import { makeRecord, makeWaitingTask, writeWaitingTask } from '@countersign/kit/testing/waiting-task.ts';
import { describe, expect, test } from 'vitest';
import { DashboardGround, until } from '../testing/dashboard-ground.ts';

const since = '2026-11-20T10:00:00.000Z';
const at = (minute: number) => new Date(Date.parse(since) + minute * 60_000).toISOString();
const queued: TaskState = { status: 'queued', since, reason: '', wait: { kind: 'turn', since, on: [] } };
const running: TaskState = { status: 'running', since, reason: '', attempt: 1, slot: null, approval: null };
const failed: TaskState = { status: 'failed', since, reason: 'no', error_class: 'tool_failed', result: null };
const done: TaskState = {
  status: 'done',
  since,
  reason: 'nothing to merge',
  result: null,
  merged: null,
  verification: { status: 'unverified' },
};
const task = (id: string, state: TaskState = queued, change: Partial<TaskRecord> = {}) =>
  makeRecord(state, { id, ...change });

describe('lists', () => {
  async function filled() {
    const ground = new DashboardGround();
    for (let number = 0; number < 30; number += 1) {
      const workspace = number % 2 === 0 ? 'even' : 'odd';
      const change = { accepted_at: at(number), workspace, title: `Title ${number} of a thing` };
      const state = number % 3 === 0 ? running : number % 3 === 1 ? failed : queued;
      await ground.says(
        'task_accepted',
        task(`t-${number}`, state, { ...change, tool: number < 5 ? 'other' : 'agent' }),
      );
    }
    return { ground, ...(await ground.open()) };
  }

  test('are the newest first, in pages that go on where the last one ended, and told in all', async () => {
    const { queries } = await filled();
    const seen: (string | null)[] = [];
    let after: string | undefined;
    do {
      const page = TaskList.parse(await queries.tasks({ limit: 7, ...(after === undefined ? {} : { after }) }));
      expect(page.total).toBe(30);
      seen.push(...page.tasks.map(({ task: id }) => id));
      after = page.next ?? undefined;
    } while (after !== undefined);
    expect(seen).toEqual(Array.from({ length: 30 }, (_, index) => `t-${29 - index}`));
  });

  test('hold what the filters name, each and together', async () => {
    const { queries } = await filled();
    const named = async (query: object) => {
      const { tasks, total } = await queries.tasks({ limit: 50, ...query });
      expect(total).toBe(tasks.length);
      return tasks.map(({ task: id }) => Number(id?.slice(2)));
    };
    expect(await named({ status: ['running'] })).toEqual([27, 24, 21, 18, 15, 12, 9, 6, 3, 0]);
    expect(await named({ status: ['running', 'failed'], workspace: 'even' })).toEqual([
      28, 24, 22, 18, 16, 12, 10, 6, 4, 0,
    ]);
    expect(await named({ tool: 'other' })).toEqual([4, 3, 2, 1, 0]);
    expect(await named({ run: 'RUN-20261120-002' })).toEqual([]);
    await expect(queries.tasks({ limit: 5, after: "1' OR '1" })).rejects.toMatchObject({ code: 'bad_request' });
  });

  test('a word filters by the texts, with the other filters, in pages', async () => {
    const { queries } = await filled();
    const ask = (query: object) => queries.tasks({ limit: 50, ...query });
    await until(
      () => ask({ q: 'thing' }),
      ({ total }) => total === 30,
    );
    expect((await ask({ q: 'title 7 th' })).tasks.map(({ task: id }) => id)).toEqual(['t-7']);
    expect((await ask({ q: 'thing', workspace: 'odd', status: ['running'] })).total).toBe(5);
    const first = await ask({ q: 'thing', limit: 4 });
    const second = await ask({ q: 'thing', limit: 4, after: first.next ?? '' });
    expect(second.tasks.map(({ task: id }) => id)).toEqual(['t-25', 't-24', 't-23', 't-22']);
    expect((await ask({ q: '"' })).total).toBe(0);
  });

  test('the first page tells what is at work, what asks for a person, what waits and what ended', async () => {
    const ground = new DashboardGround();
    await ground.says('task_started', task('works', running));
    const waiting = makeWaitingTask('plan', { id: 'gated' });
    await ground.says('approval_requested', waiting.record);
    await ground.says('review_requested', makeReviewTask({ record: { id: 'result' } }).record);
    await ground.says('task_accepted', task('waits'));
    await ground.says('task_ended', task('over', done));
    writeFileSync(
      join(ground.volumes, 'runs/queue.json'),
      JSON.stringify({ version: 1, paused: { since, by: 'ada', reason: 'x' }, breakers: [] }),
    );
    const { queries } = await ground.open();
    const now = Now.parse(await queries.now());
    const ids = (rows: Now['running']) => rows.map(({ task: id }) => id);
    expect([ids(now.running), ids(now.attention), ids(now.waiting), ids(now.ended)]).toEqual([
      ['works'],
      ['gated', 'result'],
      ['waits'],
      ['over'],
    ]);
    expect(now.counts).toEqual({ running: 1, pending: 1, review: 1, queued: 1, done: 1 });
    expect(now.queue?.paused?.by).toBe('ada');
    expect(now.troubles.map(({ name, status }) => [name, status])).toEqual([
      ['matrix-listener', 'silent'],
      ['runner', 'silent'],
    ]);
    expect(now.attention.map(({ actions }) => actions)).toEqual([
      ['approve', 'reject', 'cancel'],
      ['reject', 'merge', 'rebase', 'cancel'],
    ]);
    expect(now.ended[0]?.actions).toEqual([]);
    expect(now.attention[1]?.change).toMatchObject({ repositories: 1, files: 1, insertions: 2, deletions: 1 });
  });
});

describe('one task', () => {
  test('at its gate is shown with the facts that the shell shows, and the plan', async () => {
    const ground = new DashboardGround();
    const waiting = makeWaitingTask('# The plan\n<script>alert(1)</script>', { id: 'gated', stage: 'prod' });
    await writeWaitingTask(ground.volumes, waiting);
    await ground.says('approval_requested', waiting.record);
    ground.write(waiting.record, 'task.md', 'workspace: demo\n\nDo <b>it</b>.\n');
    const { queries } = await ground.open();
    const detail = TaskDetail.parse(await queries.task('gated'));
    expect(detail.approval).toMatchObject({
      digest: waiting.view.digest,
      needs_code: true,
      plan: { text: waiting.view.plan },
    });
    if (detail.approval === null || 'unreadable' in detail.approval) throw new Error('it is not shown');
    expect(detail.approval.facts.map(({ name, value }) => [name, value])).toEqual(
      approvalFacts(waiting.record, waiting.view),
    );
    expect(detail.approval.facts.filter(({ flag }) => flag).map(({ name }) => name)).toEqual(['stage']);
    expect(detail.objective.text.trim()).toBe('Do <b>it</b>.');
    const [first] = Approvals.parse(await queries.approvals()).approvals;
    expect(first).toMatchObject({ row: { task: 'gated' }, approval: { digest: waiting.view.digest }, review: null });
  });

  test('W27 whose plan is not the one that its digest names is not shown, and it is said why', async () => {
    const ground = new DashboardGround();
    const waiting = makeWaitingTask('the plan', { id: 'gated' });
    await writeWaitingTask(ground.volumes, waiting);
    await ground.says('approval_requested', waiting.record);
    ground.write(waiting.record, 'attempts/1/plan.md', 'another plan');
    const { queries } = await ground.open();
    expect((await queries.task('gated')).approval).toMatchObject({
      unreadable: expect.stringContaining('was changed'),
    });
    expect((await queries.approvals()).approvals[0]?.approval).toMatchObject({ unreadable: expect.any(String) });
  });

  test('with a result has its diff by the digest, its checks, its handoff and what is in the way', async () => {
    const ground = new DashboardGround();
    const checks = [{ command: 'npm test', exit_code: 0, duration_ms: 5 }];
    const refusals = [{ code: 'dirty' as const, repository: 'demo', message: 'a.txt', names: [] }];
    const made = makeReviewTask({ agent: { what: 'did it' }, verification: { status: 'verified', checks }, refusals });
    await writeReviewTask(ground.volumes, made);
    const { record } = made;
    ground.write(record, 'attempts/1/preconditions.json', JSON.stringify(checks));
    ground.write(record, 'attempts/1/context.md', 'ctx');
    ground.write(record, 'attempts/1/stdout.log', 'out');
    ground.write(record, 'attempts/1/artifacts/0', 'bytes');
    ground.write(record, 'attempts/1/strange name.txt', 'x');
    await ground.says('task_started', task('gated', running));
    await ground.says('review_requested', record, {
      duration_ms: 1_500,
      tokens: { prompt: 10, completion: 5, requests: 2 },
    });
    const { queries } = await ground.open();
    const detail = TaskDetail.parse(await queries.task('gated'));
    expect(detail.refusals).toEqual(refusals);
    expect(detail.timeline.map(({ event }) => event)).toEqual(['review_requested', 'task_started']);
    const [attempt] = detail.attempts;
    expect(attempt).toMatchObject({
      attempt: 1,
      outcome: 'review',
      duration_ms: 1_500,
      tokens: { prompt: 10, completion: 5, requests: 2 },
      context: { text: 'ctx', truncated: false },
      handoff: { agent: { what: 'did it' } },
      diff: { digest: made.result.digest },
      checks: { preconditions: checks, postconditions: checks },
    });
    expect(attempt?.artifacts.map(({ name, kind }) => `${kind} ${name}`)).toEqual([
      'artifact artifacts/0',
      'context context.md',
      'diff diffs/demo.patch',
      'diff diffs/index.json',
      'handoff handoff.yaml',
      'log stdout.log',
    ]);
    const [approval] = (await queries.approvals()).approvals;
    expect(approval?.review).toEqual({ digest: made.result.digest, verified: true, refusals });
  });

  test('what is no file, or too large, or nothing of ours, is left out and hinders nothing', async () => {
    const ground = new DashboardGround();
    const record = task('odd', running);
    await ground.says('task_started', record);
    const folder = join(ground.volumes, taskFolder(record), 'attempts/1');
    mkdirSync(join(folder, 'diffs'), { recursive: true });
    writeFileSync(join(ground.volumes, 'secret'), 'a secret');
    for (const name of ['context.md', 'handoff.yaml', 'stdout.log', 'diffs/index.json'])
      symlinkSync(join(ground.volumes, 'secret'), join(folder, name));
    execFileSync('mkfifo', [join(folder, 'plan.md')]);
    writeFileSync(
      join(folder, 'agent-summary.md'),
      Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.alloc(300_000, 'x')]),
    );
    const { queries } = await ground.open();
    const detail = TaskDetail.parse(await queries.task('odd'));
    expect(JSON.stringify(detail)).not.toContain('a secret');
    expect(detail.attempts[0]).toMatchObject({ context: null, plan: null, handoff: null, diff: null });
    expect(detail.attempts[0]?.agent_summary).toMatchObject({ bytes: 300_002, truncated: true });
    await expect(queries.artifact({ task: 'odd', attempt: 1, name: 'stdout.log' })).rejects.toMatchObject({
      code: 'not_found',
    });
    rmSync(folder, { recursive: true });
    symlinkSync(join(ground.volumes, 'runs'), folder);
    expect((await queries.task('odd')).attempts[0]?.artifacts).toEqual([]);
  });
});

describe('W16 names from an address', () => {
  const hostile = [
    '../secret',
    '..%2fsecret',
    '/etc/passwd',
    'a\0b',
    '..',
    '.',
    '',
    'x/../../secret',
    '%2e%2e/secret',
    'diffs/../../../task.json',
    'artifacts/../../task.json',
    'C:\\x',
    ['a'],
    { a: 1 },
    null,
    7,
    'a'.repeat(10_000),
  ];

  test.each(hostile.map((name) => [JSON.stringify(name).slice(0, 60), name]))(
    '%s is no task, file or service',
    async (_, name) => {
      const ground = new DashboardGround();
      const record = task('one', running);
      await ground.says('task_started', record);
      writeFileSync(join(ground.volumes, 'secret'), 'a secret');
      const { queries } = await ground.open();
      const refused = { code: 'bad_request' };
      await expect(queries.task(name)).rejects.toMatchObject(refused);
      await expect(queries.artifact({ task: name, attempt: 1, name: 'stdout.log' })).rejects.toMatchObject(refused);
      await expect(queries.artifact({ task: 'one', attempt: 1, name })).rejects.toMatchObject(refused);
      await expect(queries.logs({ service: name })).rejects.toMatchObject(refused);
      await expect(queries.commandVerdict(name)).rejects.toMatchObject(refused);
      if (name !== '') await expect(queries.runs({ after: name })).rejects.toMatchObject(refused);
    },
  );
});

test('a file of an attempt is read in pieces, from its end too', async () => {
  const ground = new DashboardGround();
  const record = task('one', running);
  await ground.says('task_started', record);
  ground.write(record, 'attempts/1/stdout.log', '0123456789');
  const { queries } = await ground.open();
  const read = async (asked: object) => {
    const opened = await queries.artifact({ task: 'one', attempt: '1', name: 'stdout.log', ...asked });
    const chunks = await opened.stream().toArray();
    return [Buffer.concat(chunks).toString(), opened.start, opened.end, opened.bytes, opened.kind];
  };
  expect(await read({})).toEqual(['0123456789', 0, 10, 10, 'log']);
  expect(await read({ start: '3', bytes: '4' })).toEqual(['3456', 3, 7, 10, 'log']);
  expect(await read({ start: -2 })).toEqual(['89', 8, 10, 10, 'log']);
  expect(await read({ start: 50 })).toEqual(['', 10, 10, 10, 'log']);
  await expect(queries.artifact({ task: 'one', attempt: 2, name: 'stdout.log' })).rejects.toMatchObject({
    code: 'not_found',
  });
});

test('runs are rolled up from their tasks, the newest first, past 999 a day too', async () => {
  const ground = new DashboardGround();
  const tokens = { prompt: 100, completion: 50, requests: 3 };
  for (const [run, id] of [
    ['RUN-20261120-999', 'one'],
    ['RUN-20261120-1000', 'two'],
    ['RUN-20261119-001', 'three'],
  ] as const) {
    await ground.says('task_started', task(id, running, { run }));
    await ground.says('task_ended', task(id, id === 'two' ? failed : done, { run }), { duration_ms: 2_000, tokens });
  }
  await ground.says('task_accepted', task('four', queued, { run: 'RUN-20261120-999', attempts: 0 }));
  const { queries } = await ground.open();
  const { runs, next } = RunList.parse(await queries.runs({ limit: 2 }));
  expect(runs.map(({ id, status, summary }) => [id, status, summary])).toEqual([
    ['RUN-20261120-1000', 'error', '1 failed'],
    ['RUN-20261120-999', 'running', '1 queued, 1 done'],
  ]);
  expect(runs[0]?.roll_up).toEqual({
    tasks: 1,
    attempts: 1,
    counts: { failed: 1 },
    duration_ms: 2_000,
    tokens,
    errors: { tool_failed: 1 },
  });
  expect((await queries.runs({ after: next })).runs.map(({ id }) => id)).toEqual(['RUN-20261119-001']);
});

test('the portfolio sums up by workspace, tool and model, and follows every change', async () => {
  const ground = new DashboardGround();
  const tokens = { prompt: 1, completion: 2, requests: 1 };
  await ground.says('task_started', task('one', running, { workspace: 'a' }));
  await ground.says('task_ended', task('one', done, { workspace: 'a' }), { duration_ms: 5, tokens });
  const { queries } = await ground.open();
  await ground.says('task_started', task('two', running, { workspace: 'b', tool: 'other', model: null }));
  const portfolio = await until(
    () => queries.portfolio(),
    ({ workspaces }) => workspaces.length === 2,
  );
  Portfolio.parse(portfolio);
  expect(portfolio.workspaces.map(({ name, roll_up }) => [name, roll_up.counts, roll_up.tokens.prompt])).toEqual([
    ['a', { done: 1 }, 1],
    ['b', { running: 1 }, 0],
  ]);
  expect(portfolio.tools.map(({ name }) => name)).toEqual(['agent', 'other']);
  expect(portfolio.models.map(({ name, roll_up }) => [name, roll_up.tasks])).toEqual([['m', 1]]);
  await ground.says('task_ended', task('two', failed, { workspace: 'b', tool: 'other', model: null }), {
    duration_ms: 7,
  });
  const after = await until(
    () => queries.portfolio(),
    ({ workspaces }) => workspaces[1]?.roll_up.counts.failed === 1,
  );
  expect(after.workspaces[1]?.roll_up).toMatchObject({
    tasks: 1,
    counts: { failed: 1 },
    errors: { tool_failed: 1 },
    duration_ms: 7,
  });
});

test('charts have a day for each day, medians of what waited and worked, and tokens by model', async () => {
  const ground = new DashboardGround();
  await ground.closeJournals();
  const path = ground.journalPath('RUN-20261120-001');
  mkdirSync(join(path, '..'));
  let seq = 0;
  const say = (ts: string, event: string, record: TaskRecord, detail: object = {}) => {
    seq += 1;
    appendFileSync(
      path,
      `${JSON.stringify({ ts, seq, prev: '0'.repeat(64), run_id: record.run, task_id: record.id, attempt: 1, status: record.state.status, phase: 'run', agent_role: 'runner', event, summary: '', ...detail, data: { record } })}\n`,
    );
  };
  const approval = {
    command: 'c',
    digest: 'd'.repeat(64),
    channel: 'shell' as const,
    user: 'a',
    evidence: '',
    decided_at: since,
    expires_at: since,
  };
  for (const [index, minutes] of [10, 20, 90].entries()) {
    const id = `t-${index}`;
    say(at(0), 'approval_requested', makeWaitingTask('p', { id }).record);
    say(at(minutes), 'task_approved', task(id, { status: 'approved', since, reason: '', wait: null, approval }));
    say(at(minutes), 'task_started', task(id, running));
    say(at(minutes + 1), 'task_ended', task(id, done), {
      duration_ms: 1_000 * (index + 1),
      tokens: { prompt: 7, completion: 3, requests: 1 },
    });
  }
  const { queries } = await ground.open();
  const { days } = Charts.parse(await queries.charts('3'));
  expect(days.map(({ day }) => day)).toEqual(['2026-11-18', '2026-11-19', '2026-11-20']);
  expect(days[0]).toEqual({ day: '2026-11-18', ended: {}, approval_wait_ms: null, duration_ms: null, tokens: {} });
  expect(days[2]).toEqual({
    day: '2026-11-20',
    ended: { done: 3 },
    approval_wait_ms: 20 * 60_000,
    duration_ms: 2_000,
    tokens: { m: 30 },
  });
  await expect(queries.charts(0)).rejects.toMatchObject({ code: 'bad_request' });
  await expect(queries.charts('1e9')).rejects.toMatchObject({ code: 'bad_request' });
});

describe('search', () => {
  test('finds words of tasks, plans and handoffs, the best first, with excerpts in pieces and no markup', async () => {
    const ground = new DashboardGround();
    const one = task('one', running, { title: 'Mend the <b>gateway</b>' });
    ground.write(one, 'task.md', 'workspace: demo\n\nMend it.\n');
    ground.write(one, 'attempts/1/plan.md', 'First look at the socket.\u0001 Then the \u0002 parser of the gateway.');
    ground.write(one, 'attempts/1/handoff.yaml', 'what: the café is closed');
    await ground.says('task_started', one);
    const { queries } = await ground.open();
    const find = async (q: string) => SearchResults.parse(await queries.search(q)).results;
    await until(
      () => find('socket'),
      (found) => found.length === 1,
    );
    expect((await find('socket'))[0]).toMatchObject({ row: { task: 'one' }, found_in: 'plan' });
    expect((await find('CAFE'))[0]).toMatchObject({ found_in: 'handoff' });
    const [result] = await find('gate');
    expect(result?.excerpt.filter(({ found }) => found).map(({ text }) => text)).toEqual(['gateway']);
    expect(result?.excerpt.map(({ text }) => text).join('')).toContain('<b>gateway</b>');
  });

  test('a new plan takes the place of the one before', async () => {
    const ground = new DashboardGround();
    const one = task('one', running);
    ground.write(one, 'attempts/1/plan.md', 'elephants');
    await ground.says('task_started', one);
    const { queries } = await ground.open();
    await until(
      () => queries.search('elephants'),
      ({ results }) => results.length === 1,
    );
    ground.write(one, 'attempts/1/plan.md', 'giraffes');
    await ground.says('task_ended', task('one', done));
    await until(
      () => queries.search('giraffes'),
      ({ results }) => results.length === 1,
    );
    expect((await queries.search('elephants')).results).toEqual([]);
  });

  test.each([
    '"',
    "'",
    'a AND b',
    'NEAR(a b)',
    'text:one',
    '* one',
    'one*',
    '^one',
    '-one',
    '{text}: one',
    'a\0b',
    '"one" OR "two"',
    '((((',
    '\u0001',
    '\ud800',
    '🦒',
    'a'.repeat(200),
    '- '.repeat(90),
    '%_;--',
  ])('what would be an operator is a word: %j', async (q) => {
    const ground = new DashboardGround();
    await ground.says('task_started', task('one', running, { title: 'two' }));
    const { queries, index } = await ground.open();
    await until(
      () => queries.search('two'),
      ({ results }) => results.length === 1,
    );
    SearchResults.parse(await queries.search(q));
    expect(index.standing.isReady).toBe(true);
  });

  test('more than a query may have is refused', async () => {
    const { queries } = await new DashboardGround().open();
    await expect(queries.search('x'.repeat(201))).rejects.toMatchObject({ code: 'bad_request' });
    expect(await queries.search('')).toEqual({ results: [] });
  });
});

test('what the runner said of a command is told, and what anybody could have brought about is not', async () => {
  const ground = new DashboardGround();
  const say = (event: 'command_accepted' | 'command_refused', command: string, kind?: string) =>
    ground.append(null, {
      event,
      summary: `said of ${command}`,
      data: { command, ...(kind === undefined ? {} : { kind }) },
    });
  await say('command_accepted', 'accepted-0123456789', 'approve');
  await say('command_refused', 'refused-0123456789', 'merge');
  await say('command_refused', 'unsigned-0123456789');
  const { queries } = await ground.open();
  const verdict = async (id: string) => CommandAnswer.parse(await queries.commandVerdict(id)).verdict;
  expect(await verdict('accepted-0123456789')).toBe('accepted');
  expect(await verdict('refused-0123456789')).toBe('refused');
  expect(await verdict('unsigned-0123456789')).toBe('waiting');
  expect(await verdict('later-0123456789ab')).toBe('waiting');
  await say('command_accepted', 'later-0123456789ab', 'retry');
  await until(
    () => verdict('later-0123456789ab'),
    (said) => said === 'accepted',
  );
  expect((await queries.commandVerdict('later-0123456789ab')).message).toBe('said of later-0123456789ab');
});

test('services tell how they are; an old word is silence', async () => {
  const ground = new DashboardGround();
  const says = (service: string, status: string, ts: string) => {
    mkdirSync(join(ground.volumes, 'logs', service), { recursive: true });
    writeFileSync(
      join(ground.volumes, 'logs', service, 'health.json'),
      JSON.stringify({ service, status, reason: 'r', ts, started_at: ts }),
    );
  };
  says('runner', 'ok', new Date().toISOString());
  says('gateway', 'failing', new Date().toISOString());
  says('matrix-listener', 'ok', since);
  const { queries } = await ground.open();
  const { services } = Services.parse(await queries.services());
  expect(services.map(({ name, status, controllable }) => [name, status, controllable])).toEqual([
    ['gateway', 'failing', false],
    ['matrix-listener', 'silent', true],
    ['runner', 'ok', true],
  ]);
});

test('a row says the same as the record that the journal has', async () => {
  const ground = new DashboardGround();
  const record = task('one', failed, { depends_on: ['two'], priority: 3, attempts: 2 });
  await ground.says('task_ended', record);
  const { queries } = await ground.open();
  const { record: shown, row } = await queries.task('one');
  expect(shown).toEqual(record);
  expect(row).toMatchObject({
    error_class: 'tool_failed',
    depends_on: ['two'],
    priority: 3,
    actions: ['retry'],
    model: 'm',
  });
  expect(readFileSync(ground.journalPath(record.run), 'utf8')).toContain('"one"');
});
