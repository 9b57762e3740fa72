import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { dashboardLimits } from '../limits.ts';

/** Of 256 random bits, in base64url. */
const secretShape = /^[A-Za-z0-9_-]{43}$/;

/** One browser that is signed in. Times are milliseconds since 1970. */
export type Session = {
  /** A name for it that opens nothing. */
  readonly id: string;
  /** The `Host` at which it was opened; it counts nowhere else. */
  readonly host: string;
  /** What the browser says of itself. */
  readonly client: string;
  readonly openedAt: number;
  readonly usedAt: number;
  readonly expiresAt: number;
  readonly idleExpiresAt: number;
  /** Aborted when it ends, however it ends. */
  readonly ended: AbortSignal;
};

type Kept = {
  usedAt: number;
  readonly session: Omit<Session, 'usedAt' | 'idleExpiresAt'>;
  readonly end: AbortController;
};

/**
 * The sessions of this process; they end with it, and the login link opens new ones. Of what the cookie holds only a digest is kept.
 */
export class Sessions {
  readonly #now: () => number;
  /** By the digest of its secret, the one used longest ago first. */
  readonly #kept = new Map<string, Kept>();

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Returns what its cookie is to hold. */
  open(host: string, client: string): string {
    this.sweep();
    const secret = randomBytes(32).toString('base64url');
    const digest = digestOf(secret);
    const openedAt = this.#now();
    const end = new AbortController();
    const session = {
      id: digest.slice(0, 16),
      host,
      client,
      openedAt,
      expiresAt: openedAt + dashboardLimits.sessionMs,
      ended: end.signal,
    };
    for (const oldest of [...this.#kept.keys()].slice(0, Math.max(0, this.#kept.size + 1 - dashboardLimits.sessions)))
      this.#end(oldest);
    this.#kept.set(digest, { usedAt: openedAt, session, end });
    return secret;
  }

  /** The session that a cookie is of, at the host at which it was opened; null when there is none. */
  find(secret: string, host: string): Session | null {
    const found = this.#find(secret, host);
    return found === null ? null : seen(found[1]);
  }

  /** Puts the end of its idle time off. */
  use(secret: string, host: string): void {
    const found = this.#find(secret, host);
    if (found === null) return;
    const [digest, kept] = found;
    kept.usedAt = this.#now();
    this.#kept.delete(digest);
    this.#kept.set(digest, kept);
  }

  /** Whether there was such a session. */
  end(id: string): boolean {
    const digest = [...this.#kept.keys()].find((each) => each.startsWith(id) && id.length === 16);
    if (digest === undefined) return false;
    this.#end(digest);
    return true;
  }

  /** The one opened last first. */
  list(): readonly Session[] {
    this.sweep();
    return [...this.#kept.values()].map(seen).sort((a, b) => b.openedAt - a.openedAt);
  }

  /** Ends those whose time is up. */
  sweep(): void {
    for (const [digest, kept] of [...this.#kept]) if (this.#isOver(kept)) this.#end(digest);
  }

  #find(secret: string, host: string): [string, Kept] | null {
    if (!secretShape.test(secret)) return null;
    const digest = digestOf(secret);
    const kept = this.#kept.get(digest);
    if (kept === undefined || kept.session.host !== host || this.#isOver(kept)) return null;
    return [digest, kept];
  }

  #isOver({ usedAt, session }: Kept): boolean {
    const now = this.#now();
    return now >= session.expiresAt || now >= usedAt + dashboardLimits.sessionIdleMs;
  }

  #end(digest: string): void {
    const kept = this.#kept.get(digest);
    this.#kept.delete(digest);
    kept?.end.abort(new Error('the session has ended'));
  }
}

/** What shows that a request was made by our own page: only who is given a session's answers knows it, and nothing keeps it. */
export function csrfTokenOf(secret: string): string {
  return createHmac('sha256', secret).update('countersign csrf').digest('base64url');
}

/** In a time that says nothing of how much of it is right. */
export function isCsrfToken(given: string, secret: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(csrfTokenOf(secret))];
  return a.length === b.length && timingSafeEqual(a, b);
}

function seen({ usedAt, session }: Kept): Session {
  return {
    ...session,
    usedAt,
    idleExpiresAt: Math.min(session.expiresAt, usedAt + dashboardLimits.sessionIdleMs),
  };
}

function digestOf(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}
