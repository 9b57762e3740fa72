import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TaskState } from '@countersign/contracts/task-record.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { OperatorHome } from '../testing/operator-home.ts';

const since = '2026-11-20T12:00:00.000Z';
const acting = '\u001b]0;owned\u0007\u001b[2J\u009b\b\r\u202e';
const inert = /[\p{Cc}\p{Cf}]/u;

let home: OperatorHome;
beforeEach(async () => {
  home = await OperatorHome.make();
});
afterEach(() => home[Symbol.asyncDispose]());

const checks = [
  { command: 'npm test', exit_code: 0, duration_ms: 3_210 },
  { command: 'npm run lint', exit_code: 2, duration_ms: 10 },
  { command: 'sleep 999', exit_code: null, duration_ms: 60_000 },
];

describe('show of a result that waits to be merged', () => {
  test('tells facts, how each condition ended, what deserves eyes, the digest and the ways on', async () => {
    const { result } = await home.addReview({
      patches: { web: 'x', api: 'y' },
      verification: { status: 'verified', checks: checks.slice(0, 1) },
      files: [{ path: '.github/workflows/x.yml', flags: ['ci'] }, { path: 'src/a.ts' }],
      agent: { what: 'I did it', next: 'merge it' },
    });
    const { code, stdout } = await home.type(['show', 'gated']);
    expect(code).toBe(0);
    const lines = stdout.split('\n');
    expect(lines).toContain(`repository  web, branch main, from ${'b'.repeat(40)} to ${'c'.repeat(40)}`);
    expect(lines).toContain('changes     web: 2 files, +4 -2, a diff of 1 bytes');
    expect(lines).toContain(
      'needs eyes  web: .github/workflows/x.yml (runs on a build server, or says who has to review)',
    );
    expect(lines).toContain('checked     verified: 1 of 1 postcondition holds');
    expect(lines).toContain('condition   ✓ exit code 0, 3.2 s: npm test');
    expect(lines).toContain(`digest ${result.digest}`);
    expect(lines).toContain(`Merge:  countersign merge gated --digest ${result.digest.slice(0, 8)}`);
    expect(lines).toContain('Look:   countersign diff gated');
    expect(lines).toContain('Open:   scripts/countersign open gated');
    expect(lines).toContain('Reject: countersign reject gated <reason>');
    expect(lines.filter((line) => line.startsWith('|'))).toEqual(['| what: I did it', '| next: merge it']);
    expect(stdout).not.toContain('Rebase:');
  });

  test('of an unverified one says so, and that it takes a word of its own', async () => {
    const { result } = await home.addReview();
    const { stdout } = await home.type(['show', 'gated']);
    expect(stdout).toContain('unverified: no postcondition was checked');
    expect(stdout).toContain(`countersign merge gated --digest ${result.digest.slice(0, 8)} --unverified`);
    expect(stdout).toContain('The agent left no words with this result.');
  });

  test('tells why it was not merged, and the command that mends it', async () => {
    await home.addReview({
      refusals: [{ code: 'moved', repository: 'demo', message: 'main is at 1234 now', names: ['1234'] }],
    });
    const { stdout } = await home.type(['show', 'gated']);
    expect(stdout).toContain('  moved: demo: main is at 1234 now');
    expect(stdout).toContain('Rebase: countersign rebase gated');
    expect((await home.type(['status'])).stdout).toMatch(/gated +review +unverified, moved /);
    expect((await home.type(['pending'])).stdout).toMatch(/gated +your review +unverified, moved /);
  });

  test('S084 A08 nothing of a repository, of the agent or of a branch acts, or passes for a fact', async () => {
    await home.addReview({
      branch: `main${acting}`,
      files: [{ path: `a${acting}\ndigest ${'0'.repeat(64)}`, flags: ['hook'] }],
      verification: { status: 'verified', checks: [{ command: `x${acting}\nMerge: x`, exit_code: 0, duration_ms: 1 }] },
      agent: { what: `fine\ndigest ${'0'.repeat(64)}\nMerge:  countersign merge other\r${acting}` },
    });
    const { code, stdout } = await home.type(['show', 'gated']);
    expect(code).toBe(0);
    expect(stdout.replaceAll('\n', '')).not.toMatch(inert);
    expect(stdout.split('\n').filter((line) => line.startsWith('digest '))).toHaveLength(1);
    expect(stdout.split('\n').filter((line) => line.startsWith('Merge: '))).toHaveLength(1);
    const json = await home.type(['show', 'gated', '--json']);
    expect(json.stdout.replaceAll('\n', '')).not.toMatch(inert);
  });

  test('as JSON it has the record, the list of files and the handoff', async () => {
    const { index, result } = await home.addReview({ agent: { what: 'I did it' } });
    const shown = JSON.parse((await home.type(['show', 'gated', '--json'])).stdout);
    expect(shown).toMatchObject({
      record: {
        id: 'gated',
        state: { result: { repositories: [{ name: 'demo', ref: 'refs/agentic/RUN-20261120-001/gated' }] } },
      },
      digest: result.digest,
      diff: index,
      handoff: { agent: { what: 'I did it' } },
    });
  });

  test('many files that deserve eyes are counted beyond the first', async () => {
    const files = Array.from({ length: 100 }, (_, at) => ({ path: `f${at}`, flags: ['binary' as const] }));
    await home.addReview({ files });
    const { stdout } = await home.type(['show', 'gated']);
    expect(stdout.match(/^needs eyes/gm)).toHaveLength(41);
    expect(stdout).toContain('and 60 more: countersign diff gated --stat');
  });
});

