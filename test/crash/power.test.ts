import { afterAll, expect, test } from 'vitest';
import { houseAfter, removeHouses } from './support/houses.ts';
import { deathsAt, fatesOf, nameOf } from './support/points.ts';
import { generator, roundsOf, seed, spread } from './support/random.ts';
import { accept, approved, decide, mergePair, work } from './support/scenarios.ts';
import { describe, play, playAgainst } from './support/trial.ts';
import { losePower } from './support/world.ts';

afterAll(removeHouses);

test.for([
  { scenario: accept, quick: 8 },
  { scenario: decide, quick: 8 },
  { scenario: work, quick: 6 },
  { scenario: approved, quick: 4 },
  { scenario: mergePair, quick: 4 },
])(
  `F15 F17 F18 F19 the machine loses power beside a step of $scenario.name, from seed ${seed}`,
  async ({ scenario, quick }) => {
    const template = await houseAfter(scenario.after);
    const undisturbed = await play(scenario, template);
    const failures: string[] = [];
    const points = spread(deathsAt(undisturbed.steps), roundsOf(quick, 100), generator(seed));
    for (const [index, point] of points.entries()) {
      // Every other time the least that can be left, else some of the rest as well.
      const chance = index % 2 === 0 ? null : generator(seed + index);
      const trial = await playAgainst(undisturbed.picture, scenario, template, [losePower(fatesOf(point), chance)]);
      if (trial.broken.length === 0) continue;
      const what = chance === null ? 'all that was not synced is lost' : 'some of what was not synced is lost';
      const failure = describe(`${scenario.name}: ${nameOf(point)}, ${what}`, trial);
      failures.push(failure);
      process.stderr.write(`${failure}\n`);
    }
    expect(failures, failures.join('\n')).toEqual([]);
  },
);
