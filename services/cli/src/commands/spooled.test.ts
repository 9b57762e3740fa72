import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TaskState } from '@countersign/contracts/task-record.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { OperatorHome } from '../testing/operator-home.ts';

const since = '2026-11-20T10:00:00.000Z';
const done: TaskState = {
  status: 'done',
  since,
  reason: 'it is over',
  result: null,
  merged: null,
  verification: { status: 'unverified' },
};

let home: OperatorHome;
beforeEach(async () => {
  home = await OperatorHome.make();
});
afterEach(() => home[Symbol.asyncDispose]());

describe('approve', () => {
  test('binds to the digest that is shown, and says who and how', async () => {
    const { digest } = await home.addPending('gated', 'plan');
    const { code } = await home.type(['approve', 'gated', '--no-wait']);
    expect(code).toBe(0);
    const [command] = await home.spooled();
    expect(command).toMatchObject({
      kind: 'approve',
      subject: { task: 'gated', digest },
      actor: { channel: 'shell', user: 'ada' },
      evidence: 'argv: approve gated --no-wait',
    });
    expect(Date.parse(command?.expires_at ?? '') - Date.parse(command?.issued_at ?? '')).toBe(86_400_000);
  });

  test('takes the digest’s beginning, and refuses another one, too short a one and none at all', async () => {
    const { digest } = await home.addPending('gated', 'plan');
    expect(
      (await home.type(['approve', 'gated', '--no-wait', '--digest', digest.slice(0, 8).toUpperCase()])).code,
    ).toBe(0);
    expect((await home.type(['approve', 'gated', '--no-wait', '--digest', digest])).code).toBe(0);
    const other = digest.startsWith('0') ? '1'.repeat(8) : '0'.repeat(8);
    const refused = await home.type(['approve', 'gated', '--digest', other]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain('has another digest now');
    for (const wrong of [digest.slice(0, 7), '', 'hello123', `${digest}0`])
      expect((await home.type(['approve', 'gated', `--digest=${wrong}`])).code).toBe(2);
    expect(await home.spooled()).toHaveLength(2);
  });

  test('tells the runner’s verdict', async () => {
    await home.addPending('gated', 'plan');
    await home.journal('{"event":"runner_started"}');
    const [accepted] = await Promise.all([
      home.type(['approve', 'gated']),
      home.answer('command_accepted', 'gated is approved'),
    ]);
    expect(accepted).toMatchObject({ code: 0, stdout: 'accepted: gated is approved\n' });
  });

  test('exits with 1 when it is refused, and says why, inert', async () => {
    await home.addPending('gated', 'plan');
    const [refused] = await Promise.all([
      home.type(['approve', 'gated', '--json']),
      home.answer('command_refused', 'not \u001b[2J allowed'),
    ]);
    expect(refused.code).toBe(1);
    expect(JSON.parse(refused.stdout)).toMatchObject({
      verdict: 'refused',
      task: 'abcde',
      summary: 'not \u001b[2J allowed',
    });
    expect(refused.stdout).not.toContain('\u001b');
  });

  test('exits with 3 when no verdict comes, keeps the command and says what it waits for', async () => {
    await home.addPending('gated', 'plan');
    const { code, stderr } = await home.type(['approve', 'gated'], { waitMs: 10 });
    expect(code).toBe(3);
    expect(stderr).toContain('no verdict yet: the runner is not running');
    expect(await home.spooled()).toHaveLength(1);
    await home.runnerIsAlive();
    const json = await home.type(['approve', 'gated', '--json'], { waitMs: 10 });
    expect(json.code).toBe(3);
    expect(JSON.parse(json.stdout)).toMatchObject({ verdict: 'waiting', kind: 'approve' });
  });

  test('an earlier verdict on another command is none, nor is a torn line from before', async () => {
    await home.addPending('gated', 'plan');
    await home.journal('{"event":"command_accepted","summary":"x","data":{"command":"another"}}');
    await writeFile(join(home.path, 'runs/telemetry.jsonl'), '{"torn', { flag: 'a' });
    expect((await home.type(['approve', 'gated'], { waitMs: 10 })).code).toBe(3);
  });
});

describe('a task is named', () => {
  test('by its file now, or else by the name that it was dropped as', async () => {
    await home.addPending('first', 'plan', { file: 'x.md', dropped_as: 'x.md' });
    await home.addPending('other', 'plan', { file: 'x.other.md', dropped_as: 'x.md' });
    await home.addPending('third', 'plan', { file: 'y.third.md', dropped_as: 'y.md' });
    for (const [name, id] of [
      ['x.md', 'first'],
      ['x.other.md', 'other'],
      ['y.md', 'third'],
    ] as const) {
      await home.type(['approve', name, '--no-wait']);
      expect((await home.spooled()).at(-1)?.subject).toMatchObject({ task: id });
    }
  });

  test('by its id, even when a file of another is called the same', async () => {
    await home.addPending('first', 'plan', { file: 'other' });
    await home.addPending('other', 'plan', { file: 'x.md' });
    await home.type(['approve', 'other', '--no-wait']);
    expect((await home.spooled())[0]?.subject).toMatchObject({ task: 'other' });
  });

  test('past ended tasks of the same file name', async () => {
    await home.addTask('ended', done, { file: 'x.md' });
    await home.addPending('gated', 'plan', { file: 'x.md' });
    await home.type(['approve', 'x.md', '--no-wait']);
    expect((await home.spooled())[0]?.subject).toMatchObject({ task: 'gated' });
    expect((await home.type(['show', 'x.md'])).stdout).toContain('gated');
  });

  test('not when two are called so: their ids are told', async () => {
    await home.addPending('first', 'plan', { file: 'x1.md', dropped_as: 'x.md' });
    await home.addPending('other', 'plan', { file: 'x2.md', dropped_as: 'x.md' });
    const { code, stderr } = await home.type(['approve', 'x.md']);
    expect(code).toBe(1);
    expect(stderr).toContain('first, other');
  });

  test('not when it cannot be decided: its state is told', async () => {
    await home.addTask('ended', done);
    for (const command of ['approve', 'reject']) {
      const { code, stderr } = await home.type([command, 'ended.md']);
      expect(code).toBe(1);
      expect(stderr).toContain(`it is done since ${since}. it is over`);
    }
  });

  test('not when nothing is called so: what could be meant is told', async () => {
    expect((await home.type(['approve', 'x'])).stderr).toContain('Nothing can be approved now.');
    await home.addPending('gated', 'plan');
    expect((await home.type(['approve', 'x'])).stderr).toContain('gated (gated.md)');
  });

  test('not before the runner has taken its file: what it waits for is told', async () => {
    await writeFile(join(home.path, 'inbox/new.md'), 'workspace: demo');
    for (const command of ['approve', 'reject', 'show']) {
      const { code, stderr } = await home.type([command, 'new.md']);
      expect(code).toBe(1);
      expect(stderr).toContain('"new.md" lies in inbox/ and is no task yet: the runner is not running');
    }
  });

  const hostile = [
    '../../etc/x',
    '/etc/passwd',
    '..',
    '.',
    'a;rm -rf',
    'x\ny',
    'x\0y',
    `${'x'.repeat(100_000)}`,
    '$(id)',
    '`id`',
    '\u001b[2J',
    '*',
    '',
  ];
  test.each(hostile)('never by %j', async (name) => {
    await home.addPending('gated', 'plan');
    for (const command of ['approve', 'reject', 'show']) {
      const { code, stderr } = await home.type([command, '--', name]);
      expect([1, 2]).toContain(code);
      expect(stderr.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
    }
    expect(await home.spooled()).toEqual([]);
  });

  test.each(['-rf.md', 'a b"\'.md', 'a..b.md', '🙂\n.md'])('by %j, when its file is called so', async (file) => {
    await home.addPending('gated', 'plan', { file });
    expect((await home.type(['approve', '--no-wait', '--', file])).code).toBe(0);
  });
});

test('reject carries the words, and works on a result at its review as well', async () => {
  await home.addPending('gated', 'plan');
  await home.addReview({ record: { id: 'views' } });
  await home.type(['reject', 'gated', 'too', 'risky', '--no-wait']);
  await home.type(['reject', 'views', '--no-wait']);
  expect((await home.spooled()).map(({ kind, subject }) => [kind, subject])).toEqual([
    ['reject', { task: 'gated', reason: 'too risky' }],
    ['reject', { task: 'views', reason: '' }],
  ]);
  expect((await home.type(['reject', 'gated', 'x'.repeat(2_001)])).code).toBe(2);
});

test('send carries a line', async () => {
  await home.type(['send', 'hello', 'room', '--no-wait']);
  expect((await home.spooled())[0]).toMatchObject({ kind: 'send', subject: { text: 'hello room' } });
  expect((await home.type(['send', ' '])).code).toBe(2);
  expect((await home.type(['send', 'x'.repeat(4_001)])).code).toBe(2);
});

describe('submit', () => {
  const task = '\uFEFFworkspace: demo\r\n\r\nDo it. ü🙂\t"\u202e\r\n';

  test('hands the bytes in as they are', async () => {
    expect((await home.type(['submit', '--name', 'x.md', '--no-wait'], { stdin: task })).code).toBe(0);
    expect((await home.spooled())[0]).toMatchObject({ kind: 'submit', subject: { file: 'x.md', content: task } });
  });

  test('reads a path, and gives a task without a name one', async () => {
    const path = join(home.path, 'y.md');
    await writeFile(path, task);
    await home.type(['submit', path, '--no-wait']);
    await home.type(['submit', '--no-wait'], { stdin: task });
    const files = (await home.spooled()).map((command) => (command.kind === 'submit' ? command.subject.file : ''));
    expect(files[0]).toBe('y.md');
    expect(files[1]).toMatch(/^task-\d{8}T\d{8,9}\.md$/);
  });

  test.each([
    ['a mistake', 'workspace: demo\nstagee: prod\n', 'x.md:2: unknown key "stagee"; allowed: workspace'],
    ['nothing', '', 'x.md:1: the file is empty'],
    ['no text', Buffer.from([0xff, 0xfe, 0]), 'x.md:1: not a text file'],
    [
      'what acts on a terminal',
      'workspace: demo\n\n\u001b[2J',
      'x.md:3: not a text file: it holds the control character U+001B',
    ],
    ['too much', Buffer.alloc(300_000, 'a'), 'at most 262144 bytes'],
  ])('refuses %s at once, with its line', async (_name, stdin, message) => {
    const { code, stderr } = await home.type(['submit', '--name', 'x.md'], { stdin });
    expect(code).toBe(1);
    expect(stderr).toContain(message);
    expect(await home.spooled()).toEqual([]);
  });

  test.each(['x', 'x.txt', '../x.md', '/x.md', '.x.md', 'x\0.md', `${'x'.repeat(198)}.md`])(
    'refuses the name %j',
    async (name) => {
      expect((await home.type(['submit', `--name=${name}`], { stdin: task })).code).toBe(2);
    },
  );

  test('a file that is not there', async () => {
    expect(await home.type(['submit', '/nowhere/x.md'])).toMatchObject({ code: 1 });
  });

  test('the largest file goes through', async () => {
    const stdin = `workspace: demo\n\n${'"'.repeat(262_144 - 17)}`;
    expect((await home.type(['submit', '--name=x.md', '--no-wait'], { stdin })).code).toBe(0);
    expect(await home.spooled()).toHaveLength(1);
  });
});

test('commands lie in the spool in the order in which they were given, and nothing else does', async () => {
  for (const word of ['one', 'two', 'three']) {
    await home.type(['send', word, '--no-wait']);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  expect((await home.spooled()).map(({ subject }) => subject)).toEqual([
    { text: 'one' },
    { text: 'two' },
    { text: 'three' },
  ]);
  for (const name of await readdir(join(home.path, 'spool'))) expect(name).toMatch(/^\d{15}-[\w-]{22}\.json$/);
});

test('without its key nothing is written, and the way to one is told', async () => {
  await rm(join(home.path, 'secrets/signing.key.pem'));
  const { code, stderr } = await home.type(['send', 'x']);
  expect(code).toBe(1);
  expect(stderr).toContain('scripts/up makes the key');
  expect(await readdir(join(home.path, 'spool'))).toEqual([]);
});
