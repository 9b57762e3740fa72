import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type NextFunction, type Request, type Response } from 'express';
import { type Logger, pino } from 'pino';
import type { Config } from './config.ts';
import { disclaimer } from './identity.ts';
import { headersTimeoutMs, maximumBodyBytes, maximumConnections, requestTimeoutMs } from './limits.ts';
import { createOllamaRoutes } from './ollama-routes.ts';
import { createOpenAiRoutes } from './openai-routes.ts';

export type RehearsalModel = {
  logger: Logger;
  /** Starts to listen. @returns the port, which the system chooses when the config says 0 */
  listen: () => Promise<number>;
  /** Ends at once: open answers are cut. */
  close: () => Promise<void>;
};

/** The body parser's errors carry a status; everything else is our bug. */
function statusOf(error: unknown): number {
  const status = error instanceof Error && 'status' in error ? error.status : undefined;
  return typeof status === 'number' && status >= 400 && status < 500 ? status : 500;
}

function createApp(logger: Logger): express.Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  // Ollama reads JSON whatever the content type says, and many examples send none.
  app.use(express.json({ type: () => true, limit: maximumBodyBytes, strict: true }));
  app.get('/', (_request, response) => void response.type('text/plain').send(disclaimer));
  app.use('/api', createOllamaRoutes(logger));
  app.use('/v1', createOpenAiRoutes(logger));
  app.use((request, response) => {
    response.status(404).json({ error: `the rehearsal model has no ${request.method} ${request.path}` });
  });
  app.use((error: unknown, _request: Request, response: Response, _next: NextFunction) => {
    const status = statusOf(error);
    if (status === 500) logger.error({ err: error }, 'a request failed');
    response.status(status).json({ error: error instanceof Error && status < 500 ? error.message : 'internal error' });
  });
  return app;
}

/**
 * A server that stands in for Ollama where none can be had. It keeps no state: each answer follows from the
 * conversation that its request carries.
 */
export function createRehearsalModel(config: Config, overrides: { logger?: Logger } = {}): RehearsalModel {
  const logger = overrides.logger ?? pino({ level: config.logLevel, base: { service: 'rehearsal-model' } });
  const server = createServer(
    { headersTimeout: headersTimeoutMs, requestTimeout: requestTimeoutMs },
    createApp(logger),
  );
  server.maxConnections = maximumConnections;
  return {
    logger,
    listen: () => {
      const { promise, resolve, reject } = Promise.withResolvers<number>();
      server.once('error', reject);
      server.listen(config.port, config.host, () => {
        server.off('error', reject);
        resolve((server.address() as AddressInfo).port);
      });
      return promise;
    },
    close: () => {
      const { promise, resolve } = Promise.withResolvers<void>();
      server.close(() => resolve());
      server.closeAllConnections();
      return promise;
    },
  };
}
