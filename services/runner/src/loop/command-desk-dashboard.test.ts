import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { UnsignedCommand } from '@countersign/contracts/command.ts';
import type { TaskState } from '@countersign/contracts/task-record.ts';
import { expect, test } from 'vitest';
import { beginDesk, dieAfterVerdict } from '../testing/desk-ground.ts';
import { codeAt, enrolCode } from '../testing/one-time-code.ts';
import { digest, states } from '../testing/record.ts';

const actor = { channel: 'dashboard', user: 'operator' } as const;
const evidence = 'request 1';

/** A desk, and a page that signs whatever it is told to. */
async function begin(state: TaskState = states.pending, stage = 'prod', isEnrolled = true) {
  const ground = await beginDesk(state, stage);
  if (isEnrolled) enrolCode(join(ground.home, '..', 'secrets'));
  const ask = (kind: 'approve' | 'merge', code?: string, changes: Partial<UnsignedCommand> = {}) =>
    ground.sign({
      kind,
      subject: { task: 'abcde', digest },
      actor,
      evidence,
      ...(code === undefined ? {} : { code }),
      ...changes,
    } as UnsignedCommand);
  const handIn = async (...commands: ReturnType<typeof ask>[]) => {
    for (const command of commands) ground.deliver(command, 'dashboard');
    await ground.turn();
  };
  return { ...ground, ask, handIn, now: () => codeAt(ground.clock.now()), last: () => ground.verdicts().at(-1) };
}
const wrong = (right: string) => (right === '123456' ? '654321' : '123456');

test('the page decides on prod with a one-time code, of which the journal knows the step', async () => {
  const ground = await begin();
  const code = ground.now();
  await ground.handIn(ground.ask('approve', code));
  expect(ground.state()).toBe('approved');
  expect(ground.last()).toMatchObject({
    event: 'command_accepted',
    data: {
      channel: 'dashboard',
      user: 'operator',
      evidence,
      second_factor: { code: 'good', step: Math.floor(ground.clock.now().getTime() / 30_000) },
    },
  });
  const review = await begin(states.review);
  await review.handIn(review.ask('merge', review.now()));
  expect(review.state()).toBe('merging');
});

test.each([
  ['approve', states.pending],
  ['merge', states.review],
] as const)('A29 W15 no %s of prod passes without a code, whatever is signed', async (kind, state) => {
  const ground = await begin(state);
  await ground.handIn(ground.ask(kind), ground.ask(kind, wrong(ground.now())));
  expect(ground.state()).toBe(state.status);
  expect(ground.verdicts()).toMatchObject([
    { event: 'command_refused', summary: expect.stringMatching(/needs the one-time code/) },
    {
      event: 'command_refused',
      summary: expect.stringMatching(/not right/),
      data: { second_factor: { code: 'wrong' } },
    },
  ]);
});

test('A22 W15 a code that let one command through lets no other, also after a restart', async () => {
  const ground = await begin(states.review);
  const code = ground.now();
  await ground.handIn(ground.ask('merge', code));
  await ground.goBack(states.review);
  await ground.handIn(ground.ask('merge', code));
  expect(ground.state()).toBe('review');
  expect(ground.last()).toMatchObject({ event: 'command_refused', summary: expect.stringMatching(/used already/) });
  ground.clock.pass(30_000);
  await ground.handIn(ground.ask('merge', ground.now()));
  expect(ground.state()).toBe('merging');
});

test('A22 W15 of two commands with one code the first counts, and what was decided once stays so', async () => {
  const ground = await begin();
  const [first, second] = [ground.ask('approve', ground.now()), ground.ask('approve', ground.now())];
  await ground.handIn(first, second, first);
  expect(ground.verdicts().map(({ event }) => event)).toEqual(['command_accepted', 'command_refused']);
});

test('F05 W15 a death between a verdict and its effect needs no second code', async () => {
  const ground = await begin();
  await dieAfterVerdict(ground, ground.ask('approve', ground.now()), 'dashboard');
  await ground.restart();
  ground.clock.pass(3_600_000);
  expect(ground.state()).toBe('pending');
  await ground.turn();
  expect(ground.state()).toBe('approved');
  expect(ground.verdicts()).toHaveLength(1);
});

