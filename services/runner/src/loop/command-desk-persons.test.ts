import { join } from 'node:path';
import type { Command, UnsignedCommand } from '@countersign/contracts/command.ts';
import type { TaskState } from '@countersign/contracts/task-record.ts';
import { expect, test } from 'vitest';
import { beginDesk } from '../testing/desk-ground.ts';
import { codeAt, enrolCode } from '../testing/one-time-code.ts';
import { approval, digest, states } from '../testing/record.ts';

const room = { channel: 'matrix', user: '@op:x' } as const;
const page = { channel: 'dashboard', user: 'operator' } as const;

type Ask = Partial<UnsignedCommand> & Pick<UnsignedCommand, 'kind' | 'subject'>;
const about = { task: 'abcde', digest };

async function begin(state: TaskState = states.pending, stage = 'prod') {
  const desk = await beginDesk(state, stage);
  enrolCode(join(desk.home, '..', 'secrets'));
  const handIn = async (ask: Ask): Promise<Command> => {
    const command = desk.sign(ask);
    desk.deliver(command, command.actor.channel);
    await desk.turn();
    return command;
  };
  return { ...desk, handIn, last: () => desk.verdicts().at(-1) };
}

/** What a phone in other hands can sign of a task of prod, with everything that the listener's key is good for. */
const asksOfProd: readonly (readonly [Ask['kind'], TaskState, Ask['subject']])[] = [
  ['approve', states.pending, about],
  ['reject', states.pending, { ...about, reason: 'x' }],
  ['revoke', states.approved, { task: 'abcde', command: approval.command }],
  ['merge', states.review, about],
  ['merge', states.review, { ...about, unverified: true }],
  ['reject', states.review, { ...about, reason: 'x' }],
  ['rebase', states.review, about],
  ['retry', states.failed, { task: 'abcde' }],
];

test.each(asksOfProd)('A31 where no room decides on prod, a phone does not %s on it', async (kind, state, subject) => {
  const { handIn, state: stands, last } = await begin(state);
  await handIn({ kind, subject, actor: room } as Ask);
  expect(stands()).toBe(state.status);
  expect(last()).toMatchObject({ event: 'command_refused', summary: expect.stringMatching(/machine itself/) });
});

test.each(['approve', 'merge'] as const)(
  'A31 nor with a one-time code, which is not even looked at (%s)',
  async (kind) => {
    const state = kind === 'approve' ? states.pending : states.review;
    const { handIn, state: stands, clock, last } = await begin(state);
    const code = codeAt(clock.now());
    await handIn({ kind, subject: about, actor: room, code } as Ask);
    expect(stands()).toBe(state.status);
    // It was not even looked at, and is good for whoever may use it.
    expect(last()?.data?.['second_factor']).toBeUndefined();
    await handIn({ kind, subject: about, actor: page, code } as Ask);
    expect(stands()).not.toBe(state.status);
  },
);

test('A31 what a phone can do to prod is to stop it', async () => {
  const { handIn, task, openQueue } = await begin(states.approved);
  await handIn({ kind: 'pause', subject: { reason: 'lost my phone' }, actor: room });
  expect(openQueue().paused).toMatchObject({ by: expect.stringContaining('@op:x'), reason: 'lost my phone' });
  await handIn({ kind: 'cancel', subject: { task: 'abcde', reason: '' }, actor: room });
  expect(task()?.cancellation).toMatchObject({ channel: 'matrix', user: '@op:x' });
});

test('A25 one person by two channels is one approval: the second is refused, and counts for nothing', async () => {
  const { handIn, sign, deliver, turn, verdicts, task } = await begin(states.pending, 'staging');
  const first = await handIn({ kind: 'approve', subject: about, actor: room });
  deliver(sign({ kind: 'approve', subject: about }));
  await turn();
  expect(verdicts()).toMatchObject([
    { event: 'command_accepted' },
    { event: 'command_refused', summary: 'abcde is approved already' },
  ]);
  expect(task()?.state).toMatchObject({ approval: { command: first.id, channel: 'matrix', user: '@op:x' } });
});

test('A25 who asked for work on prod in the room approves it neither there nor with a session of the page alone', async () => {
  const { handIn, state, clock, last } = await begin();
  const content = 'workspace: project\nstage: prod\n\nsay hello\n';
  await handIn({ kind: 'submit', subject: { file: 'mine.md', content }, actor: room });
  expect(last()).toMatchObject({ event: 'command_accepted' });
  await handIn({ kind: 'approve', subject: about, actor: room });
  await handIn({ kind: 'approve', subject: about, actor: page });
  expect(last()).toMatchObject({ summary: expect.stringMatching(/needs the one-time code/) });
  expect(state()).toBe('pending');
  await handIn({ kind: 'approve', subject: about, actor: page, code: codeAt(clock.now()) });
  expect(state()).toBe('approved');
});
