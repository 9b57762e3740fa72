import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { QueueState } from '@countersign/contracts/queue-state.ts';
import { expect, test } from 'vitest';
import { beginDesk } from '../testing/desk-ground.ts';
import { eventsOf, makeHome, openContext } from '../testing/home.ts';
import { makeRecord, states } from '../testing/record.ts';

const readState = (runs: string) => QueueState.parse(JSON.parse(readFileSync(join(runs, 'queue.json'), 'utf8')));

test('a paused queue says who paused it, why and since when, also after a restart', async () => {
  const { sign, deliver, turn, verdicts, layout, restart, openQueue } = await beginDesk();
  deliver(sign({ kind: 'pause', subject: { reason: 'new disk' } }));
  await turn();
  expect(verdicts()).toMatchObject([{ event: 'command_accepted' }]);
  expect(openQueue().hold).toEqual({ wait: { kind: 'paused', on: ['op'] }, reason: 'new disk' });
  await restart();
  expect(openQueue().paused).toMatchObject({ by: 'op', reason: 'new disk' });
  expect(readState(layout.runs).paused).toMatchObject({ by: 'op', reason: 'new disk' });
  deliver(sign({ kind: 'resume', subject: {} }));
  await turn();
  expect(openQueue().hold).toBeNull();
  expect(readState(layout.runs)).toEqual({ version: 1, paused: null, breakers: [] });
  await restart();
  expect(openQueue().hold).toBeNull();
});

test('the same order is carried out once, also when the queue went on since', async () => {
  const { sign, deliver, turn, layout, restart, openQueue } = await beginDesk();
  const pause = sign({ kind: 'pause', subject: { reason: '' } });
  deliver(pause);
  await turn();
  deliver(sign({ kind: 'resume', subject: {} }));
  await turn();
  await restart();
  deliver(pause);
  await turn();
  expect(openQueue().hold).toBeNull();
  expect(eventsOf(layout.ownJournal).filter(({ event }) => event.startsWith('queue_'))).toHaveLength(2);
});

test('queue.json is made again when somebody removed it', async () => {
  const home = makeHome();
  await (await openContext(home)).close();
  rmSync(join(home.layout.runs, 'queue.json'));
  await openContext(home);
  expect(readState(home.layout.runs)).toEqual({ version: 1, paused: null, breakers: [] });
});

test('an open breaker stands in the journal and in queue.json, and comes back', async () => {
  const home = makeHome();
  const context = await openContext(home);
  for (const id of ['a1', 'a2', 'a3']) {
    const running = makeRecord({ id, state: states.running });
    context.queue.told(running);
    context.queue.told({ ...running, state: states.failed });
  }
  await context.queue.settled();
  expect(eventsOf(home.layout.ownJournal).map(({ event }) => event)).toEqual(['breaker_opened']);
  expect(readState(home.layout.runs).breakers).toMatchObject([{ workspace: 'project', tool: 'agent', failures: 3 }]);
  await context.close();
  const again = await openContext(home);
  expect(again.queue.breakers.mayBegin({ workspace: 'project', tool: 'agent' })?.wait.kind).toBe('breaker');
});

test('a one-time code that is missing is told, until there is one', async () => {
  const home = makeHome();
  const { queue } = await openContext(home);
  await queue.toldOfCode(true);
  expect(readState(home.layout.runs)).toEqual({ version: 1, paused: null, breakers: [], code: 'missing' });
  await queue.pause({ command: 'command-000000000001', by: 'op', reason: '' });
  expect(readState(home.layout.runs)).toMatchObject({ paused: { by: 'op' }, code: 'missing' });
  await queue.toldOfCode(false);
  expect(readState(home.layout.runs).code).toBeUndefined();
});
