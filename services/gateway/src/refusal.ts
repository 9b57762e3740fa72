import type { ServerResponse } from 'node:http';

/** Whose error shape a client of this path understands. */
export type Dialect = 'ollama' | 'openai';

/** Why a request is not forwarded; `reason` is for the sandbox and the log, and holds no value of the request's body. */
export type Refusal = {
  readonly status: number;
  readonly reason: string;
  /** For programs that speak OpenAI's dialect, the only one with room for it. */
  readonly code?: string;
};

export function dialectOf(path: string): Dialect {
  return path.startsWith('/v1/') ? 'openai' : 'ollama';
}

export function errorBody(refusal: Refusal, dialect: Dialect): string {
  const error =
    dialect === 'ollama'
      ? refusal.reason
      : { message: refusal.reason, type: 'gateway_error', param: null, code: refusal.code ?? null };
  return JSON.stringify({ error });
}

/**
 * Answers with a refusal; nothing is written when the client has gone or an answer has begun.
 * @param body JSON in the shape that the client understands
 */
export function answerRefusal(response: ServerResponse, status: number, body: string): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  });
  response.end(body);
}
