import type { Logger } from '@countersign/kit/logger.ts';
import type { RequestHandler } from 'express';

/** One line for each answer: the route and never the address, which may hold a token. Reading is told only where it failed. */
export function accessLog(logger: Logger): RequestHandler {
  return ({ method }, response, next) => {
    const began = performance.now();
    response.on('finish', () => {
      const { statusCode: status } = response;
      const level = method === 'GET' && status < 500 ? 'debug' : 'info';
      const route = response.locals['route'] ?? 'none';
      logger[level]({ method, route, status, duration_ms: Math.round(performance.now() - began) }, 'answered');
    });
    next();
  };
}
