import type { Problem, Session } from '@countersign/contracts/page-api.ts';
import { signal } from '@preact/signals';

/** Null before the first answer, and after the session has ended. */
export const session = signal<Session | null>(null);
export const signedOut = signal(false);

/** An answer that is no success. `status` is of HTTP; 0 where there was no answer at all. */
export class RequestFailure extends Error {
  readonly status: number;
  readonly problem: Problem | null;

  constructor(status: number, problem: Problem | null) {
    super(problem?.message ?? 'There was no answer. The page tries again by itself.');
    this.name = 'RequestFailure';
    this.status = status;
    this.problem = problem;
  }
}

type Asking = {
  readonly signal?: AbortSignal;
  /** Nobody asked for it with a tap: that keeps no session open. */
  readonly byItself?: boolean;
};

/**
 * The answer to a GET below `/api/`, as JSON of the shape that the contract names.
 * @throws RequestFailure
 */
export async function get<T>(path: string, { signal, byItself = false }: Asking = {}): Promise<T> {
  return ask<T>(path, {
    ...(signal === undefined ? {} : { signal }),
    ...(byItself ? { headers: { 'x-countersign-by-itself': '1' } } : {}),
  });
}

/**
 * Ends what a path names, such as a session.
 * @throws RequestFailure
 */
export async function remove(path: string): Promise<void> {
  if (session.value === null) session.value = await get<Session>('/api/session');
  await ask(path, { method: 'DELETE', headers: { 'x-countersign-csrf': session.value.csrf } });
}

/**
 * Sends JSON, with what shows that this page meant it.
 * @param key the same for the same tap, however often it is sent
 * @throws RequestFailure
 */
export async function post<T>(path: string, body: unknown, key: string): Promise<T> {
  if (session.value === null) session.value = await get<Session>('/api/session');
  return ask<T>(path, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'idempotency-key': key,
      'x-countersign-csrf': session.value.csrf,
    },
    body: JSON.stringify(body),
  });
}

async function ask<T>(path: string, init: RequestInit): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(path, { ...init, credentials: 'same-origin', redirect: 'error' });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new RequestFailure(0, null);
  }
  if (answer.ok) {
    signedOut.value = false;
    const text = await answer.text();
    return (text === '' ? null : JSON.parse(text)) as T;
  }
  if (answer.status === 401) {
    session.value = null;
    signedOut.value = true;
  }
  throw new RequestFailure(answer.status, await problemOf(answer));
}

async function problemOf(answer: Response): Promise<Problem | null> {
  try {
    const value: unknown = await answer.json();
    return typeof value === 'object' && value !== null && 'error' in value && 'message' in value
      ? (value as Problem)
      : null;
  } catch {
    return null;
  }
}
