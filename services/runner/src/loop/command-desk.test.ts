import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { beginDesk as begin, dieAfterVerdict, taskText } from '../testing/desk-ground.ts';
import { eventsOf, filesIn } from '../testing/home.ts';
import { makeNamedPipe } from '../testing/named-pipe.ts';
import { digest, states } from '../testing/record.ts';

test('an approval approves, once, with its evidence', async () => {
  const { approve, deliver, turn, state, verdicts, inShell, layout, run } = await begin();
  const command = approve();
  deliver(command);
  await turn();
  expect(state()).toBe('approved');
  expect(inShell()).toEqual([]);
  expect(verdicts()).toMatchObject([
    {
      event: 'command_accepted',
      task_id: 'abcde',
      run_id: run,
      data: { command: command.id, kind: 'approve', channel: 'shell', user: 'op', evidence: 'argv' },
    },
  ]);
  expect(eventsOf(layout.runJournal(run)).at(-1)).toMatchObject({
    event: 'task_approved',
    data: {
      command_id: command.id,
      digest,
      record: { state: { approval: { digest, user: 'op', channel: 'shell', command: command.id } } },
    },
  });
});

test.each([
  ['five minutes ahead', 5],
  ['five minutes behind', -5],
])(
  'A23 F46 a decision from a machine whose clock is %s: when it was decided, and until when it holds, is by our own',
  async (_, minutes) => {
    const { sign, deliver, turn, task, clock } = await begin();
    const theirs = (at: number) => new Date(at + minutes * 60_000).toISOString();
    const issued_at = theirs(clock.now().getTime());
    const expires_at = theirs(clock.now().getTime() + 24 * 60 * 60_000);
    deliver(sign({ kind: 'approve', subject: { task: 'abcde', digest }, issued_at, expires_at }));
    await turn();
    const state = task()?.state;
    expect(state).toMatchObject({
      status: 'approved',
      approval: {
        decided_at: clock.now().toISOString(),
        expires_at: states.pending.status === 'pending' ? states.pending.expires_at : '',
      },
    });
  },
);

test('A23 F46 a request that has expired by our clock is not approved by one that is behind', async () => {
  const { sign, deliver, turn, state, verdicts, clock } = await begin();
  const { expires_at: end } = states.pending.status === 'pending' ? states.pending : { expires_at: '' };
  clock.pass(Date.parse(end) - clock.now().getTime() + 60_000);
  const issued_at = new Date(clock.now().getTime() - 5 * 60_000).toISOString();
  const expires_at = new Date(clock.now().getTime() + 60 * 60_000).toISOString();
  deliver(sign({ kind: 'approve', subject: { task: 'abcde', digest }, issued_at, expires_at }));
  await turn();
  expect(state()).toBe('pending');
  expect(verdicts()).toMatchObject([{ event: 'command_refused', summary: `the request expired at ${end}` }]);
});

test('a rejection moves the file out, with its reason', async () => {
  const { reject, deliver, turn, state, layout } = await begin();
  deliver(reject('too risky'));
  await turn();
  expect(state()).toBe('rejected');
  expect(filesIn(layout, 'outbox/rejected')).toEqual(['x.md']);
  expect(
    JSON.parse(readFileSync(join(layout.task('RUN-20261120-001', 'abcde'), 'task.json'), 'utf8')).state.reason,
  ).toBe('rejected by op: too risky');
});

test('a task is also named by its file', async () => {
  const { sign, deliver, turn, state } = await begin();
  deliver(sign({ kind: 'approve', subject: { task: 'x.md', digest } }));
  await turn();
  expect(state()).toBe('approved');
});

test('A24 of two decisions the first counts', async () => {
  const { approve, deliver, turn, state, verdicts } = await begin();
  deliver(approve());
  deliver(approve());
  await turn();
  expect(state()).toBe('approved');
  expect(verdicts()).toMatchObject([
    { event: 'command_accepted' },
    { event: 'command_refused', summary: 'abcde is approved already' },
  ]);
});

test('A24 work that is being started can no longer be rejected, and the shell is told so', async () => {
  const { reject, deliver, state, verdicts, keys, openDesk } = await begin(states.approved);
  deliver(reject());
  await (await openDesk(keys, () => true)).turn();
  expect(state()).toBe('approved');
  expect(verdicts()).toMatchObject([{ event: 'command_refused', summary: expect.stringContaining('being started') }]);
});

