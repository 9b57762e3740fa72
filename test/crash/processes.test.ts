import { afterAll, expect, test } from 'vitest';
import { houseAfter, removeHouses } from './support/houses.ts';
import { deathsAt, nameOf } from './support/points.ts';
import { generator, roundsOf, seed, spread } from './support/random.ts';
import { accept, decide, mergePair, work } from './support/scenarios.ts';
import { describe, play, playAgainst } from './support/trial.ts';
import { asProcess } from './support/world.ts';

afterAll(removeHouses);

const ends = [
  { end: 'SIGKILL', id: 'F01', how: 'dead' },
  { end: 'SIGTERM', id: 'F04', how: 'stopped' },
  { end: 'rejection', id: 'F06', how: 'failed' },
] as const;

test.for(
  [
    { scenario: accept, quick: 2 },
    { scenario: decide, quick: 2 },
    { scenario: work, quick: 2 },
    { scenario: mergePair, quick: 3 },
  ].flatMap((one) => ends.map((end) => ({ ...one, ...end }))),
)(`$id a process of $scenario.name ends by $end, from seed ${seed}`, async ({ scenario, quick, end, how }) => {
  const template = await houseAfter(scenario.after);
  const undisturbed = await play(scenario, template);
  const count = roundsOf(end === 'SIGKILL' ? quick : 1, end === 'SIGKILL' ? 20 : 5);
  const failures: string[] = [];
  let reached = 0;
  for (const point of spread(deathsAt(undisturbed.steps), count, generator(seed))) {
    const trial = await playAgainst(undisturbed.picture, scenario, template, [asProcess(point, end)]);
    const [first] = trial.ends;
    // One that came to the scenario's end before its own has shown nothing.
    if (first !== undefined) reached += 1;
    const isOther = first !== undefined && first.how !== how;
    if (trial.broken.length > 0 || isOther) failures.push(describe(`${scenario.name}: ${nameOf(point)}`, trial));
  }
  expect(failures, failures.join('\n')).toEqual([]);
  expect(reached).toBeGreaterThan(0);
});
