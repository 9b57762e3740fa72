import { expect, test } from 'vitest';
import { Clock, makeHome, openContext } from '../testing/home.ts';
import { approval, makeRecord, states } from '../testing/record.ts';
import { Activity, mayStillBegin } from './attempt.ts';

test.each([
  ['a second before the end', -1_000, true],
  ['a millisecond before the end', -1, true],
  ['at the end', 0, false],
  ['a second after the end', 1_000, false],
])('A23 work that is ready %s of its approval begins only before it', async (_, after, may) => {
  const clock = new Clock();
  const context = await openContext(makeHome(), clock);
  const run = await context.runs.ofTheDay('project', context.now());
  const record = makeRecord({ run, stage: 'staging', gate: true, state: states.approved });
  await context.tasks.create(record, { event: 'task_accepted', phase: 'queue', agent_role: 'runner', summary: 'x' });
  const kept = context.tasks.get(record.id) ?? record;
  const activity = new Activity(async () => undefined);
  clock.pass(Date.parse(approval.expires_at) + after - clock.now().getTime());
  expect(mayStillBegin(context, kept, activity)).toBe(may);
});
