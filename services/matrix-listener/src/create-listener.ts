import { secondFactorStage } from '@countersign/contracts/config/stages.ts';
import { HealthFile } from '@countersign/kit/health.ts';
import { createLogger, type Logger } from '@countersign/kit/logger.ts';
import { RateBudget } from '@countersign/kit/rate-budget.ts';
import { DoorFetch } from './adapters/door-fetch.ts';
import { Homeserver } from './adapters/matrix.ts';
import { BotToken } from './bot-token.ts';
import type { ListenerConfig, ListenerSecrets } from './config.ts';
import { FollowLoop } from './journals/follow-loop.ts';
import { listenerLimits } from './limits.ts';
import { FilePosts } from './outbox/post-file.ts';
import { sendLoop } from './outbox/send-loop.ts';
import { Patience } from './patience.ts';
import { pause } from './pause.ts';
import { isQuiet } from './quiet-hours.ts';
import { CommandWriter } from './room/command-writer.ts';
import type { Attached } from './room/read-file.ts';
import { SyncLoop } from './room/sync-loop.ts';
import { takeIn } from './room/take-in.ts';
import { StateFile } from './state/state-file.ts';
import { Troubles } from './troubles.ts';

export type ListenerOverrides = {
  readonly logger?: Logger;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
};

/**
 * Follows the journals and the room until `stop` is aborted: what happened becomes messages, and what is answered becomes
 * signed commands. Nothing else of the stack has to be there for that.
 */
export async function runListener(
  config: ListenerConfig,
  secrets: ListenerSecrets,
  stop: AbortSignal,
  overrides: ListenerOverrides = {},
): Promise<void> {
  const logger = overrides.logger ?? createLogger('matrix-listener', config.logLevel, config.logs);
  const now = overrides.now ?? Date.now;
  const state = await StateFile.open(config.state, config.room, config.bot);
  await using door = new DoorFetch(config.door);
  const troubles = new Troubles();
  const token = new BotToken({ ...config, troubles, logger, renewed: () => void sync.readAnew() }, secrets.access);
  const homeserver = new Homeserver(token, config.room, door.fetch);
  const files = new FilePosts({ volumes: config.volumes, homeserver });
  // Nobody is to take it for well before it has tried.
  troubles.set('sync', 'waiting', 'the room has not been read yet');
  const takingIn = {
    state,
    commands: new CommandWriter(config.spool, secrets.key, now),
    strangers: new RateBudget(listenerLimits.strangerAnswers, listenerLimits.strangerWindowMs),
    questions: new RateBudget(listenerLimits.questionAnswers, listenerLimits.questionWindowMs),
    download: ({ server, media }: Attached) => homeserver.download(server, media, stop),
    patience: new Patience(),
    answering: { volumes: config.volumes, trouble: () => troubles.report.reason, now },
    lines: new RateBudget(listenerLimits.logLines, listenerLimits.logWindowMs),
    surroundings: {
      room: config.room,
      bot: config.bot,
      approvers: approversOf(config),
      codeGivers: new Set(personsOf(config, secondFactorStage)),
    },
    logger,
    now,
  };
  const sync = new SyncLoop({
    room: config.room,
    bot: config.bot,
    state,
    homeserver,
    takeIn: (events, reached) => takeIn(takingIn, events, reached),
    troubles,
    logger,
  });
  const mayRing = (stage: string, at: number) => stage === secondFactorStage || !isQuiet(config.calls.quiet_hours, at);
  const follow = new FollowLoop({
    state,
    announcing: { volumes: config.volumes, mayDecide: (stage) => personsOf(config, stage).length > 0, mayRing, now },
    calling: { settings: config.calls, mayRing, personsOf: (stage) => calledFor(config, stage) },
    troubles,
    logger,
    now,
  });
  logger.info({ room: config.room, bot: config.bot }, 'the listener works');
  await Promise.all([
    sync.run(stop),
    follow.run(stop),
    post({ state, homeserver, files, troubles, logger, now }, token, sync, stop),
    token.follow(stop),
    beat(config, troubles, token, logger, stop),
  ]);
}

/**
 * Sends what waits, but not before the room was read: a message that is in it already, without our knowing it, is not to be sent
 * again. With another token it is read once more, for then the homeserver does not know a transaction of before. What was on its way
 * is waited for first, so that it is not posted behind that reading.
 */
async function post(
  parts: Parameters<typeof sendLoop>[0],
  token: BotToken,
  sync: SyncLoop,
  stop: AbortSignal,
): Promise<void> {
  const send: Homeserver['send'] = (message) => parts.homeserver.send(message, stop);
  await untilStopped(sync.caughtUp, stop);
  while (!stop.aborted) {
    await sendLoop({ ...parts, homeserver: { send } }, AbortSignal.any([stop, token.renewed]));
    if (!stop.aborted) await untilStopped(sync.readAnew(), stop);
  }
}

/** Says how things stand. */
async function beat(
  config: ListenerConfig,
  troubles: Troubles,
  token: BotToken,
  logger: Logger,
  stop: AbortSignal,
): Promise<void> {
  const health = new HealthFile(config.logs, 'matrix-listener');
  while (!stop.aborted) {
    const { changed } = troubles;
    try {
      const { status, reason } = troubles.report;
      await health.beat(status, reason, token.accepted);
    } catch (error) {
      logger.error({ err: error }, 'health cannot be written');
    }
    await pause(listenerLimits.beatMs, stop, changed);
  }
}

function personsOf({ stages }: ListenerConfig, stage: string): readonly string[] {
  const deciders = stages.stages[stage]?.decide ?? [];
  return deciders.flatMap(({ channel, persons }) => (channel === 'matrix' ? (persons ?? []) : []));
}

/** Those who may decide on a stage here; where nobody may, all who may on any, so that somebody hears of it. */
function calledFor(config: ListenerConfig, stage: string): readonly string[] {
  const persons = personsOf(config, stage);
  return persons.length > 0 ? persons : [...approversOf(config)];
}

function approversOf(config: ListenerConfig): ReadonlySet<string> {
  return new Set(Object.keys(config.stages.stages).flatMap((stage) => personsOf(config, stage)));
}

function untilStopped(ready: Promise<void>, stop: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    stop.addEventListener('abort', () => resolve(), { once: true });
    void ready.then(resolve);
  });
}
