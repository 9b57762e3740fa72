import { setTimeout as sleep } from 'node:timers/promises';
import { reaction, replyTo, requestedTask, text } from './listener-content.ts';
import type { ListenerStage } from './listener-stage.ts';
import { until } from './listener-wait.ts';

/** What the operator did about one gate message. `answered` is the event that the verdict is an answer to. */
export type Decided = { readonly task: string; readonly evidence: string; readonly answered: string };

const betweenLooksMs = 150;

/**
 * An operator who decides on whatever is asked for, each time in another way, and a runner that says yes to all of it; both go on
 * until they are disposed of, whoever is down meanwhile.
 */
export class BusyOperator implements AsyncDisposable {
  readonly decided: Decided[] = [];
  readonly #stage: ListenerStage;
  readonly #done = new Set<string>();
  readonly #stop = new AbortController();
  readonly #work: Promise<unknown>;

  constructor(stage: ListenerStage) {
    this.#stage = stage;
    this.#work = Promise.all([this.#repeat(() => this.#look()), this.#repeat(() => stage.runner.judgeAll())]);
  }

  /** Waits until there is a decision on each of these tasks, and each has its verdict in the room. */
  async hasDone(tasks: readonly string[], timeoutMs: number): Promise<void> {
    await until(
      'every task was asked for, decided and answered',
      async () => (await this.unanswered(tasks)).length === 0,
      {
        timeoutMs,
        instead: async () =>
          `${JSON.stringify(await this.unanswered(tasks))}\n${this.#stage.home.listener.printed.slice(-8_000)}`,
      },
    );
  }

  async unanswered(tasks: readonly string[]): Promise<string[]> {
    const answered = await this.#stage.verdicts();
    const isDone = (decided: Decided) => answered.includes(decided.answered) || answered.includes(decided.evidence);
    const done = this.decided.filter(isDone).map(({ task }) => task);
    return tasks.filter((task) => !done.includes(task));
  }

  async #look(): Promise<void> {
    for (const { event_id: event, content } of await this.#stage.phone.received()) {
      const task = requestedTask(content);
      if (task === null || this.#done.has(event)) continue;
      const evidence = await this.#decide(this.decided.length, task, event);
      this.#done.add(event);
      const isReaction = this.decided.length % 4 < 2;
      this.decided.push({ task, evidence, answered: isReaction ? event : evidence });
    }
  }

  /** The transaction is the same however often it is tried: who presses once, has pressed once. */
  #decide(turn: number, task: string, event: string): Promise<string> {
    const transaction = `decide-${event.slice(1)}`;
    const type = 'm.reaction';
    switch (turn % 4) {
      case 0:
        return this.#stage.sends(reaction(event, '✅'), { type, transaction });
      case 1:
        return this.#stage.sends(reaction(event, '❌'), { type, transaction });
      case 2:
        return this.#stage.sends(text(`approve ${task}.md`), { transaction });
      default:
        return this.#stage.sends(replyTo(event, 'reject not like this'), { transaction });
    }
  }

  /** A homeserver that is away is asked again. */
  async #repeat(act: () => Promise<void>): Promise<void> {
    while (!this.#stop.signal.aborted) {
      await act().catch(() => undefined);
      await sleep(betweenLooksMs);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await this.#work;
  }
}
