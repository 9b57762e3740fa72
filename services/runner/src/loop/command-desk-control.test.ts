import { expect, test } from 'vitest';
import { beginDesk, dieAfterVerdict } from '../testing/desk-ground.ts';
import { eventsOf, filesIn } from '../testing/home.ts';
import { approval, states } from '../testing/record.ts';

test('a cancellation is remembered with who and why, before anything is stopped', async () => {
  const { sign, deliver, turn, task, layout, run } = await beginDesk(states.running);
  const command = sign({ kind: 'cancel', subject: { task: 'abcde', reason: 'wrong branch' } });
  deliver(command);
  await turn();
  expect(task()).toMatchObject({
    state: { status: 'running' },
    cancellation: { command: command.id, channel: 'shell', user: 'op', reason: 'wrong branch' },
  });
  expect(eventsOf(layout.runJournal(run)).at(-1)).toMatchObject({
    event: 'cancel_requested',
    summary: 'op cancels it through shell: wrong branch',
  });
});

test('a cancellation whose effect a death cut off is carried out by the next runner', async () => {
  const ground = await beginDesk(states.running);
  await dieAfterVerdict(ground, ground.sign({ kind: 'cancel', subject: { task: 'abcde', reason: '' } }));
  await ground.restart();
  expect(ground.task()?.cancellation).toBeNull();
  await ground.turn();
  expect(ground.task()?.cancellation).toMatchObject({ user: 'op' });
  expect(ground.inShell()).toEqual([]);
});

test('a cancellation that a death cut off is owed, also to a task that came to its merge meanwhile', async () => {
  const ground = await beginDesk(states.verifying);
  await dieAfterVerdict(ground, ground.sign({ kind: 'cancel', subject: { task: 'abcde', reason: '' } }));
  await ground.restart();
  await ground.goBack(states.merging);
  await ground.turn();
  expect(ground.task()).toMatchObject({ state: { status: 'merging' }, cancellation: { user: 'op' } });
  expect(ground.inShell()).toEqual([]);
});

test('a task that is being merged is not cancelled by who comes too late', async () => {
  const { sign, deliver, turn, task, verdicts } = await beginDesk(states.merging);
  deliver(sign({ kind: 'cancel', subject: { task: 'abcde', reason: '' } }));
  await turn();
  expect(task()?.cancellation).toBeNull();
  expect(verdicts()).toMatchObject([{ event: 'command_refused' }]);
});

test('a retry brings the file back into the inbox, for an attempt that begins anew', async () => {
  const { sign, deliver, turn, task, layout } = await beginDesk(states.failed);
  deliver(sign({ kind: 'retry', subject: { task: 'abcde' } }));
  await turn();
  expect(task()).toMatchObject({
    state: { status: 'queued', wait: { kind: 'turn' } },
    retries: 1,
    bases: null,
    interruptions: 0,
    cancellation: null,
  });
  expect(filesIn(layout, 'inbox')).toEqual(['x.md']);
  expect(filesIn(layout, 'outbox/failed')).toEqual([]);
});

test('a retry that is delivered again after another failure asks for nothing', async () => {
  const { sign, deliver, turn, task, goBack } = await beginDesk(states.failed);
  const retry = sign({ kind: 'retry', subject: { task: 'abcde' } });
  deliver(retry);
  await turn();
  await goBack(states.failed);
  deliver(retry);
  await turn();
  expect(task()).toMatchObject({ state: { status: 'failed' }, retries: 1 });
});

test('an approval that is taken back leaves the request as it was', async () => {
  const { approve, sign, deliver, turn, task } = await beginDesk();
  const given = approve();
  deliver(given);
  await turn();
  deliver(sign({ kind: 'revoke', subject: { task: 'abcde', command: given.id } }));
  await turn();
  expect(task()?.state).toMatchObject({
    status: 'pending',
    digest: approval.digest,
    wait: { kind: 'approval' },
    reason: `the approval was taken back; waits for approval of ${approval.digest.slice(0, 8)}`,
  });
});

test('the approval that was taken back does not count when it is delivered again', async () => {
  const { approve, sign, deliver, turn, state, restart } = await beginDesk();
  const given = approve();
  deliver(given);
  await turn();
  deliver(sign({ kind: 'revoke', subject: { task: 'abcde', command: given.id } }));
  await turn();
  await restart();
  deliver(given);
  await turn();
  expect(state()).toBe('pending');
});
