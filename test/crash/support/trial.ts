import { drive } from './drive.ts';
import type { House } from './house.ts';
import { findBroken } from './invariants.ts';
import type { Fates } from './life.ts';
import { differences, type Picture, pictureOf } from './picture.ts';
import { findUnrecovered } from './recovery.ts';
import { Operator, type Scenario } from './scenario.ts';
import type { Step } from './step.ts';
import { tasksByRecord } from './view.ts';
import { World } from './world.ts';

/** What came of a scenario that was played on a copy of a house. */
export type Trial = {
  /** The steps of each of its runners. */
  readonly lives: readonly (readonly Step[])[];
  readonly picture: Picture;
  /** Everything that is wrong; empty when all is well. */
  readonly broken: readonly string[];
};

/** So many runners of one trial may end of themselves before it is no resumption any more. */
const maximumLives = 12;

/**
 * Plays a scenario: each of `fates` is one runner's, and those after them live undisturbed, until it has come to its end. What each
 * death leaves is checked, and what is there in the end.
 * @param keep is given the house in the end, instead of its being removed
 */
export async function play(
  scenario: Scenario,
  template: House,
  fates: readonly Fates[] = [],
  keep?: (house: House) => void,
): Promise<Trial> {
  const house = template.copy();
  const world = new World(house);
  const operator = new Operator(house);
  const { surroundings } = world;
  const witness = { operator, taken: surroundings.taken };
  const lives: (readonly Step[])[] = [];
  const broken: string[] = [];
  for (let count = 0; ; count += 1) {
    const running = await world.begin(fates[count]);
    lives.push(running.life.steps);
    const outcome = await drive(scenario, world, operator, running);
    const ended = outcome === 'ended' ? await running.ended : await running.stop();
    if (ended === 'stopped') {
      if (outcome !== 'done') broken.push(`it does not come to its end: ${standing(house)}`);
      break;
    }
    await running.bury();
    broken.push(...(await findUnrecovered(house, witness).catch((error: unknown) => [`unrecoverable: ${String(error)}`])));
    if (count < maximumLives) continue;
    broken.push(`it does not stay alive: ${String(ended)}`);
    break;
  }
  broken.push(...findBroken(house.layout, witness));
  const picture = pictureOf(house);
  await surroundings.close();
  if (keep === undefined) house.remove();
  else keep(house);
  return { lives, picture, broken };
}

function standing(house: House): string {
  return [...tasksByRecord(house.layout).values()]
    .map(({ id, state }) => `${id} ${state.status} (${state.reason})`)
    .join(', ');
}

/** The same, compared with what undisturbed work comes to. */
export async function playAgainst(
  should: Picture,
  scenario: Scenario,
  template: House,
  fates: readonly Fates[],
): Promise<Trial> {
  const trial = await play(scenario, template, fates);
  return { ...trial, broken: [...trial.broken, ...differences(trial.picture, should)] };
}