test('A24 approved work can still be rejected before it starts', async () => {
  const { approve, reject, deliver, turn, state } = await begin();
  deliver(approve());
  deliver(reject());
  await turn();
  expect(state()).toBe('rejected');
});

test('a refused decision changes nothing and says why', async () => {
  const { sign, deliver, turn, state, verdicts, taskEvents } = await begin();
  deliver(sign({ kind: 'approve', subject: { task: 'abcde', digest: 'e'.repeat(64) } }));
  deliver(sign({ kind: 'approve', subject: { task: 'nobody', digest } }));
  await turn();
  expect(state()).toBe('pending');
  expect(verdicts().map(({ event, summary }) => [event, summary])).toEqual([
    ['command_refused', 'what abcde would run is now dddddddd, not eeeeeeee; look at it again'],
    ['command_refused', 'no task "nobody" waits for a decision'],
  ]);
  expect(taskEvents()).toEqual(['run_created', 'task_accepted']);
});

test('a command with a forged signature is refused and keeps its id for the true one', async () => {
  const { send, deliver, turn, messages, verdicts, restart } = await begin();
  const command = send();
  deliver({ ...command, evidence: 'forged' });
  await turn();
  await restart();
  deliver(command);
  await turn();
  expect(verdicts().map(({ event }) => event)).toEqual(['command_refused', 'command_accepted']);
  expect(messages()).toHaveLength(1);
});

test('a command in another channel’s spool is refused', async () => {
  const { approve, deliver, turn, state, verdicts } = await begin();
  deliver(approve(), 'matrix');
  await turn();
  expect(state()).toBe('pending');
  expect(verdicts()).toMatchObject([{ summary: 'the key belongs to another channel' }]);
});

test('A23 an expired command is refused', async () => {
  const { send, deliver, turn, clock, verdicts } = await begin();
  clock.pass(25 * 60 * 60 * 1000);
  deliver(send());
  await turn();
  expect(verdicts()).toMatchObject([{ event: 'command_refused', summary: expect.stringMatching(/expired/) }]);
});

test.each(['send', 'approve', 'reject', 'submit'] as const)(
  'A22 %s that is delivered three times, and across a restart, is carried out once',
  async (kind) => {
    const ground = await begin();
    const { deliver, turn, restart, messages, taskEvents, layout, verdicts } = ground;
    const command = kind === 'submit' ? ground.submit('new.md') : ground[kind]();
    deliver(command);
    deliver(command);
    await turn();
    await restart();
    deliver(command);
    await turn();
    expect(verdicts().filter(({ event }) => event === 'command_accepted')).toHaveLength(1);
    expect(verdicts().filter(({ event }) => event === 'command_refused')).toHaveLength(0);
    expect(messages()).toHaveLength(kind === 'send' ? 1 : 0);
    expect(filesIn(layout, 'inbox')).toEqual(kind === 'submit' ? ['new.md'] : []);
    const decided = { approve: 'task_approved', reject: 'task_rejected', send: null, submit: null }[kind];
    expect(taskEvents().slice(2)).toEqual(decided === null ? [] : [decided]);
  },
);

test.each(['send', 'approve', 'reject', 'submit'] as const)(
  '%s takes effect exactly once when the runner dies right after its verdict',
  async (kind) => {
    const ground = await begin();
    const { turn, restart, messages, taskEvents, layout, verdicts, inShell } = ground;
    const command = kind === 'submit' ? ground.submit('new.md') : ground[kind]();
    await dieAfterVerdict(ground, command);
    expect(messages()).toEqual([]);
    expect(taskEvents()).toEqual(['run_created', 'task_accepted']);
    expect(inShell()).toHaveLength(1);

    await restart();
    await turn();
    await restart();
    await turn();
    expect(verdicts()).toHaveLength(1);
    expect(inShell()).toEqual([]);
    expect(messages()).toHaveLength(kind === 'send' ? 1 : 0);
    expect(filesIn(layout, 'inbox')).toEqual(kind === 'submit' ? ['new.md'] : []);
    const decided = { approve: 'task_approved', reject: 'task_rejected', send: null, submit: null }[kind];
    expect(taskEvents().slice(2)).toEqual(decided === null ? [] : [decided]);
  },
);

test('an accepted file is not lost when the runner comes back after the command has expired', async () => {
  const ground = await begin();
  await dieAfterVerdict(ground, ground.submit('new.md'));
  ground.clock.pass(30 * 60 * 60 * 1000);
  await ground.restart();
  await ground.turn();
  expect(filesIn(ground.layout, 'inbox')).toEqual(['new.md']);
});

