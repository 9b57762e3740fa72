import type { TaskState } from '@countersign/contracts/task-record.ts';
import { expect, test } from 'vitest';
import { beginDesk, dieAfterVerdict } from '../testing/desk-ground.ts';
import { digest, result, states } from '../testing/record.ts';

const review = states.review;
const unverified: TaskState = { ...review, result: { ...result, verification: { status: 'unverified' } } };
type Ground = Awaited<ReturnType<typeof beginDesk>>;

const mergeOf = ({ sign }: Ground, subject: { digest?: string; unverified?: true } = {}) =>
  sign({ kind: 'merge', subject: { task: 'abcde', digest, ...subject } });
const rebaseOf = ({ sign }: Ground, about = digest) =>
  sign({ kind: 'rebase', subject: { task: 'abcde', digest: about } });

test('a merge of what was shown begins, with who decided it by what', async () => {
  const ground = await beginDesk(review);
  const command = mergeOf(ground);
  ground.deliver(command);
  await ground.turn();
  expect(ground.state()).toBe('merging');
  expect(ground.verdicts()).toMatchObject([{ event: 'command_accepted', data: { kind: 'merge' } }]);
  expect(ground.taskEvents().at(-1)).toBe('merge_started');
});

test.each<[string, TaskState, { digest?: string; unverified?: true }, RegExp]>([
  ['A07 of another digest', review, { digest: 'e'.repeat(64) }, /^stale-digest: project: .*now dddddddd, not eeeeeeee/],
  ['of what nobody checked', unverified, {}, /^unverified: .*--unverified/],
  ['of a task at its gate', states.pending, {}, /pending and has nothing to merge/],
  ['of a task that is being merged', states.merging, {}, /being merged already/],
  ['of a task that is done', states.done, {}, /no task|nothing to merge/],
  ['of a task that is carried over', states.rebasing, {}, /rebasing and has nothing to merge/],
])('a merge %s is refused and changes nothing', async (_what, state, subject, reason) => {
  const ground = await beginDesk(state);
  ground.deliver(mergeOf(ground, subject));
  await ground.turn();
  expect(ground.state()).toBe(state.status);
  expect(ground.verdicts()).toMatchObject([{ event: 'command_refused', summary: expect.stringMatching(reason) }]);
});

test('what nobody checked is merged where that was said by name', async () => {
  const ground = await beginDesk(unverified);
  ground.deliver(mergeOf(ground, { unverified: true }));
  await ground.turn();
  expect(ground.state()).toBe('merging');
});

test('A31 prod is not merged from the room', async () => {
  const ground = await beginDesk(review, 'prod');
  const subject = { task: 'abcde', digest };
  ground.deliver(ground.sign({ kind: 'merge', subject, actor: { channel: 'matrix', user: '@op:x' } }), 'matrix');
  await ground.turn();
  expect(ground.state()).toBe('review');
  expect(ground.verdicts()).toMatchObject([{ summary: expect.stringMatching(/at the machine itself/) }]);
});

test('A01 a person whom the stage does not list merges nothing', async () => {
  const ground = await beginDesk(review);
  const actor = { channel: 'matrix' as const, user: '@other:x' };
  ground.deliver(ground.sign({ kind: 'merge', subject: { task: 'abcde', digest }, actor }), 'matrix');
  ground.deliver(ground.sign({ kind: 'rebase', subject: { task: 'abcde', digest }, actor }), 'matrix');
  await ground.turn();
  expect(ground.state()).toBe('review');
  expect(ground.verdicts().map(({ event }) => event)).toEqual(['command_refused', 'command_refused']);
});

test('A24 of a merge and a rejection the first counts', async () => {
  const ground = await beginDesk(review);
  ground.deliver(ground.reject());
  ground.deliver(mergeOf(ground));
  await ground.turn();
  expect(ground.state()).toBe('rejected');
  const other = await beginDesk(review);
  other.deliver(mergeOf(other));
  other.deliver(other.reject());
  await other.turn();
  expect(other.state()).toBe('merging');
});

test('a rebase takes an attempt of its own, and the result that is there stays', async () => {
  const ground = await beginDesk(review);
  ground.deliver(rebaseOf(ground));
  await ground.turn();
  expect(ground.state()).toBe('rebasing');
  expect(ground.taskEvents().at(-1)).toBe('rebase_started');
  const stale = await beginDesk(review);
  stale.deliver(rebaseOf(stale, 'e'.repeat(64)));
  await stale.turn();
  expect(stale.state()).toBe('review');
});

test.each(['merge', 'rebase'] as const)(
  'F05 a death between the verdict on a %s and its effect loses nothing',
  async (kind) => {
    const ground = await beginDesk(review);
    await dieAfterVerdict(ground, kind === 'merge' ? mergeOf(ground) : rebaseOf(ground));
    await ground.restart();
    expect(ground.state()).toBe('review');
    await ground.turn();
    expect(ground.state()).toBe(kind === 'merge' ? 'merging' : 'rebasing');
    await ground.turn();
    expect(ground.verdicts()).toHaveLength(1);
  },
);

test.each(['merge', 'rebase'] as const)(
  'A22 a %s that led back to its review is not carried out a second time',
  async (kind) => {
    const ground = await beginDesk(review);
    const command = kind === 'merge' ? mergeOf(ground) : rebaseOf(ground);
    ground.deliver(command);
    await ground.turn();
    expect(ground.state()).not.toBe('review');
    await ground.goBack(review);
    ground.clock.pass(30 * 24 * 3_600_000);
    ground.deliver(command);
    await ground.turn();
    expect(ground.state()).toBe('review');
  },
);
