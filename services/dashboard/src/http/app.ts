import type { Logger } from '@countersign/kit/logger.ts';
import express, { type Express, type RequestHandler } from 'express';
import { accessLog } from './access-log.ts';
import { apiRouter } from './api.ts';
import { failureHandler } from './failures.ts';
import { csrfGuard, type GuardName, hostGuard, originGuard } from './guards.ts';
import { securityHeaders } from './headers.ts';
import { type LoginParts, loginRoutes } from './login.ts';
import { pageFiles } from './page-files.ts';
import { RequestProblem } from './problem.ts';
import type { Route } from './route.ts';
import { sessionGate, signedIn, whoAsks } from './signed-in.ts';

export type AppParts = LoginParts & {
  readonly routes: readonly Route[];
  /** The folder of the built page. */
  readonly page: string;
  readonly logger: Logger;
};

/**
 * The whole HTTP side. The order is the argument: what was sent elsewhere is refused first; below `/api/` nothing is looked at
 * without a session; then what other pages sent, and what does not know the session's token; then the table of routes.
 * @param without checks that are left out: for tests, which show that any two of them are enough
 */
export function createApp({ routes, page, logger, ...login }: AppParts, without: readonly GuardName[] = []): Express {
  const { sessions, hosts } = login;
  const guard = (name: GuardName, handler: RequestHandler) => (without.includes(name) ? pass : handler);
  const files = pageFiles(page);
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.disable('trust proxy');
  app.enable('case sensitive routing');
  app.enable('strict routing');
  app.set('query parser', 'simple');
  // Library messages with stacks are for no environment.
  app.set('env', 'production');

  app.use(accessLog(logger), ...securityHeaders, knownMethods);
  app.use(guard('host', hostGuard(hosts)));
  app.use('/api', sessionGate(sessions, hosts));
  app.use(guard('origin', originGuard(hosts)));
  app.use('/api', guard('csrf', csrfGuard), countAsUse(login), apiRouter(routes));
  app.use(loginRoutes(login), files.emblems);
  app.use(files.page((request) => whoAsks(request, sessions, hosts) !== null));
  app.use(() => {
    throw new RequestProblem(404, 'not_found', 'There is nothing here.');
  });
  app.use(failureHandler(logger));
  return app;
}

const pass: RequestHandler = (_request, _response, next) => next();

const knownMethods: RequestHandler = ({ method }, response, next) => {
  if (['GET', 'HEAD', 'POST', 'DELETE'].includes(method)) return next();
  response.set('allow', 'GET, HEAD, POST, DELETE');
  throw new RequestProblem(405, 'bad_request', 'This method is not for this server.');
};

/** What a page does by itself, while nobody looks at it, keeps no session open. */
const ofThePageItself = ['/session', '/stream'];
/** Of everything else the page says it with this header; who says it without cause shortens his own session. */
const byItselfHeader = 'x-countersign-by-itself';

function countAsUse({ sessions }: LoginParts): RequestHandler {
  return ({ path, headers }, response, next) => {
    const { session, secret } = signedIn(response);
    if (!ofThePageItself.includes(path) && headers[byItselfHeader] === undefined) sessions.use(secret, session.host);
    next();
  };
}
