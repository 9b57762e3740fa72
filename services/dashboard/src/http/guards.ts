import type { Request, RequestHandler } from 'express';
import { isCsrfToken } from '../session/sessions.ts';
import type { KnownHosts } from './known-hosts.ts';
import { RequestProblem } from './problem.ts';
import { signedIn } from './signed-in.ts';

/**
 * Three checks that know nothing of each other, so that any two of them hold what the third should have held: where a request was
 * sent to, which page sent it, and whether that page was given our answers.
 */
export const guardNames = ['host', 'origin', 'csrf'] as const;
export type GuardName = (typeof guardNames)[number];

/** Those that change nothing. */
function isReading({ method }: Request): boolean {
  return method === 'GET' || method === 'HEAD';
}

/** Refuses what was meant for another server: a name that was made to point here, or a request that could be read in two ways. */
export function hostGuard(hosts: KnownHosts): RequestHandler {
  return (request, _response, next) => {
    const names = request.rawHeaders.filter((_, index) => index % 2 === 0);
    const isOne = names.filter((name) => name.toLowerCase() === 'host').length === 1;
    if (isOne && hosts.isKnown(request.headers.host ?? '') && request.url.startsWith('/')) return next();
    throw new RequestProblem(
      421,
      'forbidden_host',
      'The page is not asked for at this address. If it is a name of yours, COUNTERSIGN_PAGE_HOSTS has to name it.',
    );
  };
}

/** Refuses what another page sent: browsers say which one it was, and no page can make them say otherwise. */
export function originGuard(hosts: KnownHosts): RequestHandler {
  return (request, _response, next) => {
    if (isReading(request) ? mayRead(request, hosts) : mayChange(request, hosts)) return next();
    throw new RequestProblem(403, 'forbidden_origin', 'Another page sent this. Nothing was done.');
  };
}

function mayChange({ headers }: Request, hosts: KnownHosts): boolean {
  const { origin, 'sec-fetch-site': site } = headers;
  if (origin === undefined && site === undefined) return false;
  return (origin === undefined || hosts.isOwnOrigin(origin)) && (site === undefined || site === 'same-origin');
}

/** Others may only lead a person here, to the page and to nothing below `/api/`. */
function mayRead({ headers, originalUrl }: Request, hosts: KnownHosts): boolean {
  if (headers.origin !== undefined && !hosts.isOwnOrigin(headers.origin)) return false;
  const { 'sec-fetch-site': site, 'sec-fetch-mode': mode, 'sec-fetch-dest': destination } = headers;
  if (site === undefined || site === 'same-origin' || site === 'none') return true;
  return mode === 'navigate' && destination === 'document' && !originalUrl.startsWith('/api');
}

const csrfHeader = 'x-countersign-csrf';

/** Refuses what changes something without the token that the session's own page is given. */
export const csrfGuard: RequestHandler = (request, response, next) => {
  const given = request.headers[csrfHeader];
  if (isReading(request) || (typeof given === 'string' && isCsrfToken(given, signedIn(response).secret))) return next();
  throw new RequestProblem(403, 'csrf', 'The page is not up to date. Load it again; nothing was done.');
};
