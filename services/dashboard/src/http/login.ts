import express, { type Request, type RequestHandler, type Response, Router } from 'express';
import { rateLimit } from 'express-rate-limit';
import { dashboardLimits } from '../limits.ts';
import { sessionCookie } from '../session/cookie.ts';
import type { LoginToken } from '../session/login-token.ts';
import type { Sessions } from '../session/sessions.ts';
import type { KnownHosts } from './known-hosts.ts';
import { loginPage, loginStyle, loginWords } from './plain-pages.ts';
import { RequestProblem, sendProblem } from './problem.ts';
import { whoAsks } from './signed-in.ts';

export type LoginParts = { readonly token: LoginToken; readonly sessions: Sessions; readonly hosts: KnownHosts };

const clientCharacters = 200;

/**
 * The way in, without a script: by the link or by the form. What is right is let in at once, however many wrong ones came before it:
 * nobody can keep the operator out by guessing.
 */
export function loginRoutes(parts: LoginParts): Router {
  const { token, sessions, hosts } = parts;
  const router = Router({ caseSensitive: true, strict: true });
  const letIn =
    (tokenOf: (request: Request) => unknown): RequestHandler =>
    (request, response, next) => {
      const given = tokenOf(request);
      if (typeof given !== 'string' || !token.isRight(given)) return next();
      openSession(request, response, parts);
    };
  const limit = rateLimit({
    windowMs: dashboardLimits.failedLoginsMs,
    limit: dashboardLimits.failedLogins,
    // Of everybody together: all of them come through one socket.
    keyGenerator: () => 'all',
    standardHeaders: false,
    legacyHeaders: false,
    validate: false,
    handler: (request, response) => {
      response.set('retry-after', String(dashboardLimits.failedLoginsMs / 1000));
      refuse(request, response, 429, 'often');
    },
  });
  const wrong: RequestHandler = (request, response) => refuse(request, response, 401, 'wrong');

  router.get('/login.css', (_request, response) => {
    response.type('text/css').send(loginStyle);
  });
  router.head('/login', (_request, response) => {
    response.type('html').end();
  });
  router.get('/login', (request, response, next) => {
    if (request.query['token'] !== undefined) return next();
    if (whoAsks(request, sessions, hosts) === null) response.type('html').send(loginPage('none'));
    else response.redirect(303, '/');
  });
  router.get(
    '/login',
    letIn(({ query }) => query['token']),
    limit,
    wrong,
  );
  const form = express.urlencoded({ extended: false, limit: dashboardLimits.loginBytes, inflate: false });
  router.post(
    '/login',
    form,
    letIn(({ body }) => body?.token),
    limit,
    wrong,
  );
  return router;
}

function openSession(request: Request, response: Response, { sessions, hosts }: LoginParts): void {
  const host = request.headers.host ?? '';
  const before = whoAsks(request, sessions, hosts);
  if (before !== null) sessions.end(before.session.id);
  const secret = sessions.open(host.toLowerCase(), (request.headers['user-agent'] ?? '').slice(0, clientCharacters));
  const { name, options } = sessionCookie(hosts.schemeOf(host));
  response.cookie(name, secret, options).redirect(303, '/');
}

function refuse(request: Request, response: Response, status: 401 | 429, words: 'wrong' | 'often'): void {
  const code = status === 401 ? 'bad_token' : 'too_many_requests';
  if (request.accepts(['html', 'json']) === 'json')
    sendProblem(response, new RequestProblem(status, code, loginWords[words]));
  else response.status(status).type('html').send(loginPage(words));
}
