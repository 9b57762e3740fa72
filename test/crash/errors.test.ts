import { expect, test } from 'vitest';
import { disturb } from './support/everywhere.ts';
import { errorsAt, type Point } from './support/points.ts';
import { roundsOf, seed } from './support/random.ts';
import { accept, approved, ask, decide, mergePair, runPair, work } from './support/scenarios.ts';

test.for([
  { scenario: accept, quick: 10 },
  { scenario: decide, quick: 10 },
  { scenario: work, quick: 6 },
  { scenario: approved, quick: 4 },
  { scenario: ask, quick: 4 },
  { scenario: runPair, quick: 2 },
  { scenario: mergePair, quick: 6 },
])(
  `F21 F22 F23 an error of every call in $scenario.name, from seed ${seed}`,
  async ({ scenario, quick }, { annotate }) => {
    const { points, tried, missed, restarted, failures } = await disturb(scenario, errorsAt, roundsOf(quick, 100));
    await annotate(`${tried} of ${points} points, ${missed} of them not reached; ${restarted} ended the runner`);
    expect(failures, failures.join('\n')).toEqual([]);
    // Some lie beyond what the scenario waits for.
    expect(missed).toBeLessThan(1 + tried / 2);
  },
);

const attempt = 'volumes/runs/RUN-001/tasks/devel/attempts/1';
/** Each was once taken for something else than the machine's trouble, or was not recovered from. */
const mistaken: readonly { scenario: typeof accept; code: string; key: string }[] = [
  { scenario: accept, code: 'ENOSPC', key: 'writeFile volumes/runs/RUN-001/tasks/devel/.<temporary>.tmp #3' },
  { scenario: decide, code: 'EIO', key: 'rename volumes/outbox/rejected/dev.md #1' },
  { scenario: work, code: 'EIO', key: 'lstat volumes/inbox/pending/dev.md #1' },
  { scenario: work, code: 'EIO', key: 'rm volumes/logs/runner/confinement/default/incoming #2' },
  { scenario: work, code: 'EIO', key: `lstat ${attempt}/quarantine/0/quarantine.git/.git/commondir #1` },
  {
    scenario: mergePair,
    code: 'EROFS',
    key: 'copyFile volumes/runs/RUN-001/tasks/pairs/attempts/1/merge/one.git/index #2',
  },
  {
    scenario: mergePair,
    code: 'EROFS',
    key: 'writeFile volumes/workspaces/pair/one/.git/countersign-merge/.<temporary>.tmp #1',
  },
];

test.for(mistaken)('F21 F22 $code of $key in $scenario.name is the machine’s', async ({ scenario, code, key }) => {
  const point: Point = { key, fate: { kind: 'error', code } };
  const { missed, failures } = await disturb(scenario, () => [point], 1);
  expect(failures, failures.join('\n')).toEqual([]);
  expect(missed).toBe(0);
});
