import { expect, test } from 'vitest';
import { houseAfter, undisturbed } from './support/houses.ts';
import { deathsAt, fatesOf, nameOf } from './support/points.ts';
import { generator, roundsOf, seed, spread } from './support/random.ts';
import { accept, approved, ask, decide, mergePair, work } from './support/scenarios.ts';
import { describe, playAgainst } from './support/trial.ts';
import { losePower } from './support/world.ts';

test.for([
  { scenario: accept, quick: 4 },
  { scenario: decide, quick: 4 },
  { scenario: work, quick: 3 },
  { scenario: approved, quick: 2 },
  { scenario: ask, quick: 3 },
  { scenario: mergePair, quick: 3 },
])(
  `F15 F17 F18 the machine loses power beside a step of $scenario.name, from seed ${seed}`,
  async ({ scenario, quick }) => {
    const template = await houseAfter(scenario.after);
    const should = await undisturbed(scenario);
    const failures: string[] = [];
    const points = spread(deathsAt(should.steps), roundsOf(quick, 40), generator(seed));
    for (const [index, point] of points.entries()) {
      // Every other time the least that can be left, else some of the rest as well.
      const chance = index % 2 === 0 ? null : generator(seed + index);
      const trial = await playAgainst(should.picture, scenario, template, [losePower(fatesOf(point), chance)]);
      if (trial.broken.length === 0) continue;
      const what = chance === null ? 'all that was not synced is lost' : 'some of what was not synced is lost';
      const failure = describe(`${scenario.name}: ${nameOf(point)}, ${what}`, trial);
      failures.push(failure);
      process.stderr.write(`${failure}\n`);
    }
    expect(failures, failures.join('\n')).toEqual([]);
  },
);
