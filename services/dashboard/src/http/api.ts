import { pageLimits } from '@countersign/contracts/page-api.ts';
import { type RequestHandler, type Response, Router } from 'express';
import { rateLimit } from 'express-rate-limit';
import { z } from 'zod';
import { dashboardLimits } from '../limits.ts';
import { jsonBody } from './json-body.ts';
import { RequestProblem } from './problem.ts';
import type { Route } from './route.ts';
import { signedIn } from './signed-in.ts';

/** The JSON API: one handler for each line of the table, and nothing beside it. */
export function apiRouter(routes: readonly Route[]): Router {
  const router = Router({ caseSensitive: true, strict: true });
  router.use(limitOfChanges());
  for (const route of routes) {
    const body = route.body === null ? [noBody] : jsonBody(pageLimits.commandBytes);
    router[route.method](route.path, ...body, handlerOf(route));
  }
  router.use(() => {
    throw new RequestProblem(404, 'not_found', 'There is nothing here.');
  });
  return router;
}

function limitOfChanges(): RequestHandler {
  return rateLimit({
    windowMs: dashboardLimits.commandsMs,
    limit: dashboardLimits.commands,
    skip: ({ method }) => method === 'GET' || method === 'HEAD',
    keyGenerator: (_request, response) => signedIn(response as Response).session.id,
    standardHeaders: false,
    legacyHeaders: false,
    validate: false,
    handler: () => {
      throw new RequestProblem(
        429,
        'too_many_requests',
        'Too many commands came in the last minute. Nothing was done.',
      );
    },
  });
}

function handlerOf(route: Route): RequestHandler {
  return async (request, response) => {
    response.locals['route'] = route.path;
    const query = parse(route.query, { ...request.query });
    const body = route.body === null ? undefined : parse(route.body, request.body);
    const names = Object.fromEntries(
      Object.entries(request.params).map(([name, value]) => [name, [value].flat().join('/')]),
    );
    await route.send({ request, names, query, body, ...signedIn(response) }, response);
  };
}

const noBody: RequestHandler = (request, _response, next) => {
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
  if (encoding === undefined && Number(length ?? 0) === 0) return next();
  if (Number(length ?? 0) > dashboardLimits.loginBytes)
    throw new RequestProblem(413, 'too_large', 'This takes no body.');
  throw new RequestProblem(400, 'bad_request', 'This takes no body.');
};

/** @throws RequestProblem that says what is wrong with which part */
function parse(schema: z.ZodType, value: unknown): unknown {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new RequestProblem(400, 'bad_request', z.prettifyError(parsed.error).slice(0, 2_000));
}
