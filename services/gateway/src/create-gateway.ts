import type { Server } from 'node:http';
import type { LookupFunction } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import type { ModelReport } from '@countersign/contracts/gateway-api.ts';
import { HealthFile } from '@countersign/kit/health.ts';
import { createLogger, type Logger } from '@countersign/kit/logger.ts';
import { closeServer, listenOnSocket } from '@countersign/kit/socket-server.ts';
import type { GatewayConfig } from './config.ts';
import { createControlApi } from './control-api.ts';
import { defaultLimits, type Limits } from './limits.ts';
import { probeModel } from './model-probe.ts';
import { Recent } from './recent.ts';
import { Slots } from './slots.ts';
import { Upstream } from './upstream.ts';

/** The runner is of the same user or group; nobody else opens slots. */
const controlSocketMode = 0o660;

export type GatewayOverrides = {
  readonly limits?: Partial<Limits>;
  readonly logger?: Logger;
  /** Resolves the upstream's name instead of the system. */
  readonly lookup?: LookupFunction;
};

/** Starts the gateway: resolves when its control socket listens, and ends all it started when it is disposed of. */
export async function createGateway(config: GatewayConfig, overrides: GatewayOverrides = {}): Promise<AsyncDisposable> {
  const limits = { ...defaultLimits, ...overrides.limits };
  const logger = overrides.logger ?? createLogger('gateway', config.logLevel, config.logsFolder);
  const stop = new AbortController();
  const upstream = new Upstream({
    origin: config.upstream.origin,
    allowLoopback: config.allowLoopbackUpstream,
    limits,
    ...(overrides.lookup === undefined ? {} : { lookup: overrides.lookup }),
  });
  const slots = new Slots({ folder: config.slotsFolder, model: config.upstream.model, upstream, limits, logger });
  const model = new Recent(() => probeModel(upstream, config.upstream, limits, stop.signal), limits.modelReportMs);
  const control: Server = await listenOnSocket(
    createControlApi(slots, model, logger),
    config.socketPath,
    controlSocketMode,
  );
  logger.info({ upstream: config.upstream }, 'gateway listens');
  const work = workLoop(slots, model, new HealthFile(config.logsFolder, 'gateway'), logger, limits, stop.signal);
  return {
    async [Symbol.asyncDispose]() {
      stop.abort(new Error('the gateway stops'));
      await closeServer(control);
      await slots[Symbol.asyncDispose]();
      await upstream[Symbol.asyncDispose]();
      await work;
      logger.info('gateway stopped');
    },
  };
}

async function workLoop(
  slots: Slots,
  model: Recent<ModelReport>,
  health: HealthFile,
  logger: Logger,
  limits: Limits,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await slots.sweep();
      const report = model.last;
      if (report === null || report.status === 'ready') await health.beat('ok', '');
      else await health.beat('waiting', report.reason);
    } catch (error) {
      logger.error({ err: error }, 'work loop failed');
    }
    await wait(limits.sweepMs, null, { signal }).catch(() => undefined);
  }
}
