import { ProfileName, type Refusal, SignalSandbox, StartSandbox } from '@countersign/contracts/launcher-api.ts';
import { SlotId, WorkspaceName } from '@countersign/contracts/names.ts';
import type { Logger } from '@countersign/kit/logger.ts';
import type { ErrorRequestHandler, Express, Response } from 'express';
import { z } from 'zod';
import type { Engine } from './engine.ts';
import { describeHealth } from './engine-health.ts';
import { launcherLimits } from './limits.ts';
import { type Outcome, refuse } from './outcome.ts';
import type { ProfileBook } from './profile-book.ts';
import type { Sandboxes } from './sandboxes.ts';
import type { ToldOrders } from './services/told-orders.ts';
import { createSocketApp, refusalOf } from './socket-app.ts';

const statuses: Readonly<Record<Refusal['code'], number>> = {
  'unknown-profile': 404,
  'no-such-sandbox': 404,
  'slot-taken': 409,
  'bad-request': 422,
  'no-image': 422,
  'image-unfit': 422,
  'runtime-missing': 422,
  'not-as-compiled': 422,
  'engine-down': 503,
  'too-many-sandboxes': 503,
  internal: 500,
};

const ProfileQuery = z.strictObject({ workspace: WorkspaceName.nullable().default(null) });

/** The API of `contracts/launcher-api.ts`; nothing else is answered. @param stop aborts what is under way */
export function createRoutes(
  parts: {
    readonly engine: Engine;
    readonly profiles: ProfileBook;
    readonly sandboxes: Sandboxes;
    readonly told: ToldOrders;
  },
  logger: Logger,
  stop: AbortSignal,
): Express {
  const { engine, profiles, sandboxes, told } = parts;
  const app = createSocketApp();

  const deadline = () => AbortSignal.any([stop, AbortSignal.timeout(launcherLimits.requestMs)]);
  const sendRefusal = (response: Response, refusal: Refusal, status = statuses[refusal.code]) => {
    const { method } = response.req;
    logger.warn(
      { method, route: response.req.route?.path ?? null, code: refusal.code, detail: refusal.message },
      'refused',
    );
    response.status(status).json(refusal);
  };
  /** Answers with the outcome of what a request asks for; a request that does not parse asks for nothing. */
  const answer = async <Input, Value>(
    response: Response,
    asked: z.ZodSafeParseResult<Input>,
    work: (input: Input) => Promise<Outcome<Value>>,
    send: (value: Value) => void,
  ) => {
    const outcome = asked.success ? await work(asked.data) : refuse('bad-request', z.prettifyError(asked.error));
    if (outcome.ok) send(outcome.value);
    else sendRefusal(response, outcome.refusal);
  };

  app.get('/health', async (_request, response) => {
    response.json(await describeHealth(engine, stop));
  });
  app.get('/profiles/:name', async (request, response) => {
    const asked = z.strictObject({ name: ProfileName, query: ProfileQuery });
    await answer(
      response,
      asked.safeParse({ name: request.params.name, query: queryOf(request.url) }),
      ({ name, query }) => profiles.resolve(name, query.workspace, deadline()),
      (resolved) => response.json(resolved.answer),
    );
  });
  app.get('/sandboxes', async (_request, response) => {
    response.json({ sandboxes: await sandboxes.list(deadline()) });
  });
  app.get('/orders', (_request, response) => {
    response.json({ orders: told.list() });
  });
  app.post('/sandboxes', async (request, response) => {
    await answer(
      response,
      StartSandbox.safeParse(request.body),
      (start) => sandboxes.start(start, deadline()),
      (sandbox) => response.status(201).json(sandbox),
    );
  });
  app.post('/sandboxes/:id/signal', async (request, response) => {
    const asked = z.strictObject({ id: SlotId, body: SignalSandbox });
    await answer(
      response,
      asked.safeParse({ id: request.params.id, body: request.body }),
      ({ id, body }) => sandboxes.signal(id, body, deadline()),
      () => response.status(204).end(),
    );
  });
  app.delete('/sandboxes/:id', async (request, response) => {
    await answer(
      response,
      SlotId.safeParse(request.params.id),
      async (id) => ({ ok: true, value: await sandboxes.remove(id, deadline()) }),
      () => response.status(204).end(),
    );
  });

  app.use((_request, response) => {
    sendRefusal(response, refuse('bad-request', 'there is nothing here').refusal, 404);
  });
  const onError: ErrorRequestHandler = (error, _request, response, _next) => {
    const refusal = refusalOf(error);
    if (refusal.code === 'internal') logger.error({ err: error }, 'a request failed');
    sendRefusal(response, refusal);
  };
  app.use(onError);
  return app;
}

/** Express does not parse it: a name that is given twice, or with brackets, would become something else than text. */
function queryOf(url: string): unknown {
  const start = url.indexOf('?');
  const pairs = start < 0 ? [] : [...new URLSearchParams(url.slice(start + 1))];
  // What is given twice becomes a list, which is no name.
  return Object.fromEntries(
    Object.entries(Object.groupBy(pairs, ([name]) => name)).map(([name, given]) => [
      name,
      given?.length === 1 ? given[0]?.[1] : given,
    ]),
  );
}
