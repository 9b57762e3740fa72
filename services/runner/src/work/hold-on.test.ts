import { mkdirSync } from 'node:fs';
import { SystemTrouble } from '@countersign/kit/system-trouble.ts';
import { expect, test } from 'vitest';
import { newSlotId, Slot } from '../sandbox/slot.ts';
import { makeHome, openContext } from '../testing/home.ts';
import { makeRecord, states } from '../testing/record.ts';
import { holdOn } from './hold-on.ts';

async function begin() {
  const home = makeHome();
  const context = await openContext(home);
  const run = await context.runs.ofTheDay('project', context.now());
  const record = makeRecord({ run, state: states.running, attempts: 1 });
  mkdirSync(home.layout.task(run, record.id), { recursive: true });
  const detail = { event: 'task_started', phase: 'run', agent_role: 'coder', summary: 'x' } as const;
  await context.tasks.create(record, detail);
  await using slot = await Slot.open(home.slots, newSlotId());
  const leave = new AbortController();
  let tries = 0;
  const hold = (work: (count: number) => Promise<void>) =>
    holdOn({ ...context, paces: { ...context.paces, finishRetryMs: 1 } }, record, slot, leave.signal, () =>
      work(++tries),
    );
  return { context, record, leave, hold, tries: () => tries };
}

const full = () => new SystemTrouble('ENOSPC', 'no room');

test('F21 what a full disk cut short is done again until there is room', async () => {
  const { hold, tries } = await begin();
  await hold(async (count) => {
    if (count < 4) throw full();
  });
  expect(tries()).toBe(4);
});

test('an error of the work itself is none that passes', async () => {
  const { hold, tries } = await begin();
  await expect(hold(() => Promise.reject(new Error('wrong')))).rejects.toThrow('wrong');
  expect(tries()).toBe(1);
});

test('what has moved on is not done again', async () => {
  const { context, record, hold, tries } = await begin();
  await hold(async () => {
    const detail = { event: 'task_ended', phase: 'run', agent_role: 'runner', summary: 'x' } as const;
    await context.tasks.transition(record.id, states.failed, detail);
    throw full();
  });
  expect(tries()).toBe(1);
});

test('whoever leaves does not wait for room', async () => {
  const { leave, hold } = await begin();
  const held = hold(async () => {
    leave.abort(new Error('left'));
    throw full();
  });
  await expect(held).rejects.toThrow('no room');
});
