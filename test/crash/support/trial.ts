import { drive } from './drive.ts';
import type { House } from './house.ts';
import { findBroken } from './invariants.ts';
import { differences, type Picture, pictureOf } from './picture.ts';
import { findUnrecovered } from './recovery.ts';
import { Operator, type Scenario } from './scenario.ts';
import { keyOf, type Step } from './step.ts';
import { tasksByRecord } from './view.ts';
import { type End, inProcess, type Running, type Start, World } from './world.ts';

/** What came of a scenario that was played on a copy of a house. */
export type Trial = {
  /** The steps of all runners, one after the other. */
  readonly steps: readonly Step[];
  /** How those ended that did not live until the scenario's end. */
  readonly ends: readonly End[];
  readonly picture: Picture;
  /** Everything that is wrong; empty when all is well. */
  readonly broken: readonly string[];
};

/** So many runners of one trial may end of themselves before it is no resumption any more. */
const maximumLives = 12;

/**
 * Plays a scenario: with the runners of `starts` first, and then with undisturbed ones, until it has come to its end. What each end
 * of a runner leaves is checked, and what is there at last.
 * @param keep is given the house at last, instead of its being removed
 */
export async function play(
  scenario: Scenario,
  template: House,
  starts: readonly Start[] = [],
  keep?: (house: House) => void,
): Promise<Trial> {
  const house = template.copy();
  const world = new World(house);
  const operator = new Operator(house, (path) => world.onPut(path));
  const { surroundings } = world;
  const witness = { operator, taken: surroundings.taken, rooms: surroundings.rooms };
  const steps: Step[] = [];
  const ends: End[] = [];
  const broken: string[] = [];
  for (;;) {
    const running = await (starts[ends.length] ?? inProcess())(world);
    const outcome = await drive(scenario, world, operator, running);
    const end = outcome === 'ended' ? await running.ended : await running.stop();
    steps.push(...running.steps);
    if (outcome === 'stuck') broken.push(`it does not come to its end: ${standing(world, running)}`);
    if (outcome === 'stuck') break;
    // What an error kept a runner from writing down until it was told to stop, the next start brings in order.
    const isDisturbed = ends.length < starts.length;
    const isOver = outcome === 'done' && end.how === 'stopped';
    if (isOver && !(isDisturbed && findBroken(house.layout, witness).length > 0)) break;
    ends.push(end);
    await running.bury();
    broken.push(...(await unrecovered(house, witness)));
    if (ends.length < maximumLives) continue;
    broken.push('it does not stay alive');
    break;
  }
  broken.push(...findBroken(house.layout, witness));
  const picture = pictureOf(house);
  await surroundings.close();
  if (keep === undefined) house.remove();
  else keep(house);
  return { steps, ends, picture, broken };
}

function unrecovered(...args: Parameters<typeof findUnrecovered>): Promise<string[]> {
  return findUnrecovered(...args).catch((error: unknown) => [`it cannot be recovered: ${String(error)}`]);
}

/** Where it stands, for whoever wants to know why it goes no further. */
function standing({ house, surroundings }: World, { steps }: Running): string {
  const tasks = [...tasksByRecord(house.layout).values()].map(
    ({ id, state }) => `${id} ${state.status} (${state.reason})`,
  );
  const taken = surroundings.taken.map(({ slot, task, mode }) => `${slot} took ${task} to ${mode}`);
  const last = steps.filter(({ ordinal }) => ordinal === 1).slice(-12);
  return [...tasks, ...taken, `sandboxes: ${[...surroundings.sandboxes.keys()].join(' ')}`, ...last.map(keyOf)].join(
    ', ',
  );
}

/** The same, compared with what undisturbed work comes to. */
export async function playAgainst(
  should: Picture,
  scenario: Scenario,
  template: House,
  starts: readonly Start[],
): Promise<Trial> {
  const trial = await play(scenario, template, starts);
  return { ...trial, broken: [...trial.broken, ...differences(trial.picture, should)] };
}

/** A failure as it is printed: what repeats it, how the runners ended, and what is wrong. */
export function describe(name: string, { ends, broken }: Trial): string {
  return [name, ...ends.map(({ how, where }) => `${how}: ${where}`), ...broken].join('\n    ');
}
