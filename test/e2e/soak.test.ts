import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TaskState } from '@countersign/contracts/task-record.ts';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { inspect } from '../support/check-container.ts';
import { containerOf, sandboxesOf } from '../support/host-kill.ts';
import { Operator } from '../support/operator.ts';
import { Figures } from '../support/soak/figures.ts';
import { judgeSoak } from '../support/soak/judge.ts';
import { openBranch, planSoak, type TaskKind, targets, workspaces } from '../support/soak/plan.ts';
import { Soak } from '../support/soak/soak.ts';
import { Stack } from '../support/stack.ts';

const all = process.env['COUNTERSIGN_TEST_ALL'] === 'yes';
const seed = Number(process.env['COUNTERSIGN_TEST_SEED'] ?? Date.now() % 1_000_000);
const minuteMs = 60_000;
const loadMs = Number(process.env['COUNTERSIGN_TEST_SOAK_MINUTES'] ?? (all ? 30 : 2)) * minuteMs;
const drainMs = 10 * minuteMs;
const pace = { taskMs: 4_500, killMs: 5_000 };
const mostRunnerMib = 300;
const settings = `OLLAMA_MODEL=qwen2.5-coder:7b
MAX_TASKS=4
MAX_TASKS_PER_WORKSPACE=2
MIN_FREE_DISK_MB=0
BREAKER_FAILURES=3
BREAKER_WAIT_SEC=5
`;

/** Whose ends say how much of the load came through, for nothing in the plan itself is in their way. */
const sound: ReadonlySet<TaskKind> = new Set(['plain', 'verified', 'gated', 'automatic', 'checked', 'slow', 'planned']);

let stack: Stack;
let operator: Operator;

beforeAll(async () => {
  stack = await Stack.up('soak', (configs) => writeFile(join(configs, 'agent.env'), settings));
  operator = await Operator.of(stack);
  for (const workspace of workspaces) {
    await stack.workspace(workspace);
    await operator.git(workspace, 'branch', openBranch);
  }
});
afterAll(() => stack[Symbol.asyncDispose]());

function endOf(state: TaskState): string {
  return state.status === 'failed' ? `failed, ${state.error_class}` : state.status;
}

test(
  `F03 every service killed from the host at random moments under load: nothing is lost, and nothing happens twice (COUNTERSIGN_TEST_SEED=${seed})`,
  async () => {
    const plan = planSoak(seed, loadMs, pace);
    const figures = new Figures();
    const soak = new Soak(stack, plan, figures);
    await soak.load();
    expect(await soak.drain(drainMs)).toEqual([]);

    const records = await stack.tasks();
    const ends = Object.entries(Object.groupBy(records, ({ state }) => endOf(state)));
    process.stdout.write(
      `${[
        `soak of ${loadMs / minuteMs} minutes, seed ${seed}: ${plan.tasks.length} files`,
        ...ends.map(([status, own]) => `  ${status}: ${own?.length}`),
        `  attempts: ${records.reduce((sum, { attempts }) => sum + attempts, 0)}`,
        ...figures.lines(),
      ].join('\n')}\n`,
    );
    const touched = new Set(plan.interferences.flatMap((one) => ('file' in one ? one.file : [])));
    const expected = plan.tasks.filter(
      ({ kind, verdict, file }) => sound.has(kind) && verdict === 'take' && !touched.has(file),
    );
    const isDone = (file: string) => records.some((one) => one.dropped_as === file && one.state.status === 'done');
    // The others lost two sandboxes, or more: a load that comes to nothing would show nothing.
    expect(expected.filter(({ file }) => isDone(file)).length).toBeGreaterThan(expected.length * 0.7);
    expect(await judgeSoak(stack, operator, plan.tasks, soak.withdrawn)).toEqual([]);
    const audit = await stack.countersign('audit');
    expect([audit.exitCode, audit.exitCode === 0 ? '' : audit.stdout + audit.stderr]).toEqual([0, '']);
    expect(figures.runnerPeakMib).toBeLessThan(mostRunnerMib);
    for (const service of targets) {
      const { State } = await inspect(await containerOf(stack, service));
      expect([service, State.Health?.Status]).toEqual([service, 'healthy']);
    }
    // What is left are the two that wait warm.
    await expect
      .poll(async () => (await sandboxesOf(stack)).map(({ state }) => state), { timeout: 60_000 })
      .toEqual(['running', 'running']);
  },
  loadMs + drainMs + 5 * minuteMs,
);
