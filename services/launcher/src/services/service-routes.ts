import type { RequestListener } from 'node:http';
import { ControlledService, ServiceOrder, type ServiceRefusal } from '@countersign/contracts/services-api.ts';
import type { Logger } from '@countersign/kit/logger.ts';
import { z } from 'zod';
import { launcherLimits } from '../limits.ts';
import { refuse } from '../outcome.ts';
import { type Answer, createSocketApp, type Routes, refusalOf } from '../socket-app.ts';
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
): RequestListener {
  const { services, orders, told } = parts;

  const deadline = () => AbortSignal.any([stop, AbortSignal.timeout(launcherLimits.requestMs)]);
  const answerWith = (outcome: ServiceOutcome): Answer =>
    outcome.ok
      ? { status: 200, body: outcome.value }
      : { status: statuses[outcome.refusal.code], body: outcome.refusal };
  const attempt = async (work: () => Promise<ServiceOutcome>): Promise<ServiceOutcome> => {
    try {
      return await work();
    } catch (error) {
      const refusal = refusalOf(error);
      if (refusal.code === 'internal') logger.error({ err: error }, 'a request about a service failed');
      return { ok: false, refusal };
    }
  };

  async function inspect(name: string | undefined): Promise<ServiceOutcome> {
    const service = ControlledService.safeParse(name);
    if (!service.success) return refuse('no-such-service', 'there is no such service here');
    return await attempt(() => services.inspect(service.data, deadline()));
  }

  async function carryOut(body: unknown): Promise<ServiceOutcome> {
    const parsed = ServiceOrder.safeParse(body);
    if (!parsed.success) return refuseUnsigned('bad-request', z.prettifyError(parsed.error));
    const order = parsed.data;
    const verdict = orders.take(order, now());
    if (!verdict.ok) {
      // Only what is signed is repeated.
      const { code, message } = verdict.refusal;
      if (code === 'unknown-key' || code === 'bad-signature') return refuseUnsigned(code, message);
      return settle(order, verdict);
    }
    logger.info({ ...factsOf(order) }, 'a service order is carried out');
    return settle(order, await attempt(() => services.carryOut(order, deadline())));
  }

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

  const routes: Routes = {
    'GET /services/:name': async ({ params }) => answerWith(await inspect(params['name'])),
    'POST /orders': async ({ body }) => answerWith(await carryOut(body)),
  };
  return createSocketApp(routes, (error, { route }) => {
    const refusal = refusalOf(error);
    logger.warn({ code: refusal.code }, 'a request about a service was refused');
    return { status: route === null ? 404 : statuses[refusal.code], body: refusal };
  });
}

function factsOf({ id, kind, subject, actor, evidence }: ServiceOrder) {
  return { order: id, kind, service: subject.service, user: actor.user, evidence };
}
