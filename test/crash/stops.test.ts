import { expect, test } from 'vitest';
import { disturb } from './support/everywhere.ts';
import { stopsAt } from './support/points.ts';
import { roundsOf, seed } from './support/random.ts';
import { accept, approved, ask, decide, mergePair, runPair, work } from './support/scenarios.ts';

test.for([
  { scenario: accept, quick: 2 },
  { scenario: decide, quick: 3 },
  { scenario: work, quick: 6 },
  { scenario: approved, quick: 4 },
  { scenario: ask, quick: 3 },
  { scenario: runPair, quick: 3 },
  { scenario: mergePair, quick: 4 },
])(`F04 told to stop at every step of $scenario.name, from seed ${seed}`, async ({ scenario, quick }, { annotate }) => {
  const { points, tried, missed, failures } = await disturb(scenario, stopsAt, roundsOf(quick, 40));
  await annotate(`${tried} of ${points} points, ${missed} of them not reached`);
  expect(failures, failures.join('\n')).toEqual([]);
  // Some lie beyond what the scenario waits for.
  expect(missed).toBeLessThan(1 + tried / 2);
});
