import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { beginDesk } from '../testing/desk-ground.ts';
import { eventsOf } from '../testing/home.ts';
import { states } from '../testing/record.ts';

async function begin() {
  const ground = await beginDesk(states.failed);
  const attempt = join(ground.layout.task(ground.run, 'abcde'), 'attempts/1');
  mkdirSync(attempt, { recursive: true });
  for (const name of ['stdout.log', 'handoff.yaml', 'plan.md']) writeFileSync(join(attempt, name), 'x'.repeat(9_000));
  const clean = (older_than_days: number) => ground.sign({ kind: 'clean', subject: { older_than_days } });
  const cleaned = () => eventsOf(ground.layout.ownJournal).filter(({ event }) => event === 'cleaned_up');
  return { ...ground, attempt, clean, cleaned };
}

test('raw output of a task that ended goes, its handoff and plan stay, and what went is told once', async () => {
  const { deliver, turn, clean, attempt, cleaned } = await begin();
  const command = clean(0);
  deliver(command);
  await turn();
  deliver(command);
  await turn();
  expect(existsSync(join(attempt, 'stdout.log'))).toBe(false);
  expect(existsSync(join(attempt, 'handoff.yaml')) && existsSync(join(attempt, 'plan.md'))).toBe(true);
  expect(cleaned()).toMatchObject([{ data: { items: 1 } }]);
});

test('what ended lately stays', async () => {
  const { deliver, turn, clean, attempt } = await begin();
  deliver(clean(30));
  await turn();
  expect(existsSync(join(attempt, 'stdout.log'))).toBe(true);
});

test('only the shell cleans up', async () => {
  const { deliver, turn, sign, attempt, verdicts } = await begin();
  const actor = { channel: 'matrix' as const, user: '@op:x' };
  deliver(sign({ kind: 'clean', subject: { older_than_days: 0 }, actor }), 'matrix');
  await turn();
  expect(existsSync(join(attempt, 'stdout.log'))).toBe(true);
  expect(verdicts()).toMatchObject([{ event: 'command_refused', summary: 'clean is not taken from matrix' }]);
});
