import { expect, test } from 'vitest';
import { houseAfter } from './support/houses.ts';
import { deathAtStep } from './support/points.ts';
import { generator, roundsOf, seed } from './support/random.ts';
import { randomScenario } from './support/random-scenario.ts';
import { begun } from './support/scenarios.ts';
import { describe, play } from './support/trial.ts';
import { inProcess } from './support/world.ts';

const rounds = roundsOf(2, 40);

test(`F01 F03 ${rounds} days of dropping, deciding and dying, from seed ${seed}`, async () => {
  const house = await houseAfter(begun);
  const failures: string[] = [];
  for (let round = seed; round < seed + rounds; round += 1) {
    const random = generator(round);
    const scenario = randomScenario(random);
    const starts = Array.from({ length: 1 + Math.floor(random() * 4) }, () =>
      inProcess(deathAtStep(1 + Math.floor(random() * 300), random() < 0.5 ? 'before' : 'after')),
    );
    const trial = await play(scenario, house, starts);
    if (trial.broken.length === 0) continue;
    const failure = describe(`seed ${round}: ${scenario.name}`, trial);
    failures.push(failure);
    process.stderr.write(`${failure}\n`);
  }
  expect(failures, failures.join('\n')).toEqual([]);
});
