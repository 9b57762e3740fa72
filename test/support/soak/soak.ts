import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isFinal, queueFolders } from '@countersign/contracts/task-state.ts';
import { exists } from '@countersign/kit/files.ts';
import { comesBack, killContainer, killFromHost, sandboxesOf } from '../host-kill.ts';
import type { Stack } from '../stack.ts';
import type { Figures } from './figures.ts';
import { SoakOperator } from './operator.ts';
import type { Interference, SoakPlan, Target } from './plan.ts';

/** Carries a plan out on a stack: drops, kills and interferes when the plan says so, while an operator answers. */
export class Soak {
  readonly #stack: Stack;
  readonly #plan: SoakPlan;
  readonly #figures: Figures;
  readonly #operator: SoakOperator;
  readonly #begun = Date.now();
  readonly #withdrawn = new Set<string>();
  /** Services that were killed and are not back yet. */
  readonly #away = new Map<Target, Promise<void>>();

  constructor(stack: Stack, plan: SoakPlan, figures: Figures) {
    this.#stack = stack;
    this.#plan = plan;
    this.#figures = figures;
    this.#operator = new SoakOperator(stack, plan.tasks, this.#withdrawn, figures);
  }

  /** Files that were taken back; those that no runner had taken by then never become a task. */
  get withdrawn(): ReadonlySet<string> {
    return this.#withdrawn;
  }

  /** Until the plan is through and every service is back. */
  async load(): Promise<void> {
    const over = new AbortController();
    const beside = Promise.all([this.#answer(over.signal), this.#watchRunner(over.signal)]);
    // Told when the plan is through.
    beside.catch(() => undefined);
    try {
      await Promise.all([this.#drop(), this.#interfere()]);
      await Promise.all(this.#away.values());
    } finally {
      over.abort();
      await beside;
    }
  }

  /** Until every task has ended. Returns what has not when the time is up. */
  async drain(timeoutMs: number): Promise<readonly string[]> {
    const end = Date.now() + timeoutMs;
    const dropped = this.#plan.tasks.filter(({ kind, file }) => kind !== 'invalid' && !this.#withdrawn.has(file));
    for (;;) {
      const { records, unanswered } = await this.#operator.turn(AbortSignal.timeout(timeoutMs));
      const missing = dropped.filter(({ file }) => !records.some((record) => record.dropped_as === file));
      const open = records.filter(({ id, state }) => !isFinal(state.status) || unanswered.has(id));
      if (open.length === 0 && missing.length === 0) return [];
      if (Date.now() > end)
        return [
          ...open.map(({ id, state }) => `${id} is ${state.status}: ${state.reason}`),
          ...missing.map(({ file }) => `${file} was never taken`),
        ];
      await sleep(1_000);
    }
  }

  async #answer(over: AbortSignal): Promise<void> {
    while (!over.aborted) {
      await this.#operator.turn(over);
      await sleep(1_000, undefined, { signal: over }).catch(() => undefined);
    }
  }

  async #drop(): Promise<void> {
    for (const { atMs, file, content } of this.#plan.tasks) {
      await this.#until(atMs);
      await this.#stack.drop(file, content);
    }
  }

  async #interfere(): Promise<void> {
    for (const interference of this.#plan.interferences) {
      await this.#until(interference.atMs);
      await this.#carryOut(interference);
    }
  }

  async #carryOut(interference: Interference): Promise<void> {
    switch (interference.kind) {
      case 'kill':
        return this.#kill(interference.target, interference.process);
      case 'kill-sandbox': {
        const sandboxes = (await sandboxesOf(this.#stack)).filter(({ state }) => state === 'running');
        const sandbox = sandboxes[Math.floor(interference.choice * sandboxes.length)];
        if (sandbox === undefined) return;
        // Its task may have ended since it was listed.
        if (await killContainer(sandbox.id)) this.#figures.killed('sandbox');
        return;
      }
      case 'cancel':
        return this.#operator.command('cancel', interference.file, 'changed my mind');
      case 'withdraw': {
        const places = queueFolders.filter((folder) => folder.startsWith('inbox'));
        for (const folder of places) {
          const path = join(this.#stack.home, folder, interference.file);
          if (!(await exists(path))) continue;
          this.#withdrawn.add(interference.file);
          return rm(path, { force: true });
        }
        return;
      }
      case 'pause':
        await this.#operator.command('pause', 'a look at the machine');
        await sleep(interference.forMs);
        return this.#operator.command('resume');
    }
  }

  /** A service that is not back from its last death is left alone: the engine would wait longer with each. */
  async #kill(target: Target, process: 'own' | 'init'): Promise<void> {
    if (this.#away.has(target)) return;
    if (target === 'runner') await this.#lookAtRunner();
    const since = new Date();
    await killFromHost(this.#stack, target, process);
    this.#figures.killed(target);
    const back = comesBack(this.#stack, target, since).then((tookMs) => {
      this.#figures.recovered(target, tookMs);
      this.#away.delete(target);
    });
    // Where it does not come back, load() says so.
    back.catch(() => undefined);
    this.#away.set(target, back);
  }

  /** The largest that this runner has been. */
  async #lookAtRunner(): Promise<void> {
    const pid = await this.#stack.processOf('runner').catch(() => null);
    if (pid === null) return;
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    this.#figures.runnerHolds(Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0));
  }

  async #watchRunner(over: AbortSignal): Promise<void> {
    while (!over.aborted) {
      await this.#lookAtRunner();
      await sleep(5_000, undefined, { signal: over }).catch(() => undefined);
    }
  }

  async #until(atMs: number): Promise<void> {
    await sleep(Math.max(0, this.#begun + atMs - Date.now()));
  }
}
