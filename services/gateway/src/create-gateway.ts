import type { Server } from 'node:http';
import type { LookupFunction } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import type { ModelReport } from '@countersign/contracts/gateway-api.ts';
import { HealthFile } from '@countersign/kit/health.ts';
import { createLogger, type Logger } from '@countersign/kit/logger.ts';
import { bindSocket, closeServer, listenOnSocket } from '@countersign/kit/socket-server.ts';
import type { AddressRule } from './address-policy.ts';
import type { GatewayConfig } from './config.ts';
import { createControlApi } from './control-api.ts';
import { createDoor } from './door/create-door.ts';
import { defaultLimits, type Limits } from './limits.ts';
import { probeModel } from './model-probe.ts';
import { ownSubnets } from './own-subnets.ts';
import { Recent } from './recent.ts';
import { Slots } from './slots.ts';
import { Upstream } from './upstream.ts';

/** The runner is of the same user or group; nobody else opens slots. */
const controlSocketMode = 0o660;
/** The listener is of the same group. */
const doorMode = 0o660;

export type GatewayOverrides = {
  readonly limits?: Partial<Limits>;
  readonly logger?: Logger;
  /** Resolves the upstreams' names instead of the system. */
  readonly lookup?: LookupFunction;
  /** The subnets of the gateway's interfaces, instead of the system's. */
  readonly subnets?: () => readonly string[];
};

/** Starts the gateway: resolves when its sockets listen, and ends all it started when it is disposed of. */
export async function createGateway(config: GatewayConfig, overrides: GatewayOverrides = {}): Promise<AsyncDisposable> {
  const limits = { ...defaultLimits, ...overrides.limits };
  const logger = overrides.logger ?? createLogger('gateway', config.logLevel, config.logsFolder);
  const stop = new AbortController();
  const { modelServer, homeserver } = createUpstreams(config, limits, overrides);
  const { model: name } = config.upstream;
  const slots = new Slots({ folder: config.slotsFolder, model: name, upstream: modelServer, limits, logger });
  const model = new Recent(() => probeModel(modelServer, config.upstream, limits, stop.signal), limits.modelReportMs);
  const control: Server = await listenOnSocket(
    createControlApi(slots, model, logger),
    config.socketPath,
    controlSocketMode,
  );
  const door = createDoor(homeserver, limits, logger);
  await bindSocket(door, config.doorPath, doorMode);
  door.on('error', (error) => logger.error({ err: error }, 'door failed'));
  logger.info({ upstream: config.upstream, homeserver: config.homeserver }, 'gateway listens');
  const health = new HealthFile(config.logsFolder, 'gateway');
  const work = workLoop({ slots, model, modelServer, homeserver, health, logger, limits }, stop.signal);
  return {
    async [Symbol.asyncDispose]() {
      stop.abort(new Error('the gateway stops'));
      await closeServer(control);
      await closeServer(door);
      await slots[Symbol.asyncDispose]();
      await modelServer[Symbol.asyncDispose]();
      await homeserver[Symbol.asyncDispose]();
      await work;
      logger.info('gateway stopped');
    },
  };
}

function createUpstreams(config: GatewayConfig, limits: Limits, { lookup, subnets = ownSubnets }: GatewayOverrides) {
  const ruleOf = (isOwn: boolean, setting: 'OLLAMA_BASE_URL' | 'MATRIX_HOMESERVER') => (): AddressRule =>
    isOwn ? { kind: 'own', setting, listed: config.allowedAddresses } : { kind: 'embedded', subnets: subnets() };
  const shared = { allowLoopback: config.allowLoopbackUpstream, limits, lookup };
  return {
    modelServer: new Upstream({
      ...shared,
      title: 'the model server',
      origin: config.upstream.origin,
      rule: ruleOf(config.upstream.kind === 'own', 'OLLAMA_BASE_URL'),
    }),
    homeserver: new Upstream({
      ...shared,
      title: 'the homeserver',
      origin: config.homeserver.origin,
      rule: ruleOf(config.homeserver.kind === 'own', 'MATRIX_HOMESERVER'),
    }),
  };
}

type Work = {
  readonly slots: Slots;
  readonly model: Recent<ModelReport>;
  readonly modelServer: Upstream;
  readonly homeserver: Upstream;
  readonly health: HealthFile;
  readonly logger: Logger;
  readonly limits: Limits;
};

/** Closes vanished slots, resolves what has no address yet, at once and for as long as it has none, and writes health. */
async function workLoop(work: Work, signal: AbortSignal): Promise<void> {
  const { slots, modelServer, homeserver, health, logger, limits } = work;
  while (!signal.aborted) {
    try {
      await Promise.all([slots.sweep(), modelServer.resolve(), homeserver.resolve()]);
      const reason = problemsOf(work).join('; ');
      await health.beat(reason === '' ? 'ok' : 'waiting', reason);
    } catch (error) {
      logger.error({ err: error }, 'work loop failed');
    }
    await wait(limits.sweepMs, null, { signal }).catch(() => undefined);
  }
}

function problemsOf({ model, modelServer, homeserver }: Work): string[] {
  const report = model.last;
  const ofModel = report === null || report.status === 'ready' ? null : report.reason;
  return [modelServer.problem ?? ofModel, homeserver.problem].filter((problem) => problem !== null);
}
