import { expect, test } from 'vitest';
import { houseAfter, undisturbed } from './support/houses.ts';
import { deathAtStep, deathsAt, fatesOf } from './support/points.ts';
import { generator, roundsOf, seed } from './support/random.ts';
import { accept, decide, mergePair, work } from './support/scenarios.ts';
import { describe, playAgainst } from './support/trial.ts';
import { inProcess } from './support/world.ts';

const rounds = roundsOf(2, 20);
/** More than a recovery takes, so that some deaths are of the work that follows. */
const recoverySteps = 40;

test.for([accept, decide, work, mergePair])(
  `F02 killed, killed while it recovers, and again, and again: ${rounds} times $name, from seed ${seed}`,
  async (scenario) => {
    const template = await houseAfter(scenario.after);
    const should = await undisturbed(scenario);
    const points = deathsAt(should.steps);
    const failures: string[] = [];
    for (let round = seed; round < seed + rounds; round += 1) {
      const random = generator(round);
      const pick = <T>(from: readonly T[]) => from[Math.floor(random() * from.length)] as T;
      const again = Array.from({ length: 3 }, () =>
        deathAtStep(1 + Math.floor(random() * recoverySteps), pick(['before', 'after'] as const)),
      );
      const starts = [fatesOf(pick(points)), ...again].map((fates) => inProcess(fates));
      const trial = await playAgainst(should.picture, scenario, template, starts);
      if (trial.broken.length > 0) failures.push(describe(`seed ${round}`, trial));
    }
    expect(failures, failures.join('\n')).toEqual([]);
  },
);
