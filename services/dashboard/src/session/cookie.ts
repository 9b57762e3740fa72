import type { CookieOptions } from 'express';
import { dashboardLimits } from '../limits.ts';

/** How a host is reached: over plain http on this machine, or over https behind a proxy of the operator's. */
export type Scheme = 'http' | 'https';

/**
 * The session's cookie. Over https its prefix makes browsers refuse one that another host or path has set. Over plain http that prefix
 * cannot be had: not every browser keeps a `Secure` cookie of `http://127.0.0.1`. `Lax`, so that a link in a chat opens the page
 * signed in; what another site can cause by that changes nothing.
 */
export function sessionCookie(scheme: Scheme): { readonly name: string; readonly options: CookieOptions } {
  return {
    name: scheme === 'https' ? '__Host-countersign' : 'countersign',
    options: {
      httpOnly: true,
      secure: scheme === 'https',
      sameSite: 'lax',
      path: '/',
      maxAge: dashboardLimits.sessionMs,
    },
  };
}

/** The value of a cookie in a request's header; empty when there is none, or more than one of that name. */
export function cookieIn(header: string | undefined, name: string): string {
  const values = (header ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`));
  return values.length === 1 ? (values[0]?.slice(name.length + 1) ?? '') : '';
}