test('F05 W15 nor does one after which another code was spent', async () => {
  const ground = await begin();
  await ground.add('other');
  await dieAfterVerdict(ground, ground.ask('approve', ground.now()), 'dashboard');
  await ground.restart();
  ground.clock.pass(30_000);
  const later = ground.ask('approve', ground.now(), { subject: { task: 'other', digest } } as Partial<UnsignedCommand>);
  // It comes to be read before the one that was decided already.
  writeFileSync(join(ground.spools, 'dashboard', '0000.json'), JSON.stringify(later));
  await ground.turn();
  expect([ground.stateOf('other'), ground.state()]).toEqual(['approved', 'approved']);
  expect(ground.verdicts().map(({ event }) => event)).toEqual(['command_accepted', 'command_accepted']);
});

test('W15 a code that approved one task approves no other', async () => {
  const ground = await begin();
  await ground.add('other');
  const code = ground.now();
  const other = { subject: { task: 'other', digest } } as Partial<UnsignedCommand>;
  await ground.handIn(ground.ask('approve', code), ground.ask('approve', code, other));
  expect([ground.state(), ground.stateOf('other')]).toEqual(['approved', 'pending']);
  expect(ground.last()).toMatchObject({ summary: expect.stringMatching(/used already/) });
});

test('a code that was given for something that is refused is not spent', async () => {
  const ground = await begin();
  const stale = { subject: { task: 'abcde', digest: 'e'.repeat(64) } } as Partial<UnsignedCommand>;
  const code = ground.now();
  await ground.handIn(ground.ask('approve', code, stale));
  expect(ground.last()).toMatchObject({ summary: expect.stringMatching(/look at it again/) });
  expect(ground.last()?.data?.['second_factor']).toBeUndefined();
  await ground.handIn(ground.ask('approve', code));
  expect(ground.state()).toBe('approved');
});

test('W15 guessing ends in a lock that no restart opens and that does not hold the shell', async () => {
  const ground = await begin();
  await ground.handIn(...Array.from({ length: 7 }, () => ground.ask('approve', wrong(ground.now()))));
  expect(ground.verdicts().filter(({ data }) => data?.['second_factor'] !== undefined)).toHaveLength(5);
  await ground.restart();
  await ground.handIn(ground.ask('approve', ground.now()));
  expect(ground.last()).toMatchObject({ event: 'command_refused', summary: expect.stringMatching(/too many wrong/) });
  const root = { channel: 'shell', user: 'root' } as const;
  ground.deliver(ground.sign({ kind: 'approve', subject: { task: 'abcde', digest }, actor: root }));
  await ground.turn();
  expect(ground.state()).toBe('approved');
});

test('W15 without a seed nothing on the page decides on prod, and it is said what makes one', async () => {
  const ground = await begin(states.pending, 'prod', false);
  await ground.handIn(ground.ask('approve', '123456'));
  expect(ground.state()).toBe('pending');
  expect(ground.last()).toMatchObject({ summary: expect.stringMatching(/countersign enrol-code/) });
});

test('what lets nothing happen on prod needs no code', async () => {
  const ground = await begin();
  ground.deliver(
    ground.sign({ kind: 'reject', subject: { task: 'abcde', digest, reason: 'no' }, actor, evidence }),
    'dashboard',
  );
  await ground.turn();
  expect(ground.state()).toBe('rejected');
});

test('W15 the code stands nowhere in what is kept', async () => {
  const ground = await begin();
  const [right, bad] = [ground.now(), wrong(ground.now())];
  await ground.handIn(ground.ask('approve', bad), ground.ask('approve', right));
  const kept = readdirSync(ground.home, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('.git'))
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'));
  expect(kept.join('\n')).toContain('"second_factor"');
  for (const code of [right, bad])
    expect(kept.filter((text) => text.includes(`"${code}"`) || text.includes(` ${code}`))).toEqual([]);
});

test('A29 the dashboard’s key counts in its own spool, for its own kinds', async () => {
  const ground = await begin(states.pending, 'staging');
  const command = ground.ask('approve');
  ground.deliver(command, 'shell');
  ground.deliver(command, 'matrix');
  ground.deliver(ground.sign({ kind: 'clean', subject: { older_than_days: 0 }, actor, evidence }), 'dashboard');
  ground.deliver(
    ground.sign({ kind: 'approve', subject: { task: 'abcde', digest }, actor, evidence }, 'shell'),
    'dashboard',
  );
  await ground.turn();
  expect(ground.state()).toBe('pending');
  expect(ground.verdicts().map(({ summary }) => summary)).toEqual([
    // The spools are read one after the other.
    'the key belongs to another channel',
    'the key belongs to another channel',
    'clean is not taken from dashboard',
    'the key belongs to another channel',
  ]);
});
