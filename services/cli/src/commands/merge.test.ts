import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { MergeRefusal } from '@countersign/contracts/merge.ts';
import type { Result, TaskState } from '@countersign/contracts/task-record.ts';
import type { ReviewTask } from '@countersign/kit/testing/review-task.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { OperatorHome } from '../testing/operator-home.ts';

const since = '2026-11-20T12:00:00.000Z';
const acting = '\u001b]0;owned\u0007\u001b[2J\r\u202e';

let home: OperatorHome;
beforeEach(async () => {
  home = await OperatorHome.make();
});
afterEach(() => home[Symbol.asyncDispose]());

const mergeApproval = (digest: string) => ({
  command: 'c',
  digest,
  channel: 'shell' as const,
  user: 'ada',
  evidence: '',
  decided_at: since,
  unverified: true,
});

const merging = ({ result }: ReviewTask): TaskState => ({
  status: 'merging',
  wait: null,
  since,
  reason: '',
  result,
  approval: mergeApproval(result.digest),
});

const merged = ({ result }: ReviewTask): TaskState => ({
  status: 'done',
  since,
  reason: 'merged into demo main',
  result,
  merged: mergeApproval(result.digest),
  verification: result.verification,
});

function refusal(change: Partial<MergeRefusal> = {}): MergeRefusal {
  return {
    code: 'dirty',
    repository: 'demo',
    message: 'work of somebody’s is there; mend it with: git stash',
    names: [],
    ...change,
  };
}

/** What the runner does after its verdict, step by step. */
async function does(event: 'command_accepted' | 'command_refused', summary: string, ...states: TaskState[]) {
  await home.answer(event, summary);
  for (const state of states) await home.addTask('gated', state);
}

