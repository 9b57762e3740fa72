import type { Command } from '@countersign/contracts/command.ts';
import { replyTo } from './listener-content.ts';
import type { ListenerStage } from './listener-stage.ts';

/** A request that is there for one thing: a decision on it, made behind others, shows that those were dealt with. */
export class Sentinel {
  readonly #stage: ListenerStage;
  readonly #request: string;

  private constructor(stage: ListenerStage, request: string) {
    this.#stage = stage;
    this.#request = request;
  }

  static async post(stage: ListenerStage): Promise<Sentinel> {
    return new Sentinel(stage, (await stage.asksFor('sentinel')).message.event_id);
  }

  /** The commands that come of what is done, in their order: when the decision behind it is one, what is none by then becomes none. */
  async decisionsFrom(act: () => Promise<unknown>): Promise<Command[]> {
    const before = new Set((await this.#stage.home.spooled()).map(({ command }) => command.id));
    await act();
    const last = await this.#stage.sends(replyTo(this.#request, 'reject'));
    await this.#stage.commandOf(last);
    const spooled = (await this.#stage.home.spooled()).map(({ command }) => command);
    return spooled.filter(({ id, evidence }) => !before.has(id) && evidence !== last);
  }
}
