import { setTimeout as sleep } from 'node:timers/promises';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { recordsAgree } from './invariants.ts';
import type { Operator, Scenario } from './scenario.ts';
import { tasksByRecord } from './view.ts';
import type { Running, World } from './world.ts';

/** Far beyond what any of them takes on a busy machine: what is not at its end by then never comes to it. */
const patienceMs = 60_000;
const pollMs = 10;

/** No scenario leads to a task's failure. */
function isLost(tasks: ReadonlyMap<string, TaskRecord>, cancels: boolean): boolean {
  const losses: ReadonlySet<string> = new Set(['failed', 'invalid', 'expired', ...(cancels ? [] : ['cancelled'])]);
  return [...tasks.values()].some(({ state }) => losses.has(state.status));
}

/** At the end of all of them nobody needs a sandbox, and everything is written down. */
function isTidy({ house, surroundings }: World): boolean {
  return surroundings.sandboxes.size === 0 && recordsAgree(house.layout).length === 0;
}

/** Lets people act until the scenario has come to its end, the runner has ended, or nothing goes on any more. */
export async function drive(
  scenario: Scenario,
  world: World,
  operator: Operator,
  running: Running,
): Promise<'done' | 'ended' | 'stuck'> {
  world.surroundings.launcherAnswers = scenario.launcherAnswers;
  let isEnded = false;
  void running.ended.then(() => {
    isEnded = true;
  });
  const began = performance.now();
  while (performance.now() - began < patienceMs) {
    if (isEnded) return 'ended';
    const tasks = tasksByRecord(world.house.layout);
    if (isLost(tasks, scenario.cancels === true)) return 'stuck';
    if (scenario.act({ operator, surroundings: world.surroundings, tasks }) && isTidy(world)) return 'done';
    await sleep(pollMs);
  }
  return 'stuck';
}