test('a task whose postconditions failed shows which, its diff and no way to merge it', async () => {
  const { result } = await home.addReview({ verification: { status: 'failed', checks } });
  const failed: TaskState = { status: 'failed', since, reason: 'x', error_class: 'postcondition_failed', result };
  await home.addTask('gated', failed);
  const { stdout } = await home.type(['show', 'gated']);
  expect(stdout).toContain('checked     failed: 1 of 3 postconditions hold');
  expect(stdout).toContain('condition   ✗ exit code 2, 0.0 s: npm run lint');
  expect(stdout).toContain('condition   ✗ did not end, 60.0 s: sleep 999');
  expect(stdout).toContain('Look:   countersign diff gated');
  expect(stdout).not.toContain('Merge:');
  expect((await home.type(['status'])).stdout).toMatch(/gated +failed +failed /);
});

describe('diff', () => {
  const patch = `diff --git a/x b/x\n-old\n+new ${acting}\n+crlf\r\n+\ttab\n`;

  test('S084 shows the patch inert, also the carriage returns that are changes', async () => {
    await home.addReview({ patches: { demo: patch } });
    const { code, stdout } = await home.type(['diff', 'gated']);
    expect(code).toBe(0);
    expect(stdout).toContain(
      `${Buffer.byteLength(patch)} bytes: runs/RUN-20261120-001/tasks/gated/attempts/1/diffs/demo.patch`,
    );
    expect(stdout.split('\n')).toContain('+crlf\\u{d}');
    expect(stdout.replaceAll('\n', '')).not.toMatch(inert);
  });

  test('shows a large patch in part, with its true size and where all of it is', async () => {
    const large = `+${'x'.repeat(99)}\n`.repeat(50_000);
    await home.addReview({ patches: { demo: large } });
    const { stdout } = await home.type(['diff', 'gated']);
    expect(Buffer.byteLength(stdout)).toBeLessThan(270_000);
    expect(stdout).toMatch(/== the first 26\d{4} of 5050000 bytes; all of it: runs\//);
    expect(stdout.trimEnd().split('\n').at(-1)).toMatch(
      /^== 47\d{5} bytes of 5050000 are not shown; all of it: runs\//,
    );
    const more = await home.type(['diff', 'gated', '--bytes', '3000000']);
    expect(more.stdout).toMatch(/== the first (?:29|30)\d{5} of 5050000 bytes/);
    const all = await home.type(['diff', 'gated', '--bytes', '6000000']);
    expect(all.stdout.split('\n').filter((line) => line.startsWith('+x'))).toHaveLength(50_000);
    expect(all.stdout).not.toContain('not shown');
  });

  test('of one repository, and of no other than there is', async () => {
    await home.addReview({ patches: { web: '+w\n', api: '+a\n' } });
    const one = await home.type(['diff', 'gated', '--repository', 'api']);
    expect([one.stdout.includes('+a'), one.stdout.includes('+w')]).toEqual([true, false]);
    const none = await home.type(['diff', 'gated', '--repository', '../web']);
    expect([none.code, none.stderr]).toEqual([1, expect.stringContaining('there are changes in web, api')]);
  });

  test('--stat lists files, their modes and what deserves eyes', async () => {
    await home.addReview({
      files: [
        { path: 'run.sh', new_mode: '100755', flags: ['mode-change'] },
        { path: 'new.ts', old_path: 'old.ts', status: 'renamed' },
        { path: 'logo.png', insertions: null, deletions: null, flags: ['binary'] },
      ],
    });
    const { stdout } = await home.type(['diff', 'gated', '--stat']);
    expect(stdout).toMatch(/^modified +2 +1 +run\.sh \(mode 100644 to 100755\) +may be executed now/m);
    expect(stdout).toMatch(/^renamed +2 +1 +old\.ts → new\.ts$/m);
    expect(stdout).toMatch(/^modified +- +- +logo\.png +its lines are not in the patch/m);
  });

  test('W27 a patch that is not the one of the digest is not shown', async () => {
    const { folder } = await home.addReview({ patches: { demo: patch } });
    await writeFile(join(folder, 'attempts/1/diffs/demo.patch'), `${patch} `);
    const { code, stdout, stderr } = await home.type(['diff', 'gated']);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain('DO NOT MERGE');
  });

  test('--raw gives the very bytes, and never to a terminal', async () => {
    await home.addReview({ patches: { demo: patch } });
    expect((await home.type(['diff', 'gated', '--raw'])).code).toBe(2);
    expect(await home.type(['diff', 'gated', '--raw'], { terminal: false })).toEqual({
      code: 0,
      stdout: patch,
      stderr: '',
    });
  });

  test('as JSON it has files, path and the shown part', async () => {
    await home.addReview({ patches: { demo: '+one\n' } });
    expect(JSON.parse((await home.type(['diff', 'gated', '--json'])).stdout)).toMatchObject({
      task: 'gated',
      repositories: [{ name: 'demo', files: [{ path: 'x' }], part: { text: '+one\n', end: 5, size: 5 } }],
    });
  });

  test('a task without a result has none', async () => {
    await home.addPending('asked', 'plan');
    expect(await home.type(['diff', 'asked'])).toMatchObject({ code: 1, stdout: '' });
  });
});

describe('handoff', () => {
  test('prints the last one that was left, inert', async () => {
    const { record, folder } = await home.addReview({ agent: { what: acting } });
    await home.addTask('gated', record.state, { attempts: 3 });
    const { code, stdout } = await home.type(['handoff', 'gated']);
    expect(code).toBe(0);
    expect(stdout).toContain('runs/RUN-20261120-001/tasks/gated/attempts/1/handoff.yaml');
    expect(stdout.replaceAll('\n', '')).not.toMatch(inert);
    expect(JSON.parse((await home.type(['handoff', 'gated', '--json'])).stdout)).toMatchObject({
      task: 'gated',
      handoff: { agent: { what: acting } },
    });
    await rm(join(folder, 'attempts/1/handoff.yaml'));
    const none = await home.type(['handoff', 'gated']);
    expect([none.code, none.stderr]).toEqual([1, expect.stringContaining('gated has no handoff: it is review.')]);
  });

  test('one that is none of ours is printed all the same, and parsed as nothing', async () => {
    const { folder } = await home.addReview();
    await writeFile(join(folder, 'attempts/1/handoff.yaml'), `what: ${'x'.repeat(50)}\n`);
    const { stdout } = await home.type(['handoff', 'gated', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ handoff: null, text: expect.stringContaining('xxx') });
  });
});

describe('show of a durable task', () => {
  test('lists the runs that worked for it, the newest first', async () => {
    const state: TaskState = { status: 'cancelled', since, reason: 'removed' };
    await home.addTask('older', state, { memory_task: 'T0147', accepted_at: '2026-11-01T10:00:00.000Z' });
    await home.addTask('newer', state, { memory_task: 'T0147', accepted_at: '2026-11-02T10:00:00.000Z' });
    await home.addTask('other', state, { memory_task: 'T0148' });
    const { code, stdout } = await home.type(['show', 'T0147']);
    expect(code).toBe(0);
    expect(
      stdout
        .split('\n')
        .slice(1, 3)
        .map((line) => line.split(' ')[0]),
    ).toEqual(['newer', 'older']);
    expect(stdout).not.toContain('other');
    const { stdout: json } = await home.type(['show', 'T0147', '--json']);
    expect(JSON.parse(json).runs).toHaveLength(2);
  });

  test('that no run has worked for says how one does', async () => {
    const { code, stderr } = await home.type(['show', 'T0001']);
    expect(code).toBe(1);
    expect(stderr).toContain('task: T0001');
  });
});
