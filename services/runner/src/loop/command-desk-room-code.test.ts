import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command, UnsignedCommand } from '@countersign/contracts/command.ts';
import type { TaskState } from '@countersign/contracts/task-record.ts';
import { expect, test } from 'vitest';
import { beginDesk, dieAfterVerdict } from '../testing/desk-ground.ts';
import { codeAt, enrolCode } from '../testing/one-time-code.ts';
import { approval, asking, digest, question, states } from '../testing/record.ts';

const room = { channel: 'matrix', user: '@op:x' } as const;
const page = { channel: 'dashboard', user: 'operator' } as const;
const about = { task: 'abcde', digest };
const answer = { task: 'abcde', question: question.id, answer: '9090' };

type Ask = Partial<UnsignedCommand> & Pick<UnsignedCommand, 'kind' | 'subject'>;

/** A desk of a house whose room decides on `prod`. */
async function begin(state: TaskState = states.pending) {
  const desk = await beginDesk(state, 'prod', [room.user]);
  enrolCode(join(desk.home, '..', 'secrets'));
  /** By the room, unless it is told otherwise; signed at this moment. */
  const ask = (kind: UnsignedCommand['kind'], code?: string, change: Partial<Ask> = {}): Command =>
    desk.sign({
      kind,
      subject: kind === 'answer' ? answer : about,
      actor: room,
      evidence: '$event',
      issued_at: desk.clock.now().toISOString(),
      ...(code === undefined ? {} : { code }),
      ...change,
    } as Ask);
  const handIn = async (...commands: Command[]) => {
    for (const command of commands) desk.deliver(command, command.actor.channel);
    await desk.turn();
  };
  return { ...desk, ask, handIn, code: () => codeAt(desk.clock.now()), last: () => desk.verdicts().at(-1) };
}
const wrong = (right: string) => (right === '123456' ? '654321' : '123456');

const lets = [
  ['approve', states.pending],
  ['merge', states.review],
  ['answer', asking],
] as const;

test.each(lets)('A31 the room does not %s on prod without a code, or with a wrong one', async (kind, state) => {
  const ground = await begin(state);
  const before = ground.task();
  await ground.handIn(ground.ask(kind), ground.ask(kind, wrong(ground.code())));
  expect(ground.task()).toEqual(before);
  expect(ground.verdicts()).toMatchObject([
    { event: 'command_refused', summary: expect.stringMatching(/needs the one-time code/) },
    { event: 'command_refused', data: { channel: 'matrix', second_factor: { code: 'wrong' } } },
  ]);
});

test.each(lets)('with the code of the moment it does (%s), and the journal knows the step', async (kind, state) => {
  const ground = await begin(state);
  await ground.handIn(ground.ask(kind, ground.code()));
  expect(ground.last()).toMatchObject({
    event: 'command_accepted',
    data: {
      ...room,
      evidence: '$event',
      second_factor: { code: 'good', step: Math.floor(ground.clock.now().getTime() / 30_000) },
    },
  });
  expect(ground.last()?.data).not.toHaveProperty('code');
});

test('A31 without a code a phone stops things, and begins nothing', async () => {
  const reject = await begin();
  await reject.handIn(reject.ask('reject', undefined, { subject: { ...about, reason: '123456' } }));
  expect(reject.state()).toBe('rejected');
  const revoke = await begin(states.approved);
  await revoke.handIn(
    revoke.ask('revoke', undefined, { subject: { task: 'abcde', command: approval.command } } as Partial<Ask>),
  );
  expect(revoke.state()).toBe('pending');
});

test('A22 one code in the room and on the page at the same moment counts once', async () => {
  for (const [first, second] of [
    [room, page],
    [page, room],
  ] as const) {
    const ground = await begin(states.review);
    await ground.add('other');
    const code = ground.code();
    await ground.handIn(ground.ask('merge', code, { actor: first }));
    await ground.handIn(ground.ask('merge', code, { actor: second, subject: { task: 'other', digest } }));
    expect([ground.state(), ground.stateOf('other')]).toEqual(['merging', 'review']);
    expect(ground.last()).toMatchObject({ event: 'command_refused', summary: expect.stringMatching(/used already/) });
  }
});

