import { expect, test } from 'vitest';
import { houseAfter, undisturbed } from './support/houses.ts';
import { deathsAt, nameOf } from './support/points.ts';
import { generator, roundsOf, seed, spread } from './support/random.ts';
import { accept, decide, mergePair, work } from './support/scenarios.ts';
import { describe, playAgainst } from './support/trial.ts';
import { asProcess } from './support/world.ts';

const ends = [
  { end: 'SIGKILL', id: 'F01', how: 'dead' },
  { end: 'SIGTERM', id: 'F04', how: 'stopped' },
  { end: 'rejection', id: 'F06', how: 'failed' },
] as const;

test.for([accept, decide, work, mergePair].flatMap((scenario) => ends.map((end) => ({ scenario, ...end }))))(
  `$id a process of $scenario.name ends by $end, from seed ${seed}`,
  async ({ scenario, end, how }) => {
    const template = await houseAfter(scenario.after);
    const should = await undisturbed(scenario);
    const count = roundsOf(1, end === 'SIGKILL' ? 10 : 5);
    const failures: string[] = [];
    let reached = 0;
    // What goes on beside another thing may come at another time, and its point is not reached then: the next one is tried.
    for (const point of spread(deathsAt(should.steps), 3 * count, generator(seed))) {
      if (reached === count) break;
      const trial = await playAgainst(should.picture, scenario, template, [asProcess(point, end)]);
      const [first] = trial.ends;
      if (first !== undefined) reached += 1;
      const isOther = first !== undefined && first.how !== how;
      if (trial.broken.length > 0 || isOther) failures.push(describe(`${scenario.name}: ${nameOf(point)}`, trial));
    }
    expect(failures, failures.join('\n')).toEqual([]);
    // One that is told to stop may have come to the scenario's end by then.
    if (how !== 'stopped') expect(reached).toBeGreaterThan(0);
  },
);
