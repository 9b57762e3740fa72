import { expect, test } from 'vitest';
import { disturb } from './support/everywhere.ts';
import { errorsAt } from './support/points.ts';
import { roundsOf, seed } from './support/random.ts';
import { accept, approved, decide, mergePair, runPair, work } from './support/scenarios.ts';

test.for([
  { scenario: accept, quick: 10 },
  { scenario: decide, quick: 10 },
  { scenario: work, quick: 6 },
  { scenario: approved, quick: 4 },
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