test('A22 delivered in one turn, one of the two is let through', async () => {
  const ground = await begin();
  await ground.add('other');
  const code = ground.code();
  await ground.handIn(
    ground.ask('approve', code, { actor: page, subject: { task: 'other', digest } }),
    ground.ask('approve', code),
  );
  expect([ground.state(), ground.stateOf('other')].sort()).toEqual(['approved', 'pending']);
});

test('A22 a code that was spent in the room stays spent after a restart, there and on the page', async () => {
  const ground = await begin(states.review);
  const code = ground.code();
  const command = ground.ask('merge', code);
  await ground.handIn(command);
  await ground.goBack(states.review);
  await ground.handIn(command, ground.ask('merge', code), ground.ask('merge', code, { actor: page }));
  expect(ground.state()).toBe('review');
  expect(ground.verdicts().map(({ event }) => event)).toEqual([
    'command_accepted',
    'command_refused',
    'command_refused',
  ]);
});

test('F05 a death between the verdict and its effect needs no second code', async () => {
  const ground = await begin();
  await dieAfterVerdict(ground, ground.ask('approve', ground.code()), 'matrix');
  await ground.restart();
  ground.clock.pass(3_600_000);
  await ground.turn();
  expect(ground.state()).toBe('approved');
  expect(ground.verdicts()).toHaveLength(1);
});

test('A31 guesses in the room and on the page are counted together, and leave the shell alone', async () => {
  const ground = await begin();
  const guess = (actor: typeof room | typeof page) => ground.ask('approve', wrong(ground.code()), { actor });
  await ground.handIn(guess(room), guess(page), guess(room), guess(page), guess(room));
  await ground.restart();
  await ground.handIn(ground.ask('approve', ground.code()));
  await ground.handIn(ground.ask('approve', ground.code(), { actor: page }));
  expect(ground.verdicts().slice(5)).toMatchObject([
    { event: 'command_refused', summary: expect.stringMatching(/too many wrong/) },
    { event: 'command_refused', summary: expect.stringMatching(/too many wrong/) },
  ]);
  await ground.handIn(ground.ask('approve', undefined, { actor: { channel: 'shell', user: 'root' } }));
  expect(ground.state()).toBe('approved');
});

test('A01 A31 who is not listed for prod makes no guess, however often', async () => {
  const ground = await begin();
  const stranger = { channel: 'matrix', user: '@else:x' } as const;
  const code = ground.code();
  await ground.handIn(
    ...Array.from({ length: 9 }, () => ground.ask('approve', wrong(code), { actor: stranger })),
    ground.ask('approve', code, { actor: stranger }),
  );
  expect(ground.verdicts().every(({ summary }) => /may not decide on stage prod/.test(summary))).toBe(true);
  expect(ground.verdicts().filter(({ data }) => data?.['second_factor'] !== undefined)).toEqual([]);
  await ground.handIn(ground.ask('approve', code));
  expect(ground.state()).toBe('approved');
});

test('a code that lay there while the runner was down has expired: it is said, and is no guess', async () => {
  const ground = await begin();
  const tries = Array.from({ length: 9 }, () => ground.ask('approve', ground.code()));
  ground.clock.pass(3_600_000);
  await ground.handIn(...tries);
  expect(ground.last()).toMatchObject({
    event: 'command_refused',
    summary: 'the one-time code was sent at 2026-11-20T10:00:00.000Z and has expired; send the one of the moment',
  });
  expect(ground.last()?.data).not.toHaveProperty('second_factor');
  await ground.handIn(ground.ask('approve', ground.code()));
  expect(ground.state()).toBe('approved');
});

test('the code stands nowhere in what the runner keeps', async () => {
  const ground = await begin();
  const [right, bad] = [ground.code(), wrong(ground.code())];
  await ground.handIn(ground.ask('approve', bad), ground.ask('approve', right));
  const kept = [ground.home, ground.spools].flatMap((folder) =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.parentPath.includes('.git'))
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8')),
  );
  expect(kept.join('\n')).toContain('"second_factor"');
  for (const code of [right, bad]) expect(kept.filter((text) => text.includes(`"${code}"`))).toEqual([]);
});
