import { Session, Sessions } from '@countersign/contracts/page-api.ts';
import type { Response } from 'express';
import { sessionCookie } from '../session/cookie.ts';
import { csrfTokenOf, type Sessions as SessionStore } from '../session/sessions.ts';
import type { KnownHosts } from './known-hosts.ts';
import { RequestProblem } from './problem.ts';
import { answering, type Route, writing } from './route.ts';

export type SessionParts = {
  readonly sessions: SessionStore;
  readonly hosts: KnownHosts;
  readonly version: string;
};

/** Who is signed in, and how that ends. */
export function sessionRoutes({ sessions, hosts, version }: SessionParts): readonly Route[] {
  return [
    answering('get', '/session', { title: 'the session that asks', answer: Session }, ({ session, secret }) => ({
      csrf: csrfTokenOf(secret),
      idle_expires_at: timestamp(session.idleExpiresAt),
      expires_at: timestamp(session.expiresAt),
      version,
    })),
    writing('delete', '/session', { title: 'signs out' }, ({ session }, response) => {
      sessions.end(session.id);
      forget(response, session.host, hosts);
      response.status(204).end();
    }),
    answering('get', '/sessions', { title: 'everybody who is signed in', answer: Sessions }, ({ session: own }) => ({
      sessions: sessions.list().map(({ id, host, client, openedAt, usedAt, expiresAt }) => ({
        id,
        host,
        client,
        opened_at: timestamp(openedAt),
        used_at: timestamp(usedAt),
        expires_at: timestamp(expiresAt),
        own: id === own.id,
      })),
    })),
    writing('delete', '/sessions/:session', { title: 'signs one of them out' }, ({ names, session }, response) => {
      const id = names['session'] ?? '';
      if (!sessions.end(id)) throw new RequestProblem(404, 'not_found', 'There is no such session, or not any more.');
      if (id === session.id) forget(response, session.host, hosts);
      response.status(204).end();
    }),
  ];
}

/** What the browser still holds of the session is worth nothing any more; it is told to forget that too. */
function forget(response: Response, host: string, hosts: KnownHosts): void {
  const { name, options } = sessionCookie(hosts.schemeOf(host));
  const { maxAge: _, ...same } = options;
  response.clearCookie(name, same).set('clear-site-data', '"cache"');
}

function timestamp(ms: number): string {
  return new Date(ms).toISOString();
}
