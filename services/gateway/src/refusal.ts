import type { ServerResponse } from 'node:http';

/** Whose error shape a client of this path understands. */
export type Dialect = 'ollama' | 'openai';

/** Why a request is not forwarded; `reason` is for the sandbox and the log, and holds no value of the request's body. */
export type Refusal = { readonly status: number; readonly reason: string };

export function dialectOf(path: string): Dialect {
  return path.startsWith('/v1/') ? 'openai' : 'ollama';
}

export function errorBody(refusal: Refusal, dialect: Dialect): string {
  const error =
    dialect === 'ollama' ? refusal.reason : { message: refusal.reason, type: 'gateway_error', param: null, code: null };
  return JSON.stringify({ error });
}

/** Answers with the refusal; nothing is written when the client has gone or an answer has begun. */
export function answerRefusal(response: ServerResponse, refusal: Refusal, dialect: Dialect): void {
  if (response.headersSent || response.destroyed) return;
  const body = errorBody(refusal, dialect);
  response.writeHead(refusal.status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  });
  response.end(body);
}
