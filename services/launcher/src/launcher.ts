import { randomBytes } from 'node:crypto';
import { createLogger, type Logger } from '@countersign/kit/logger.ts';
import { closeServer, listenOnSocket } from '@countersign/kit/socket-server.ts';
import { readProfiles, type Settings } from './config.ts';
import { createEngine, type Engine } from './engine.ts';
import { EngineError } from './engine-error.ts';
import { keepHealth } from './engine-health.ts';
import { launcherLimits } from './limits.ts';
import { ProfileBook } from './profile-book.ts';
import { createRoutes } from './routes.ts';
import { Sandboxes } from './sandboxes.ts';
import { OrderBook } from './services/order-book.ts';
import { readDashboardKey } from './services/read-key.ts';
import { createServiceRoutes } from './services/service-routes.ts';
import { Services } from './services/services.ts';
import { ToldOrders } from './services/told-orders.ts';

/** Owner and group may connect: the folder gives the socket the group of the services that may. */
const socketMode = 0o660;

/**
 * The launcher, listening. It is up whether or not the engine is; each request finds that out anew.
 * @throws ConfigError
 */
export async function createLauncher(
  settings: Settings,
  overrides: { readonly engine?: Engine; readonly logger?: Logger } = {},
): Promise<AsyncDisposable> {
  const profiles = await readProfiles(settings);
  const logger =
    overrides.logger ?? createLogger('launcher', settings.LAUNCHER_LOG_LEVEL, settings.LAUNCHER_LOG_FOLDER);
  const engine = overrides.engine ?? createEngine(settings.LAUNCHER_DOCKER_SOCKET);
  const stack = {
    project: settings.LAUNCHER_PROJECT,
    slotsVolume: settings.LAUNCHER_SLOTS_VOLUME,
    modelSlotsVolume: settings.LAUNCHER_MODEL_SLOTS_VOLUME,
    epoch: randomBytes(8).toString('hex'),
  };
  const book = new ProfileBook(profiles, engine, stack, settings.LAUNCHER_IMAGE_TAG, logger);
  const sandboxes = new Sandboxes(engine, book, stack, logger);
  const stop = new AbortController();
  const told = new ToldOrders();
  const routes = createRoutes({ engine, profiles: book, sandboxes, told }, logger, stop.signal);
  const orders = new OrderBook(await readDashboardKey(settings.LAUNCHER_SECRETS_FOLDER, logger), Date.now());
  const services = new Services(engine, stack.project);
  const serviceRoutes = createServiceRoutes({ services, orders, told }, logger, stop.signal);
  const servers = [
    await listenOnSocket(routes, settings.LAUNCHER_SOCKET_PATH, socketMode),
    await listenOnSocket(serviceRoutes, settings.LAUNCHER_SERVICES_SOCKET_PATH, socketMode),
  ];
  for (const server of servers) server.maxConnections = launcherLimits.connections;
  logger.info({ epoch: stack.epoch, project: stack.project, profiles: [...profiles.keys()] }, 'launcher is up');
  await reportEarlier(sandboxes, logger);
  const beating = keepHealth(settings.LAUNCHER_LOG_FOLDER, engine, stop.signal);
  return {
    async [Symbol.asyncDispose]() {
      stop.abort(new Error('the launcher is stopping'));
      await Promise.all([beating, ...servers.map(closeServer)]);
      logger.info('launcher is down');
    },
  };
}

async function reportEarlier(sandboxes: Sandboxes, logger: Logger): Promise<void> {
  try {
    await sandboxes.reportEarlier(AbortSignal.timeout(launcherLimits.engineHealthMs));
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    logger.warn({ reason: error.message }, 'the engine does not answer');
  }
}
