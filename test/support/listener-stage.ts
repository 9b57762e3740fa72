import { writeFile } from 'node:fs/promises';
import type { Command } from '@countersign/contracts/command.ts';
import type { RoomSettings } from '@countersign/contracts/config/room.ts';
import { stringify } from 'yaml';
import { z } from 'zod';
import { type Content, requestedTask } from './listener-content.ts';
import { ListenerHome } from './listener-home.ts';
import { type Asked, RunnerDouble } from './listener-runner.ts';
import { until } from './listener-wait.ts';
import type { Session } from './matrix-http.ts';
import { Phone, type RoomEvent } from './phone.ts';
import { Synapse, type SynapseOptions } from './synapse.ts';

const Reply = z.object({ 'm.in_reply_to': z.object({ event_id: z.string() }) });
const EventId = z.object({ event_id: z.string() });

type Sending = {
  readonly by?: Session;
  readonly type?: string;
  readonly room?: string;
  readonly transaction?: string;
};

export type StageOptions = SynapseOptions & {
  /** Where the gateway finds the homeserver, when that is not Synapse itself. */
  readonly through?: (synapse: Synapse) => Promise<string>;
};

/** The real Synapse with operator, bot and their room, the gateway and the listener at work, and journals to speak through. */
export class ListenerStage implements AsyncDisposable {
  readonly synapse: Synapse;
  readonly home: ListenerHome;
  readonly runner: RunnerDouble;
  /** The operator's. */
  readonly phone: Phone;
  readonly bot: Session;
  readonly #parts = new AsyncDisposableStack();

  private constructor(synapse: Synapse, home: ListenerHome, runner: RunnerDouble, phone: Phone, bot: Session) {
    this.synapse = synapse;
    this.home = home;
    this.runner = runner;
    this.phone = phone;
    this.bot = bot;
  }

  /** @param name tells the Synapses of two files apart */
  static async begin(name: string, options: StageOptions = {}): Promise<ListenerStage> {
    await using parts = new AsyncDisposableStack();
    const synapse = parts.use(await Synapse.start(name, options));
    const operator = await synapse.registerUser('operator');
    const bot = await synapse.registerUser('agentbot');
    const room = await synapse.makeRoom(operator, [bot]);
    const home = parts.use(await ListenerHome.make());
    await home.writeHosts((await options.through?.(synapse)) ?? synapse.url);
    await home.writeBot({ user: bot.user, token: bot.token, room });
    const runner = parts.use(await RunnerDouble.start(home));
    const stage = new ListenerStage(synapse, home, runner, new Phone(synapse, operator, room), bot);
    home.gateway.start();
    await stage.startListener();
    stage.#parts.use(parts.move());
    return stage;
  }

  /** Starts the listener and waits until it follows the room: what is said from now on is heard. */
  async startListener(): Promise<void> {
    this.home.listener.start();
    await this.home.listener.says('ok');
  }

  /** From now on the room calls as `configs/room.yaml` says this. */
  async callsAs(settings: RoomSettings): Promise<void> {
    await this.home.listener.stop();
    await writeFile(this.home.path('configs/room.yaml'), stringify(settings));
    await this.startListener();
  }

  /** Asks for an approval and waits until the room shows it. */
  async asksFor(...asking: Parameters<RunnerDouble['ask']>): Promise<Asked & { readonly message: RoomEvent }> {
    const asked = await this.runner.ask(...asking);
    return { ...asked, message: await this.phone.receives(wordsOfRequest(asked)) };
  }

  /** Sends an event as it is; its id. The operator's, in the pinned room, a message and in a transaction of its own unless it is said. */
  async sends(content: Content, { by, type, room, transaction }: Sending = {}): Promise<string> {
    const path = `/rooms/${encodeURIComponent(room ?? this.phone.room)}/send/${type ?? 'm.room.message'}`;
    const token = (by ?? this.phone.session).token;
    return EventId.parse(await this.synapse.api('PUT', `${path}/${transaction ?? crypto.randomUUID()}`, token, content))
      .event_id;
  }

  /** Takes an event back. */
  async redacts(event: string, by: Session = this.phone.session): Promise<void> {
    const path = `/rooms/${encodeURIComponent(this.phone.room)}/redact/${encodeURIComponent(event)}/${crypto.randomUUID()}`;
    await this.synapse.api('PUT', path, by.token, {});
  }

  /** Waits until somebody's event has become a command. */
  async commandOf(evidence: string, timeoutMs?: number): Promise<Command> {
    return await until(
      `${evidence} is a command`,
      async () => {
        const there = [...this.runner.taken.values(), ...(await this.home.spooled()).map(({ command }) => command)];
        return there.find((command) => command.evidence === evidence) ?? null;
      },
      {
        instead: () => Promise.resolve(this.home.listener.printed.slice(-6_000)),
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
      },
    );
  }

  /** How many messages of the bot's in the room ask for an approval of exactly this. */
  async countRequests(asked: Asked): Promise<number> {
    const words = wordsOfRequest(asked);
    const received = await this.phone.received();
    return received.filter(
      ({ content }) =>
        requestedTask(content) === asked.record.id && words.every((word) => String(content['body']).includes(word)),
    ).length;
  }

  /**
   * The events that the bot's verdicts in the room are answers to, once for each verdict: answers, signs on words that counted, and
   * messages that were tapped and say what became of it.
   */
  async verdicts(): Promise<string[]> {
    const received = await this.phone.received();
    const verdicts = received.filter(({ content }) => /^(?:Accepted|Refused): /.test(String(content['body'])));
    const decided = (await this.phone.edits()).filter(({ body }) => /^(?:✅ Approved|🚫 Rejected): /.test(body));
    return [
      ...verdicts.flatMap(
        ({ content }) => Reply.safeParse(content['m.relates_to']).data?.['m.in_reply_to'].event_id ?? [],
      ),
      ...(await this.phone.signed()),
      ...new Set(decided.map(({ event }) => event)),
    ];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#parts.disposeAsync();
  }
}

function wordsOfRequest({ record }: Asked): string[] {
  return [record.id, record.state.digest.slice(0, 8)];
}
