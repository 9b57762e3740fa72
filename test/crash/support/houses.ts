import { House } from './house.ts';
import type { Scenario } from './scenario.ts';
import { play } from './trial.ts';

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

/** Removes all of them. */
export async function removeHouses(): Promise<void> {
  for (const house of houses.values()) (await house).remove();
  houses.clear();
}
