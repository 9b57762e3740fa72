import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { HealthFile } from '@countersign/kit/health.ts';
import { createLogger, type Logger } from '@countersign/kit/logger.ts';
import { bindSocket, closeServer } from '@countersign/kit/socket-server.ts';
import manifest from '../package.json' with { type: 'json' };
import { CommandDesk } from './commands/command-desk.ts';
import { ServiceOrders } from './commands/service-orders.ts';
import type { DashboardConfig, DashboardSecrets } from './config.ts';
import { createApp } from './http/app.ts';
import { KnownHosts } from './http/known-hosts.ts';
import { createPageServer } from './http/page-server.ts';
import { apiRoutes } from './http/routes.ts';
import { Streams } from './http/stream.ts';
import { Index } from './index/index.ts';
import { dashboardLimits } from './limits.ts';
import { Queries } from './queries/queries.ts';
import { Sessions } from './session/sessions.ts';

/** The door is of the same group; nobody else asks for the page. */
const socketMode = 0o660;

export type DashboardOverrides = {
  readonly logger?: Logger;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
};

/** Follows the journals and serves the page until `stop` is aborted. It answers while the index is still being made, and says so. */
export async function runDashboard(
  config: DashboardConfig,
  secrets: DashboardSecrets,
  stop: AbortSignal,
  overrides: DashboardOverrides = {},
): Promise<void> {
  const logger = overrides.logger ?? createLogger('dashboard', config.logLevel, config.logs);
  const now = overrides.now ?? Date.now;
  const { volumes, configs, spool, user } = config;
  const index = new Index({
    path: join(config.index, 'index.sqlite'),
    volumes,
    warn: (fields, message) => logger.warn(fields, message),
  });
  const queries = new Queries({ index, volumes, configs });
  await using orders = new ServiceOrders(config.servicesSocket, secrets.key);
  const sessions = new Sessions(now);
  const hosts = new KnownHosts(config.port, config.hosts);
  const desk = new CommandDesk({ spool, key: secrets.key, user, queries, orders, now });
  const streams = new Streams(index);
  const routes = apiRoutes({ queries, desk, containers: orders, streams, sessions, hosts, version: manifest.version });
  const server = createPageServer(
    createApp({ token: secrets.token, sessions, hosts, routes, page: config.page, logger }),
  );
  server.on('error', (error) => logger.error({ err: error }, 'the page is not served'));
  const following = index.run(stop);
  await bindSocket(server, config.socket, socketMode);
  logger.info({ hosts: config.hosts, port: config.port }, 'the page is served');
  await Promise.all([following, beat(config, index, stop), sweep(sessions, stop)]);
  await closeServer(server);
  logger.info('the page is served no more');
}

/** Says how things stand, from the loop that answers requests: when that is stuck, the report grows old. */
async function beat(config: DashboardConfig, index: Index, stop: AbortSignal): Promise<void> {
  const health = new HealthFile(config.logs, 'dashboard');
  while (!stop.aborted) {
    const { isReady, reason } = index.standing;
    await health.beat(isReady ? 'ok' : 'waiting', reason);
    await pause(isReady ? dashboardLimits.beatMs : dashboardLimits.sweepMs, stop);
  }
}

/** Ends sessions whose time is up, and their streams with them. */
async function sweep(sessions: Sessions, stop: AbortSignal): Promise<void> {
  while (!stop.aborted) {
    sessions.sweep();
    await pause(dashboardLimits.sweepMs, stop);
  }
}

async function pause(ms: number, stop: AbortSignal): Promise<void> {
  await wait(ms, undefined, { signal: stop }).catch(() => undefined);
}