describe('merge', () => {
  test('binds to the digest that is shown, and says which', async () => {
    const { result } = await home.addReview();
    const { code, stderr } = await home.type(['merge', 'gated', '--no-wait']);
    expect(code).toBe(0);
    expect(stderr).toContain(`merging gated, digest ${result.digest.slice(0, 8)}, unverified, into demo main`);
    expect((await home.spooled())[0]).toMatchObject({
      kind: 'merge',
      subject: { task: 'gated', digest: result.digest },
      actor: { channel: 'shell', user: 'ada' },
      evidence: 'argv: merge gated --no-wait',
    });
    expect((await home.spooled())[0]?.subject).not.toHaveProperty('unverified');
  });

  test('says that nothing was checked only when it was typed', async () => {
    await home.addReview();
    await home.type(['merge', 'gated.md', '--unverified', '--no-wait']);
    expect((await home.spooled())[0]?.subject).toMatchObject({ task: 'gated', unverified: true });
  });

  test('W27 a stale digest is refused here: what was looked at is not what is there', async () => {
    const { result } = await home.addReview();
    const other = result.digest.startsWith('0') ? '1'.repeat(8) : '0'.repeat(8);
    const { code, stderr } = await home.type(['merge', 'gated', '--digest', other]);
    expect([code, stderr]).toEqual([1, expect.stringContaining('has another digest now')]);
    expect((await home.type(['merge', 'gated', '--digest', result.digest.slice(0, 7)])).code).toBe(2);
    expect(await home.spooled()).toEqual([]);
    expect((await home.type(['merge', 'gated', '--no-wait', '--digest', result.digest.slice(0, 8)])).code).toBe(0);
  });

  test.each([
    ['another byte', (text: string) => text.replace('"insertions":2', '"insertions":3')],
    ['nothing of ours', () => '{}'],
  ])('W27 a saved diff with %s is neither shown nor merged', async (_, change) => {
    const { folder, index } = await home.addReview();
    await writeFile(join(folder, 'attempts/1/diffs/index.json'), change(JSON.stringify(index)));
    for (const words of [
      ['show', 'gated'],
      ['show', 'gated', '--json'],
      ['diff', 'gated'],
      ['merge', 'gated', '--no-wait'],
      ['rebase', 'gated', '--no-wait'],
    ]) {
      const { code, stdout, stderr } = await home.type(words);
      expect([code, stdout]).toEqual([1, '']);
      expect(stderr).toContain('DO NOT MERGE');
    }
    expect(await home.spooled()).toEqual([]);
  });

  test('waits for the end of the merge, not for the verdict alone', async () => {
    const task = await home.addReview();
    const [said] = await Promise.all([
      home.type(['merge', 'gated']),
      does('command_accepted', 'gated is being merged', merging(task), merged(task)),
    ]);
    expect(said).toMatchObject({ code: 0, stdout: 'accepted: gated is being merged\nmerged into demo main\n' });
  });

  test('S084 a refused merge exits with 1 and tells code, what is in the way and what mends it, inert', async () => {
    const { record } = await home.addReview();
    const refusals = [
      refusal({ names: [`a${acting}.txt`] }),
      refusal({ code: 'moved', repository: 'web', message: `${acting} is elsewhere` }),
    ];
    const back: TaskState = { ...record.state, since, refusals };
    const [said] = await Promise.all([
      home.type(['merge', 'gated', '--unverified']),
      does('command_accepted', 'gated is being merged', merging({ result: record.state.result } as ReviewTask), back),
    ]);
    expect(said.code).toBe(1);
    const lines = said.stderr.split('\n');
    expect(lines).toContain('not merged; nothing was changed:');
    expect(lines).toContain('  dirty: demo: work of somebody’s is there; mend it with: git stash');
    expect(said.stderr).toMatch(/^ {4}in the way: a\\u\{1b\}/m);
    expect(said.stderr).toMatch(/^ {2}moved: web: /m);
    expect(lines).toContain('  Carry it over to where the branch is now: countersign rebase gated');
    expect((said.stdout + said.stderr).replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  test('as JSON it is one object with verdict and end', async () => {
    const { record } = await home.addReview();
    const back: TaskState = { ...record.state, since, refusals: [refusal()] };
    const [said] = await Promise.all([
      home.type(['merge', 'gated', '--json']),
      does('command_accepted', 'so be it', back),
    ]);
    expect(said.code).toBe(1);
    expect(JSON.parse(said.stdout)).toMatchObject({
      kind: 'merge',
      verdict: 'accepted',
      merged: false,
      refusals: [{ code: 'dirty' }],
    });
  });

  test('a verdict against it ends it, with its code', async () => {
    await home.addReview();
    const [said] = await Promise.all([
      home.type(['merge', 'gated']),
      does('command_refused', 'forbidden-branch: demo: stage staging may not merge into main'),
    ]);
    expect(said.code).toBe(1);
    expect(said.stderr).toContain('refused: forbidden-branch: demo: stage staging may not merge into main');
  });

  test.each([
    ['has not begun', (_: ReviewTask) => []],
    ['goes on', (task: ReviewTask) => [merging(task)]],
  ])('a merge that %s when the time is up is told as such, and exits with 3', async (_, states) => {
    const task = await home.addReview();
    const [said] = await Promise.all([
      home.type(['merge', 'gated'], { workWaitMs: 500 }),
      does('command_accepted', 'gated is being merged', ...states(task)),
    ]);
    expect([said.code, said.stderr]).toEqual([3, expect.stringContaining('it is not merged yet')]);
  });

  test('only what waits for its review is merged: any other state is told', async () => {
    await home.addPending('asked', 'plan');
    await home.addTask('ended', merged(await home.addReview({ record: { id: 'views' } })));
    for (const [name, state] of [
      ['asked', 'pending'],
      ['ended', 'done'],
    ] as const) {
      const { code, stderr } = await home.type(['merge', name]);
      expect([code, stderr]).toEqual([1, expect.stringContaining(`it is ${state} since`)]);
    }
    expect((await home.type(['merge', 'nothing'])).stderr).toContain('views (views.md)');
    expect(await home.spooled()).toEqual([]);
  });
});

describe('rebase', () => {
  const carried = (result: Result): Result => ({ ...result, attempt: 2, digest: 'e'.repeat(64) });

  test('waits for the new diff, and names its digest', async () => {
    const { record, result } = await home.addReview();
    const after = carried(result);
    const [said] = await Promise.all([
      home.type(['rebase', 'gated']),
      does(
        'command_accepted',
        'so be it',
        { status: 'rebasing', wait: null, since, reason: '', attempt: 2, result },
        { status: 'verifying', wait: null, since, reason: '', attempt: 2, result: after },
        { ...record.state, since: '2026-11-20T12:00:01.000Z', result: after },
      ),
    ]);
    expect(said.code).toBe(0);
    expect(said.stdout).toContain(`digest ${after.digest}`);
    expect(said.stdout).toContain('countersign show gated');
    expect((await home.spooled())[0]).toMatchObject({
      kind: 'rebase',
      subject: { task: 'gated', digest: result.digest },
    });
  });

  test('what does not fit is told as conflict and exits with 1', async () => {
    const { record } = await home.addReview();
    const refusals = [refusal({ code: 'conflict', message: 'the work does not fit' })];
    const [said] = await Promise.all([
      home.type(['rebase', 'gated']),
      does('command_accepted', 'so be it', { ...record.state, since, refusals }),
    ]);
    expect(said.code).toBe(1);
    expect(said.stderr).toMatch(/^ {2}conflict: demo: the work does not fit$/m);
  });

  test('postconditions that fail after it are told, and exit with 1', async () => {
    const { result } = await home.addReview();
    const failed: TaskState = {
      status: 'failed',
      since,
      reason: '"npm test" ended with exit code 1',
      error_class: 'postcondition_failed',
      result: carried(result),
    };
    const [said] = await Promise.all([home.type(['rebase', 'gated']), does('command_accepted', 'so be it', failed)]);
    expect([said.code, said.stderr]).toEqual([1, expect.stringContaining('"npm test" ended with exit code 1')]);
  });
});
