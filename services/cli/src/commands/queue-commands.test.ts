import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { QueueState } from '@countersign/contracts/queue-state.ts';
import type { TaskState } from '@countersign/contracts/task-record.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { OperatorHome } from '../testing/operator-home.ts';

const since = '2026-11-20T12:00:00.000Z';
const acting = '\u001b]0;owned\u0007\u001b[2J\r\u202e';
const running: TaskState = {
  status: 'running',
  wait: null,
  since,
  reason: '',
  attempt: 1,
  slot: null,
  approval: null,
  question: null,
};
const cancelled: TaskState = { status: 'cancelled', since, reason: 'cancelled by ada: too slow' };
const done: TaskState = {
  status: 'done',
  since,
  reason: 'nothing to merge',
  result: null,
  merged: null,
  verification: { status: 'unverified' },
};

let home: OperatorHome;
beforeEach(async () => {
  home = await OperatorHome.make();
});
afterEach(() => home[Symbol.asyncDispose]());

async function queueIs(state: QueueState): Promise<void> {
  await writeFile(join(home.path, 'runs/queue.json'), JSON.stringify(state));
}

/** What the runner does after its verdict, step by step, each seen. */
async function does(...states: TaskState[]): Promise<void> {
  await home.answer('command_accepted', 'it is being cancelled');
  for (const state of states) {
    await home.addTask('gated', state);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

describe('cancel', () => {
  test('names a task in any state that has not ended, with the words that stand behind it, and no digest', async () => {
    await home.addTask('works', running);
    await home.addPending('gated', 'plan');
    await home.addReview({ record: { id: 'views' } });
    await home.addTask('waits', { status: 'queued', wait: null, since, reason: 'waits for its turn' });
    for (const task of ['works', 'gated', 'views', 'waits'])
      expect((await home.type(['cancel', `${task}.md`, 'too', 'slow', '--no-wait'])).code).toBe(0);
    expect((await home.spooled()).map(({ kind, subject }) => [kind, subject])).toEqual(
      ['works', 'gated', 'views', 'waits'].map((task) => ['cancel', { task, reason: 'too slow' }]),
    );
    expect((await home.type(['cancel', 'works', 'x'.repeat(2_001)])).code).toBe(2);
  });

  test('is refused of what has ended, and says how it stands', async () => {
    await home.addTask('ended', done);
    const { code, stderr } = await home.type(['cancel', 'ended']);
    expect(code).toBe(1);
    expect(stderr).toContain('ended (ended.md) cannot be cancelled: it is done');
    expect(await home.spooled()).toEqual([]);
  });

  test('tells what happens until the task is cancelled', async () => {
    await home.addTask('gated', running);
    const [told] = await Promise.all([
      home.type(['cancel', 'gated', 'too slow']),
      does({ ...running, reason: `is told to stop ${acting}` }, cancelled),
    ]);
    expect(told.code).toBe(0);
    expect(told.stdout).toBe(
      [
        'accepted: it is being cancelled',
        'gated is cancelled. cancelled by ada: too slow',
        'What its attempt had come to is kept: countersign show gated',
        'Try it once more: countersign retry gated',
        '',
      ].join('\n'),
    );
    expect(told.stderr).toContain('it is running; waiting until what is at work on it has let go');
    expect(told.stderr).toContain('running: is told to stop ');
    expect(told.stderr.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  test('as JSON it tells the end as well', async () => {
    await home.addTask('gated', running);
    const [told] = await Promise.all([home.type(['cancel', 'gated', '--json']), does(cancelled)]);
    expect(JSON.parse(told.stdout)).toMatchObject({
      kind: 'cancel',
      verdict: 'accepted',
      cancelled: true,
      state: 'cancelled',
      reason: 'cancelled by ada: too slow',
    });
  });

  test('a task that has ended otherwise by then is told, with exit code 1', async () => {
    await home.addTask('gated', running);
    const [told] = await Promise.all([home.type(['cancel', 'gated']), does(done)]);
    expect(told.code).toBe(1);
    expect(told.stderr).toContain('not cancelled, for it has ended otherwise: done. nothing to merge');
  });

  test('whose end does not come in time is told as such, with exit code 3', async () => {
    await home.addTask('gated', running);
    const [told] = await Promise.all([home.type(['cancel', 'gated'], { workWaitMs: 10 }), does()]);
    expect(told.code).toBe(3);
    expect(told.stderr).toContain('it has not ended yet, and is cancelled as soon as it can be');
  });
});

describe('retry', () => {
  test.each([
    ['failed', { status: 'failed', since, reason: 'x', error_class: 'timeout', result: null }],
    ['cancelled', cancelled],
    ['rejected', { status: 'rejected', since, reason: 'x' }],
    ['expired', { status: 'expired', since, reason: 'x' }],
  ] as const)('takes what is %s', async (_, state) => {
    await home.addTask('ended', state);
    expect((await home.type(['retry', 'ended.md', '--no-wait'])).code).toBe(0);
    expect((await home.spooled())[0]).toMatchObject({ kind: 'retry', subject: { task: 'ended' } });
  });

  test.each([
    ['done', done],
    ['running', running],
    ['invalid', { status: 'invalid', since, reason: 'x' }],
  ] as const)('refuses what is %s', async (status, state) => {
    await home.addTask('other', state);
    const { code, stderr } = await home.type(['retry', 'other']);
    expect(code).toBe(1);
    expect(stderr).toContain(`cannot be tried once more: it is ${status}`);
    expect(await home.spooled()).toEqual([]);
  });
});

test('pause carries the reason, resume nothing', async () => {
  await home.type(['pause', 'moving', 'house', '--no-wait']);
  await new Promise((resolve) => setTimeout(resolve, 2));
  await home.type(['pause', '--no-wait']);
  await new Promise((resolve) => setTimeout(resolve, 2));
  await home.type(['resume', '--no-wait']);
  expect((await home.spooled()).map(({ kind, subject }) => [kind, subject])).toEqual([
    ['pause', { reason: 'moving house' }],
    ['pause', { reason: '' }],
    ['resume', {}],
  ]);
  expect((await home.type(['pause', 'x'.repeat(2_001)])).code).toBe(2);
  expect((await home.type(['resume', 'now'])).code).toBe(2);
});

describe('what holds up the queue', () => {
  const paused = { since, by: `ada${acting}`, reason: `moving house\n${acting}` };
  const breaker = {
    workspace: 'demo',
    tool: 'agent',
    state: 'open' as const,
    error_class: 'tool_failed',
    failures: 3,
    since,
    until: '2026-11-20T12:10:00.000Z',
  };

  test('stands above the table, a line each, inert', async () => {
    await queueIs({ version: 1, paused, breakers: [breaker] });
    const { stdout } = await home.type(['status']);
    const lines = stdout.split('\n');
    expect(lines[0]).toMatch(/^The queue is paused since 2026-11-20T12:00:00\.000Z by ada.*: moving house/);
    expect(lines[1]).toBe(
      `The breaker of agent in demo is open since ${since}, after 3 failures in a row (tool_failed); one task may try again at 2026-11-20T12:10:00.000Z`,
    );
    expect(lines.slice(2)).toEqual(['', 'no tasks yet', '']);
    expect(stdout.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  test('leaves the rows alone as JSON, and stands on standard error', async () => {
    await queueIs({ version: 1, paused, breakers: [] });
    const { stdout, stderr } = await home.type(['status', '--json']);
    expect(JSON.parse(stdout)).toEqual([]);
    expect(stderr).toMatch(/^The queue is paused since /);
  });

  test('is a command of its own, also as JSON', async () => {
    await home.runnerIsAlive();
    expect(await home.type(['queue'])).toEqual({
      code: 0,
      stdout: 'the queue is not paused, and every breaker is closed\n',
      stderr: '',
    });
    await queueIs({ version: 1, paused, breakers: [breaker] });
    expect((await home.type(['queue'])).stdout.trimEnd().split('\n')).toHaveLength(2);
    const { stdout, stderr } = await home.type(['queue', '--json']);
    expect(JSON.parse(stdout)).toEqual({ paused, breakers: [breaker] });
    expect(stderr).toBe('');
    expect(stdout.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  test('says that the runner is not there', async () => {
    expect((await home.type(['queue'])).stdout).toContain('the runner is not running');
  });

  test('when it cannot be read, status says so and shows the rest; queue says so and fails', async () => {
    await writeFile(join(home.path, 'runs/queue.json'), '{');
    await home.addTask('ended', done);
    const { code, stdout } = await home.type(['status']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^runs\/queue\.json cannot be read: /);
    expect(stdout).toContain('ended.md');
    expect((await home.type(['queue'])).code).toBe(1);
  });
});

test('status says what a task waits for and since when, in the words that the events use', async () => {
  await home.runnerIsAlive();
  const wait = { kind: 'dependency' as const, since: '2026-11-20T12:05:00.000Z', on: ['abcde', 'fghij'] };
  await home.addTask('waits', { status: 'queued', wait, since, reason: 'waits for task abcde and fghij' });
  await home.addTask('works', running);
  const held = { kind: 'paused' as const, since, on: ['ada'] };
  await home.addTask('stops', { status: 'queued', wait: held, since, reason: 'ada paused the queue' });
  const { stdout } = await home.type(['status']);
  expect(stdout).toMatch(/^waits .* task abcde and fghij .* 2026-11-20T12:05:00Z +waits for task abcde and fghij$/m);
  expect(stdout).toMatch(/ waits for the queue, which is paused by ada: ada paused the queue$/m);
  expect(stdout).toMatch(/^works +running +- +- /m);
  expect(JSON.parse((await home.type(['status', '--json'])).stdout)[0]).toMatchObject({ since, wait: held });
});

describe('show', () => {
  test('says what a task waits for, depends on and may use, and who cancels it', async () => {
    await home.addTask('first', running);
    await home.addTask(
      'gated',
      {
        status: 'queued',
        wait: { kind: 'dependency', since, on: ['first'] },
        since,
        reason: 'waits for task first',
      },
      {
        depends_on: ['first', 'other'],
        budget: { tokens: 20_000, requests: null, output_bytes: 1_048_576, disk_bytes: null },
        cancellation: { command: 'c', channel: 'matrix', user: '@ada:x', reason: `no ${acting}`, at: since },
      },
    );
    const { stdout } = await home.type(['show', 'gated']);
    expect(stdout).toContain(`waits for   task first, since ${since}`);
    expect(stdout).toContain('depends on  first, which is running');
    expect(stdout).toContain('depends on  other, which is not known');
    expect(stdout).toContain('budget      20,000 tokens, 1 MiB of output, each attempt');
    expect(stdout).toMatch(/^cancel +by @ada:x through matrix at .*: no /m);
    expect(stdout.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  test('tells the attempts one by one', async () => {
    const { folder, record } = await home.addReview({
      record: { id: 'views', attempts: 3 },
      agent: { what: 'I did it' },
    });
    const handoff = join(folder, 'attempts/1/handoff.yaml');
    await writeFile(handoff.replace('handoff.yaml', 'agent-handoff.yaml'), 'what: forged');
    const lines = (await home.type(['show', 'views'])).stdout.split('\n');
    expect(lines).toContain('attempts    3');
    expect(lines.find((line) => line.startsWith('attempt 1 '))).toMatch(/led to review at .* s/);
    expect(lines.find((line) => line.startsWith('attempt 2 '))).toBe('attempt 2   left no handoff');
    expect(lines.find((line) => line.startsWith('attempt 3 '))).toBe('attempt 3   has not ended yet');
    const { attempts } = JSON.parse((await home.type(['show', 'views', '--json'])).stdout);
    expect(attempts).toMatchObject([{ attempt: 1, handoff: { status: record.state.status } }, {}, { handoff: null }]);
  });

  test('of many attempts the newest are told', async () => {
    await home.addTask('ended', cancelled, { attempts: 500 });
    const { stdout } = await home.type(['show', 'ended']);
    expect(stdout).toContain('attempts    500, the newest 20 of which are');
    expect(stdout).toContain('attempt 481 left no handoff');
    expect(stdout).not.toContain('attempt 480');
  });
});
