import { appendFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Charts, Portfolio, RunList } from '@countersign/contracts/page-api.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { makeWaitingTask } from '@countersign/kit/testing/waiting-task.ts';
import { expect, test } from 'vitest';
import { DashboardGround, until } from '../testing/dashboard-ground.ts';
import { at, done, failed, queued, running, since, task } from '../testing/records.ts';

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
