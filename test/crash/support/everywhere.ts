import { houseAfter, undisturbed } from './houses.ts';
import { fatesOf, nameOf, type Point } from './points.ts';
import { generator, seed, spread } from './random.ts';
import type { Scenario } from './scenario.ts';
import type { Step } from './step.ts';
import { describe, playAgainst } from './trial.ts';
import { inProcess } from './world.ts';

/** What came of a scenario that was disturbed at many points, one at a time. */
export type Disturbed = {
  /** How many points there are, how many of them were tried, and how many were not reached that time. */
  readonly points: number;
  readonly tried: number;
  readonly missed: number;
  /** Where an error ended the runner, and the next one went on. */
  readonly restarted: number;
  /** Each with what repeats it. */
  readonly failures: readonly string[];
};

/** One point of one scenario, as a failure printed it: `<scenario>: <point>`. */
const only = process.env['COUNTERSIGN_CRASH_POINT'];

/** Plays a scenario undisturbed, finds its points, and plays it again for some of them. */
export async function disturb(
  scenario: Scenario,
  find: (steps: readonly Step[]) => Point[],
  count: number,
): Promise<Disturbed> {
  const template = await houseAfter(scenario.after);
  const should = await undisturbed(scenario);
  const points = find(should.steps);
  const chosen =
    only === undefined
      ? spread(points, count, generator(seed))
      : points.filter((point) => only === `${scenario.name}: ${nameOf(point)}`);
  const failures: string[] = [];
  let missed = 0;
  let restarted = 0;
  for (const point of chosen) {
    const fates = fatesOf(point);
    const trial = await playAgainst(should.picture, scenario, template, [inProcess(fates)]);
    if (!fates.happened) missed += 1;
    else if (point.fate.kind !== 'death' && trial.ends.length > 0) restarted += 1;
    if (trial.broken.length === 0) continue;
    const failure = describe(`${scenario.name}: ${nameOf(point)}`, trial);
    failures.push(failure);
    // At once, for whoever waits for a long run.
    process.stderr.write(`${failure}\n`);
  }
  return { points: points.length, tried: chosen.length, missed, restarted, failures };
}
