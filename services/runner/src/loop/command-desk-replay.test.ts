import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { beginDesk } from '../testing/desk-ground.ts';
import { approval, digest, states } from '../testing/record.ts';

const room = { channel: 'matrix', user: '@op:x' } as const;

/** A desk, and an approval that was given in the room once. */
async function begin(...ground: Parameters<typeof beginDesk>) {
  const desk = await beginDesk(...ground);
  const grant = (about = digest, task = 'abcde') =>
    desk.sign({ kind: 'approve', subject: { task, digest: about }, actor: room, evidence: '$event:x' });
  const handIn = async (command: ReturnType<typeof grant>) => {
    desk.deliver(command, 'matrix');
    await desk.turn();
  };
  return { ...desk, grant, handIn, last: () => desk.verdicts().at(-1)?.summary };
}

test.each([
  'planning',
  'running',
  'verifying',
  'interrupted',
  'review',
  'merging',
  'done',
  'failed',
  'cancelled',
  'rejected',
  'expired',
] as const)('A22 an approval that is signed anew for a task that is %s by now does nothing', async (status) => {
  const { grant, handIn, state, verdicts } = await begin(states[status]);
  await handIn(grant());
  expect(state()).toBe(status);
  expect(verdicts()).toMatchObject([{ event: 'command_refused' }]);
});

test('A22 one file twice, thrice, after a restart and a year later is one approval', async () => {
  const { grant, handIn, restart, clock, verdicts, taskEvents, state } = await begin();
  const command = grant();
  for (const wait of [0, 0, 1_000, 365 * 24 * 3_600_000]) {
    clock.pass(wait);
    await handIn(command);
    await restart();
  }
  expect(verdicts().map(({ event }) => event)).toEqual(['command_accepted']);
  expect(taskEvents().filter((event) => event === 'task_approved')).toHaveLength(1);
  expect(state()).toBe('approved');
});

test('A22 the approval of one task is none of another, whatever it is called', async () => {
  const { grant, handIn, add, state, stateOf, last } = await begin();
  await add('other');
  await handIn(grant(createHash('sha256').update('what the other would run').digest('hex'), 'other'));
  expect(last()).toMatch(/^what other would run is now dddddddd/);
  await handIn(grant(digest, 'nobody'));
  await handIn(grant(digest, '../abcde'));
  expect([state(), stateOf('other')]).toEqual(['pending', 'pending']);
});

test('A22 what was approved on another house, with other keys, is nothing here', async () => {
  const [here, elsewhere] = [await begin(), await begin()];
  await here.handIn(elsewhere.grant());
  expect(here.state()).toBe('pending');
  expect(here.last()).toBe('the command is signed with a key that is not known here');
});

test('A22 a revoked approval that is delivered again approves nothing', async () => {
  const { grant, handIn, sign, deliver, turn, state, restart } = await begin();
  const command = grant();
  await handIn(command);
  deliver(sign({ kind: 'revoke', subject: { task: 'abcde', command: command.id }, actor: room }), 'matrix');
  await turn();
  expect(state()).toBe('pending');
  await handIn(command);
  await restart();
  await handIn(command);
  expect(state()).toBe('pending');
});

test.each([
  ['a second before its end', -1_000, 'approved'],
  ['a millisecond before its end', -1, 'approved'],
  ['at its end', 0, 'pending'],
  ['a millisecond after its end', 1, 'pending'],
  ['a second after its end', 1_000, 'pending'],
  ['after a night with the lid shut', 14 * 3_600_000, 'pending'],
  ['after a clock that was put forward by a year', 365 * 24 * 3_600_000, 'pending'],
])('A23 a request that is approved %s', async (_, after, expected) => {
  const { sign, clock, deliver, turn, state } = await begin();
  clock.pass(Date.parse(states.pending.expires_at) + after - clock.now().getTime());
  const at = (ms: number) => new Date(clock.now().getTime() + ms).toISOString();
  const times = { issued_at: at(-1), expires_at: at(3_600_000) };
  deliver(sign({ kind: 'approve', subject: { task: 'abcde', digest }, actor: room, ...times }), 'matrix');
  await turn();
  expect(state()).toBe(expected);
});

test('A23 a clock that is put back by an hour approves nothing by itself, nor brings a command back', async () => {
  const { grant, handIn, clock, state, verdicts } = await begin();
  clock.pass(25 * 3_600_000);
  const command = grant();
  await handIn(command);
  expect(verdicts()).toMatchObject([{ event: 'command_refused', summary: expect.stringMatching(/expired/) }]);
  clock.pass(-2 * 3_600_000);
  await handIn(command);
  expect([state(), verdicts().length]).toEqual(['pending', 1]);
});

test.each(['2026-11-21T10:00:00.000+02:00', '2026-11-21T10:00:00.000', '2026-11-21 10:00:00.000Z', '1763722800000'])(
  'A23 a time of anything but UTC is none, so that no summer time moves an end: %s',
  async (expires_at) => {
    const { grant, deliver, turn, state, verdicts } = await begin();
    deliver(JSON.stringify({ ...grant(), expires_at }), 'matrix');
    await turn();
    expect(state()).toBe('pending');
    expect(verdicts()).toMatchObject([{ summary: 'the command has not the agreed shape' }]);
  },
);

test('A24 of an approval and a rejection from two devices at once the first in the spool counts, and a rejection undoes', async () => {
  const reject = (desk: Awaited<ReturnType<typeof begin>>) =>
    desk.sign({ kind: 'reject', subject: { task: 'abcde', digest, reason: 'no' }, actor: room });
  const first = await begin();
  first.deliver(reject(first), 'matrix');
  first.deliver(first.grant(), 'matrix');
  await first.turn();
  expect(first.state()).toBe('rejected');
  expect(first.verdicts().map(({ event }) => event)).toEqual(['command_accepted', 'command_refused']);
  const second = await begin();
  second.deliver(second.grant(), 'matrix');
  second.deliver(reject(second), 'matrix');
  await second.turn();
  expect(second.state()).toBe('rejected');
  expect(second.verdicts().map(({ event }) => event)).toEqual(['command_accepted', 'command_accepted']);
});

test.each(['running', 'verifying', 'merging'] as const)(
  'A24 a rejection of work that is %s is too late, and says so',
  async (status) => {
    const { sign, deliver, turn, state, verdicts } = await begin(states[status]);
    deliver(sign({ kind: 'reject', subject: { task: 'abcde', digest, reason: 'no' }, actor: room }), 'matrix');
    await turn();
    expect(state()).toBe(status);
    expect(verdicts()).toMatchObject([{ event: 'command_refused', summary: expect.stringMatching(/waits for no/) }]);
  },
);

test('A22 an approval that was spent is not the one of what is asked next', async () => {
  const next = 'e'.repeat(64);
  const { grant, handIn, state, last } = await begin({ ...states.pending, digest: next });
  expect(approval.digest).not.toBe(next);
  await handIn(grant(approval.digest));
  expect([state(), last()]).toEqual([
    'pending',
    'what abcde would run is now eeeeeeee, not dddddddd; look at it again',
  ]);
  await handIn(grant(next));
  expect(state()).toBe('approved');
});
