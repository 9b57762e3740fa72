import { houseAfter } from './houses.ts';
import { fatesOf, nameOf, type Point } from './points.ts';
import { generator, seed, spread } from './random.ts';
import type { Scenario } from './scenario.ts';
import type { Step } from './step.ts';
import { play, playAgainst } from './trial.ts';

/** What came of a scenario that was disturbed at many points, one at a time. */
export type Disturbed = {
  /** How many points there are, how many of them were tried, and how many were not reached that time. */
  readonly points: number;
  readonly tried: number;
  readonly missed: number;
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
  const undisturbed = await play(scenario, template);
  if (undisturbed.broken.length > 0) throw new Error(`${scenario.name}, undisturbed: ${undisturbed.broken.join('; ')}`);
  const points = find(undisturbed.lives.flat());
  const chosen =
    only === undefined
      ? spread(points, count, generator(seed))
      : points.filter((point) => only === `${scenario.name}: ${nameOf(point)}`);
  const failures: string[] = [];
  let missed = 0;
  for (const point of chosen) {
    const fates = fatesOf(point);
    if (process.env['DEBUG']) console.error(scenario.name, nameOf(point), Math.round(performance.now()));
    const { broken } = await playAgainst(undisturbed.picture, scenario, template, [fates]);
    if (!fates.happened) missed += 1;
    if (process.env['DEBUG']) console.error(broken);
    if (broken.length > 0) failures.push(`${scenario.name}: ${nameOf(point)}\n    ${broken.join('\n    ')}`);
  }
  return { points: points.length, tried: chosen.length, missed, failures };
}