test('a message says its text, and who posts it', async () => {
  const { send, deliver, turn, messages, verdicts } = await begin();
  deliver(send('line one\nline two \u001b[31m'));
  await turn();
  expect(messages()).toMatchObject([{ summary: 'line one\nline two \u001b[31m' }]);
  expect(verdicts()[0]?.summary).toMatch(/the Matrix listener posts it/);
});

test('a submitted file is in the inbox, whole', async () => {
  const { submit, deliver, turn, layout } = await begin();
  deliver(submit('new.md'));
  await turn();
  expect(filesIn(layout, 'inbox')).toEqual(['new.md']);
  expect(readFileSync(join(layout.queue('inbox'), 'new.md'), 'utf8')).toBe(taskText);
});

test.each(['x.md', 'X.MD'])('a submitted %s does not overwrite one that waits', async (file) => {
  const { submit, deliver, turn, layout, verdicts } = await begin();
  writeFileSync(join(layout.queue('inbox'), file), 'the operator’s');
  deliver(submit(file));
  deliver(submit(file));
  await turn();
  const names = filesIn(layout, 'inbox');
  expect(names).toHaveLength(3);
  expect(names.every((name) => name.toLowerCase().endsWith('.md'))).toBe(true);
  expect(readFileSync(join(layout.queue('inbox'), file), 'utf8')).toBe('the operator’s');
  expect(verdicts()[0]?.summary).toMatch(/^[xX]\.[0-9a-f]{8}\.(?:md|MD) is in the inbox$/);
});

test.each([
  '../x.md',
  '/etc/x.md',
  'a/b.md',
  '..',
  '.hidden.md',
  'x.txt',
  '',
  'x.md\0',
  '~x.md',
  `${'a'.repeat(250)}.md`,
  'x.md.tmp',
])('a file submitted as %j is refused', async (file) => {
  const { submit, deliver, turn, layout, verdicts } = await begin();
  if (file === '') return expect(() => submit(file)).toThrow();
  deliver(submit(file));
  await turn();
  expect(filesIn(layout, 'inbox')).toEqual([]);
  expect(verdicts()).toMatchObject([
    { event: 'command_refused', summary: expect.stringMatching(/no name for a task file/) },
  ]);
});

test('what is no command does not hold up the one behind it', async () => {
  const { deliver, turn, state, approve, spools, inShell, verdicts } = await begin();
  const shell = join(spools, 'shell');
  deliver('garbage');
  deliver(Buffer.alloc(3 * 1024 * 1024, '{'));
  deliver(Buffer.from([0xff, 0xfe, 0x00]));
  mkdirSync(join(shell, '0000.json', 'deep'), { recursive: true });
  symlinkSync('/etc/passwd', join(shell, '0005.json'));
  symlinkSync('nowhere', join(shell, '0006.json'));
  makeNamedPipe(join(shell, '0007.json'));
  writeFileSync(join(shell, '.0008.json'), 'being written');
  writeFileSync(join(shell, 'notes.txt'), 'not for us');
  writeFileSync(join(spools, '.DS_Store'), 'x');
  mkdirSync(join(spools, 'lost+found'));
  writeFileSync(join(shell, '0009.json'), JSON.stringify(approve()));
  await turn();
  expect(state()).toBe('approved');
  expect(verdicts().filter(({ event }) => event === 'command_refused')).toHaveLength(7);
  expect(inShell().filter((name) => name.endsWith('.json'))).toEqual(['.0008.json']);
  expect(inShell().filter((name) => name.startsWith('.refused-'))).toHaveLength(5);
  const before = verdicts().length;
  await turn();
  expect(verdicts()).toHaveLength(before);
});

test('a link is set aside unread, and what it points to stays', async () => {
  const { turn, spools, home, messages, send } = await begin();
  const target = join(home, 'elsewhere.json');
  writeFileSync(target, JSON.stringify(send()));
  symlinkSync(target, join(spools, 'shell', '0001.json'));
  await turn();
  expect(messages()).toEqual([]);
  expect(readFileSync(target, 'utf8')).toContain('hello');
});

test('a command that was removed before it was read is no error', async () => {
  const { deliver, turn, send, spools, verdicts } = await begin();
  deliver(send());
  rmSync(join(spools, 'shell', '0001.json'));
  await turn();
  expect(verdicts()).toEqual([]);
});
