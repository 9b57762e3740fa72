import { House } from './house.ts';
import type { Scenario } from './scenario.ts';
import { play, type Trial } from './trial.ts';

const houses = new Map<Scenario | null, Promise<House>>();

/** The house that a scenario leads to, made once; copied and never changed. */
export function houseAfter(scenario: Scenario | null): Promise<House> {
  let house = houses.get(scenario);
  if (house === undefined) {
    house = scenario === null ? Promise.resolve(House.build()) : make(scenario);
    houses.set(scenario, house);
  }
  return house;
}

async function make(scenario: Scenario): Promise<House> {
  let made: House | undefined;
  const { broken } = await play(scenario, await houseAfter(scenario.after), [], (house) => {
    made = house;
  });
  if (made === undefined || broken.length > 0) throw new Error(`${scenario.name}: ${broken.join('; ')}`);
  return made;
}

const trials = new Map<Scenario, Promise<Trial>>();

/** What a scenario comes to when nothing disturbs it, played once. @throws Error when that is not as it should be */
export function undisturbed(scenario: Scenario): Promise<Trial> {
  let trial = trials.get(scenario);
  if (trial === undefined) {
    trial = playOnce(scenario);
    trials.set(scenario, trial);
  }
  return trial;
}

async function playOnce(scenario: Scenario): Promise<Trial> {
  const trial = await play(scenario, await houseAfter(scenario.after));
  if (trial.broken.length > 0) throw new Error(`${scenario.name}, undisturbed: ${trial.broken.join('; ')}`);
  return trial;
}
