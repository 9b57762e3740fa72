import { ControlledService, ServiceOrder, type ServiceRefusal } from '@countersign/contracts/services-api.ts';
import type { Logger } from '@countersign/kit/logger.ts';
import type { ErrorRequestHandler, Express, Response } from 'express';
import { z } from 'zod';
import { launcherLimits } from '../limits.ts';
import { refuse } from '../outcome.ts';
import { createSocketApp, refusalOf } from '../socket-app.ts';
import type { OrderBook } from './order-book.ts';
import type { ServiceOutcome, Services } from './services.ts';
import type { ToldOrders } from './told-orders.ts';

const statuses: Readonly<Record<ServiceRefusal['code'], number>> = {
  'unknown-key': 403,
  'bad-signature': 403,
  expired: 403,
  'no-such-service': 404,
  'taken-already': 409,
  'several-containers': 409,
  'bad-request': 422,
  'too-many-orders': 429,
  internal: 500,
  'engine-down': 503,
};

/** The API of `contracts/services-api.ts`; nothing else is answered. @param stop aborts what is under way */
export function createServiceRoutes(
  parts: { readonly services: Services; readonly orders: OrderBook; readonly told: ToldOrders },
  logger: Logger,
  stop: AbortSignal,
  now: () => number = Date.now,
): Express {
  const { services, orders, told } = parts;
  const app = createSocketApp();

  const deadline = () => AbortSignal.any([stop, AbortSignal.timeout(launcherLimits.requestMs)]);
  const send = (response: Response, outcome: ServiceOutcome) => {
    if (outcome.ok) response.json(outcome.value);
    else response.status(statuses[outcome.refusal.code]).json(outcome.refusal);
  };
  const attempt = async (work: () => Promise<ServiceOutcome>): Promise<ServiceOutcome> => {
    try {
      return await work();
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal.code === 'internal') logger.error({ err: error }, 'a request about a service failed');
      return { ok: false, refusal };
    }
  };

  app.get('/services/:name', async (request, response) => {
    const service = ControlledService.safeParse(request.params.name);
    if (!service.success) return send(response, refuse('no-such-service', 'there is no such service here'));
    send(response, await attempt(() => services.inspect(service.data, deadline())));
  });

  app.post('/orders', async (request, response) => {
    const parsed = ServiceOrder.safeParse(request.body);
    if (!parsed.success) return send(response, refuseUnsigned('bad-request', z.prettifyError(parsed.error)));
    const order = parsed.data;
    const verdict = orders.take(order, now());
    if (!verdict.ok) {
      // Only what is signed is repeated.
      const { code, message } = verdict.refusal;
      if (code === 'unknown-key' || code === 'bad-signature') return send(response, refuseUnsigned(code, message));
      return send(response, settle(order, verdict));
    }
    logger.info({ ...factsOf(order) }, 'a service order is carried out');
    send(response, settle(order, await attempt(() => services.carryOut(order, deadline()))));
  });

  /** What came of a signed order, written down before it is told. */
  function settle(order: ServiceOrder, outcome: ServiceOutcome): ServiceOutcome {
    const message = outcome.ok ? `it is ${outcome.value.state}` : outcome.refusal.message;
    const facts = { ...factsOf(order), done: outcome.ok, detail: message };
    if (outcome.ok) logger.info(facts, 'a service order was carried out');
    else logger.warn({ ...facts, code: outcome.refusal.code }, 'a service order was refused');
    const { order: id, ...rest } = factsOf(order);
    told.add({ id, ...rest, at: new Date(now()).toISOString(), done: outcome.ok, message: message.slice(0, 500) });
    return outcome;
  }

  function refuseUnsigned(code: ServiceRefusal['code'], message: string): ServiceOutcome {
    logger.warn({ code }, 'an order that nobody signed was refused');
    return refuse(code, message);
  }

  app.use((_request, response) => {
    response.status(404).json(refuse('bad-request', 'there is nothing here').refusal);
  });
  const onError: ErrorRequestHandler = (error, _request, response, _next) => {
    const refusal = refusalOf(error);
    logger.warn({ code: refusal.code }, 'a request about a service was refused');
    send(response, { ok: false, refusal });
  };
  app.use(onError);
  return app;
}

function factsOf({ id, kind, subject, actor, evidence }: ServiceOrder) {
  return { order: id, kind, service: subject.service, user: actor.user, evidence };
}
