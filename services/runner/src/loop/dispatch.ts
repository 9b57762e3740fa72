import type { Profile } from '@countersign/contracts/launcher-api.ts';
import type { TaskId } from '@countersign/contracts/names.ts';
import type { TaskRecord } from '@countersign/contracts/task-record.ts';
import { needsModel } from '@countersign/contracts/task-state.ts';
import { waitWords } from '@countersign/contracts/wait-words.ts';
import type { Context } from '../context.ts';
import { stageLimits } from '../gate/governance.ts';
import { chooseStartable } from './choose-startable.ts';
import { holdOf, holdOfAll } from './holds.ts';
import type { Hold } from './queue-control.ts';

/** So many tasks are told in one turn what they wait for now; the others hear of it in the next ones. */
const toldPerTurn = 500;

export type Start = { readonly record: TaskRecord; readonly profile: Profile };

/** Decides which tasks begin, and has every other one say what it waits for. Keeps whose turn it was, so that workspaces take turns. */
export class Dispatch {
  readonly #context: Context;
  readonly #turns = new Map<string, number>();
  #turn = 0;

  constructor(context: Context) {
    this.#context = context;
  }

  /**
   * @param waiting tasks that something is to be begun for, without merges
   * @param active tasks that something is at work on, without merges
   * @param adopting why the sandboxes of a runner before us are not dealt with yet; null when they are
   * @returns what begins, and in words what holds up everything, if anything does
   */
  async choose(
    waiting: readonly TaskRecord[],
    active: readonly TaskRecord[],
    adopting: string | null,
  ): Promise<{ readonly start: readonly Start[]; readonly blocked: string | null }> {
    const everything = holdOfAll(this.#context, adopting);
    const holds = new Map<TaskId, Hold>();
    for (const record of waiting) {
      const hold = everything ?? holdOf(this.#context, record);
      if (hold !== null) holds.set(record.id, hold);
    }
    const free = waiting.filter(({ id }) => !holds.has(id));
    const { start, waits, profiles } = await chooseStartable(
      this.#context,
      free,
      active,
      this.#capacity(),
      this.#turns,
    );
    for (const [id, hold] of waits) holds.set(id, hold);
    const { breakers } = this.#context.queue;
    const begin: Start[] = [];
    for (const record of start) {
      const profile = profiles.get(record.id);
      // Of several that the same breaker lets through, the first one is the probe.
      if (profile === undefined || holdOf(this.#context, record) !== null) continue;
      if (needsModel(record.state.status)) breakers.begins(record);
      this.#turns.set(record.workspace, ++this.#turn);
      begin.push({ record, profile });
    }
    try {
      // What waits for a probe says so from the beginning, and not first that it waits for room.
      const begun = new Set(begin.map(({ record }) => record.id));
      for (const record of free) {
        const hold = begun.has(record.id) ? null : holdOf(this.#context, record);
        if (hold !== null) holds.set(record.id, hold);
      }
      await this.#tell(waiting, holds);
      await this.#advise(begin, active);
    } catch (error) {
      // Then none of them begins in this turn.
      for (const { record } of begin) breakers.letGo(record);
      throw error;
    }
    const { model } = this.#context.dependencies.state;
    return {
      start: begin,
      blocked: everything === null ? (model.ok ? null : model.reason) : waitWords(everything.wait, everything.reason),
    };
  }

  #capacity() {
    const { agent, stages } = this.#context.config;
    return {
      tasks: agent.MAX_TASKS,
      perWorkspace: agent.MAX_TASKS_PER_WORKSPACE,
      perModel: agent.MAX_TASKS_PER_MODEL ?? null,
      perStage: stageLimits(stages, 'hard'),
    };
  }

  async #tell(waiting: readonly TaskRecord[], holds: ReadonlyMap<TaskId, Hold>): Promise<void> {
    const since = this.#context.now().toISOString();
    const news = waiting.flatMap(({ id, state }) => {
      const hold = holds.get(id);
      if (hold === undefined) return [];
      const reason = waitWords(hold.wait, hold.reason);
      return state.reason === reason ? [] : [{ id, wait: hold.wait, reason }];
    });
    await Promise.all(
      news
        .slice(0, toldPerTurn)
        .map(({ id, wait, reason }) => this.#context.tasks.wait(id, { ...wait, since }, reason)),
    );
  }

  /** Where a stage only advises how many of its tasks should be at work, the journal says that there are more. */
  async #advise(begin: readonly Start[], active: readonly TaskRecord[]): Promise<void> {
    const advised = stageLimits(this.#context.config.stages, 'advisory');
    const busy = [...active];
    for (const { record } of begin) {
      busy.push(record);
      const most = advised.get(record.stage);
      const count = busy.filter(({ stage }) => stage === record.stage).length;
      if (most === undefined || count <= most) continue;
      await this.#context.tasks.note(record.id, {
        event: 'governance_advice',
        phase: 'gate',
        agent_role: 'runner',
        summary: `${count} tasks of stage ${record.stage} are at work now, and it advises ${most}`,
        data: { limit: 'max_tasks', advised: most, seen: count },
      });
    }
  }
}
