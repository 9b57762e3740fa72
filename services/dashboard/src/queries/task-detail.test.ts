import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Approvals, TaskDetail } from '@countersign/contracts/page-api.ts';
import { taskFolder } from '@countersign/contracts/task-record.ts';
import { approvalFacts } from '@countersign/kit/approval-facts.ts';
import { makeReviewTask, writeReviewTask } from '@countersign/kit/testing/review-task.ts';
import { makeWaitingTask, writeWaitingTask } from '@countersign/kit/testing/waiting-task.ts';
import { describe, expect, test } from 'vitest';
import { DashboardGround } from '../testing/dashboard-ground.ts';
import { failed, running, since, task } from '../testing/records.ts';

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
    expect(detail.review?.refusals).toEqual(refusals);
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
    expect(approval?.review).toEqual({
      digest: made.result.digest,
      verified: true,
      refusals,
      needs_code: false,
    });
  });

  test('that was disturbed and came through says nothing of it in how its attempt ended', async () => {
    const ground = new DashboardGround();
    const { record, result } = makeReviewTask();
    const verifying = task(record.id, { status: 'verifying', since, reason: '', wait: null, attempt: 1, result });
    await ground.says('verification_started', verifying);
    await ground.says('task_interrupted', verifying, { error_class: 'sandbox_lost' });
    await ground.says('review_requested', record);
    await ground.says('task_started', task('failing', running));
    await ground.says('task_ended', task('failing', failed, { attempts: 1 }), { error_class: 'tool_failed' });
    const { queries } = await ground.open();
    const ended = async (id: string) => (await queries.task(id)).attempts[0];
    expect(await ended(record.id)).toMatchObject({ outcome: 'review', error_class: null });
    expect(await ended('failing')).toMatchObject({ outcome: 'failed', error_class: 'tool_failed' });
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

test('a row says the same as the record that the journal has', async () => {
  const ground = new DashboardGround();
  const cancellation = { command: 'c', channel: 'shell' as const, user: 'ada', reason: '', at: failed.since };
  const record = task('one', failed, { depends_on: ['two'], priority: 3, attempts: 2, cancellation });
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
    // It has ended: what was to be cancelled is not any more.
    cancellation: null,
  });
  expect(readFileSync(ground.journalPath(record.run), 'utf8')).toContain('"one"');
});
