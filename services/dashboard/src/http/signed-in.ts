import type { Request, RequestHandler, Response } from 'express';
import { cookieIn, sessionCookie } from '../session/cookie.ts';
import type { Session, Sessions } from '../session/sessions.ts';
import type { KnownHosts } from './known-hosts.ts';
import { RequestProblem } from './problem.ts';

/** Who asks. */
export type SignedIn = { readonly session: Session; readonly secret: string };

/** Who asks; null when there is no session. */
export function whoAsks({ headers }: Request, sessions: Sessions, hosts: KnownHosts): SignedIn | null {
  const host = headers.host ?? '';
  const secret = cookieIn(headers.cookie, sessionCookie(hosts.schemeOf(host)).name);
  const session = sessions.find(secret, host.toLowerCase());
  return session === null ? null : { session, secret };
}

/** Lets nobody in without a session. */
export function sessionGate(sessions: Sessions, hosts: KnownHosts): RequestHandler {
  return (request, response, next) => {
    const found = whoAsks(request, sessions, hosts);
    if (found === null)
      throw new RequestProblem(401, 'no_session', 'You are not signed in, or not any more. Open the login link again.');
    response.locals['signedIn'] = found;
    next();
  };
}

/** Behind the gate. */
export function signedIn(response: Response): SignedIn {
  return response.locals['signedIn'] as SignedIn;
}
